/** All rules over one evidence: root causes first, each once. */
import type { Finding } from '../step.ts'
import { mergeFindings } from '../observe/causes.ts'
import type { Evidence } from './evidence.ts'
import { rules, type Rule } from './rules.ts'
import { unready } from './unready.ts'

export interface Diagnosis {
  healthy: boolean
  findings: Finding[]
  /** What could not be judged; never a silent pass. */
  unknown: string[]
  /** What was looked at, and what is still on its way. */
  looked: string[]
}

export function diagnose(evidence: Evidence, list: readonly Rule[] = rules): Diagnosis {
  const broken: string[] = []
  const findings = list.flatMap((rule) => {
    try {
      return rule(evidence)
    } catch (error) {
      broken.push(`rule ${rule.name} broke: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  })
  const unknown = [...evidence.unknown, ...broken]
  const ordered = mergeFindings(findings)
  return { healthy: ordered.length === 0 && unknown.length === 0, findings: ordered, unknown, looked: [...evidence.looked, ...onTheirWay(evidence)] }
}

/** Not ready and nothing wrong: a start. */
function onTheirWay(evidence: Evidence): string[] {
  return evidence.record ? unready(evidence).map(({ object, reason }) => `on its way: ${object}: ${reason}`) : []
}
