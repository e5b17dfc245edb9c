import { refuseExisting } from '../adapters/bundle.ts'
import type { Diagnosis } from '../doctor/diagnose.ts'
import { mendingsOf } from '../doctor/mends.ts'
import type { Redact } from '../doctor/redact.ts'
import { sparingNames } from '../doctor/sweep.ts'
import { AirstripError } from '../errors.ts'
import { diagnosisJson, diagnosisLines } from '../report/diagnosis.ts'
import type { Deps, Flags } from './deps.ts'
import { examineAll } from './examination.ts'
import { lookingSession } from './look.ts'
import { mendAll } from './mending.ts'
import { pastedWith } from './pasted.ts'
import { judgeBundle, writeExamination } from './replay.ts'

/** 0 healthy, 3 something is wrong, 4 only warnings, 1 when not everything could be looked at. */
export async function runDoctor(flags: Flags, deps: Deps): Promise<number> {
  if (flags.from !== undefined) return replay(flags.from, flags, deps)
  if (flags.bundle !== undefined) refuseExisting(flags.bundle)
  const { session, redactor, emit } = lookingSession(flags, deps)
  const examination = flags.fix === true ? await mendAll({ flags, deps, session, emit }) : await examineAll(session)
  const { diagnosis, evidence } = examination
  const redact = sparingNames(redactor.redact, evidence)
  const mendable = flags.fix === true ? [] : mendingsOf(diagnosis.findings, evidence).map(({ id }) => id)
  tell(diagnosis, flags, deps, redact, mendable)
  if (flags.bundle !== undefined) writeExamination(flags.bundle, examination, deps, redact)
  return exitOf(diagnosis)
}

/** What was collected elsewhere, judged here. The commands of its fixes are for where it came from. */
function replay(path: string, flags: Flags, deps: Deps): number {
  const other = flags.bundle !== undefined ? '--bundle' : flags.fix === true ? '--fix' : undefined
  if (other !== undefined) throw new AirstripError('USAGE', `--from and ${other} cannot be together: a bundle is judged where no cluster is.`)
  const { diagnosis, collected } = judgeBundle(path)
  if (flags.quiet !== true) deps.err(collected)
  print(diagnosis, flags, deps, (text) => text)
  return exitOf(diagnosis)
}

function tell(diagnosis: Diagnosis, flags: Flags, deps: Deps, redact: Redact, mendable: readonly string[]): void {
  const pasted = pastedWith(flags)
  print(pasted(diagnosis), flags, deps, redact)
  const { fix } = pasted({ fix: mendable.length === 0 ? [] : [`npx tsx run.ts doctor --fix # asks first; may mend ${mendable.join(', ')}`] })
  if (flags.json !== true) for (const line of fix) deps.out(redact(line))
}

function print(diagnosis: Diagnosis, flags: Flags, deps: Deps, redact: Redact): void {
  const lines = flags.json === true ? [diagnosisJson(diagnosis)] : diagnosisLines(diagnosis, deps.outColors && flags.color)
  for (const line of lines) deps.out(redact(line))
}

export function exitOf({ findings, unknown }: Diagnosis): number {
  if (findings.some(({ severity }) => severity === 'error')) return 3
  if (unknown.length > 0) return 1
  return findings.length > 0 ? 4 : 0
}
