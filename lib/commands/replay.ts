/** `doctor --bundle` and `doctor --from`: what was collected, written down and judged again. */
import { readBundle, writeBundle } from '../adapters/bundle.ts'
import { ownVersion } from '../adapters/own-version.ts'
import { diagnose, type Diagnosis } from '../doctor/diagnose.ts'
import type { Evidence } from '../doctor/evidence.ts'
import type { Redact } from '../doctor/redact.ts'
import { bundleFiles, damaged, omittedLines, parseStored } from '../report/bundle.ts'
import type { Finding } from '../step.ts'
import type { Deps } from './deps.ts'
import type { Examination } from './examination.ts'

export function writeExamination(path: string, { evidence, beside, diagnosis }: Examination, deps: Deps, redact: Redact): void {
  const files = bundleFiles({ airstrip: ownVersion(), evidence, beside }, diagnosis, redact)
  const size = writeBundle(path, files, deps.clock.now())
  deps.err(`wrote ${path}: ${files.length} files, ${Math.ceil(size / 1024)} KiB, for your eyes only (mode 0600) until you send it. Left out or taken out:`)
  for (const line of omittedLines(evidence)) deps.err(line)
}

/** Its time is the time of the findings. */
export function judgeBundle(path: string): { diagnosis: Diagnosis; collected: string } {
  const { evidence, beside, airstrip } = parseStored(readBundle(path), path)
  return { diagnosis: judged(evidence, beside, path), collected: `judging what airstrip ${airstrip} collected at ${evidence.at}, in ${path}` }
}

/** Objects of a file that somebody made up may have any shape within. */
function judged(evidence: Evidence, beside: readonly Finding[], path: string): Diagnosis {
  try {
    return diagnose(evidence, beside)
  } catch {
    throw damaged(path, 'an object in its evidence.json is not as Kubernetes has it')
  }
}
