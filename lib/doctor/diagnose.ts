/** All rules over one evidence: root causes first, each once. */
import type { Finding } from '../step.ts'
import { mergeFindings } from '../observe/causes.ts'
import { linkOf, rank } from '../observe/faults.ts'
import { type Evidence, partsIn } from './evidence.ts'
import { withEdits } from './edited.ts'
import { explained } from './explains.ts'
import { withAbsence } from './witnessed.ts'
import type { Rule } from './rule.ts'
import { rules } from './rules.ts'
import { machineRules } from './rules/machine.ts'
import { reasonOf } from './unready.ts'

export interface Diagnosis {
  healthy: boolean
  findings: Finding[]
  /** True of this cluster and no reason to act: a system that nobody has proven, a tool of another age. */
  notes: Finding[]
  /** What could not be judged; never a silent pass. */
  unknown: string[]
  looked: string[]
  /** What is not ready yet, and nothing wrong with it: each object with its reason. */
  onTheirWay: string[]
}

/** Nothing is wrong where only these hold; a person who installs is told, one who looks for a fault is not alarmed. */
const notable = ['os-not-verified', 'kubernetes-not-verified', 'chart-kubernetes-skew', 'kubectl-skew', 'helm-kubernetes-skew', 'kubernetes-version-unknown', 'permissions-unknown']

/** People may reach a host by other means than this machine's resolver, which is not asked where the address is written down; and Traefik may run outside the cluster, or another controller leads to Airflow. Where HOST answered, none is a fault. */
function isNote({ id, severity }: Finding, { answered, wanted }: Evidence): boolean {
  const proven = answered !== undefined && 'answer' in answered
  if (id === 'host-unresolved') return proven || wanted?.address !== undefined
  return notable.includes(id) || (proven && ['traefik-not-running', 'traefik-missing'].includes(id) && severity === 'warning')
}

/** `beside`: findings that come from elsewhere, for example of a step's own check; what a rule found itself is not told again. */
export function diagnose(evidence: Evidence, beside: readonly Finding[] = [], list: readonly Rule[] = evidence.unreachable === undefined ? rules : machineRules): Diagnosis {
  const broken: string[] = []
  const found = list.flatMap((rule) => {
    try {
      return rule(evidence)
    } catch (error) {
      broken.push(`rule ${rule.name} broke: ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  })
  const unknown = [...evidence.unknown, ...broken]
  const more = beside.filter(({ id, severity }) => !found.some((one) => one.id === id && (one.severity === 'error' || severity === 'warning')))
  // A doubt that is certain for whoever installs is told as that alone.
  const told = found.filter(({ id, severity }) => severity === 'error' || !more.some((one) => one.id === id && one.severity === 'error'))
  const all = mergeFindings([...told, ...more]).map((finding) => withAbsence(withEdits({ ...finding, link: finding.link ?? linkOf(finding.id) }, evidence), evidence))
  const findings = ordered(explained(all.filter((finding) => !isNote(finding, evidence)), evidence))
  const healthy = unknown.length === 0 && findings.every(({ severity }) => severity === 'warning')
  return { healthy, findings, notes: all.filter((finding) => isNote(finding, evidence)), unknown, looked: evidence.looked, onTheirWay: onTheirWay(evidence, findings) }
}

/** Errors before warnings, what explains before what is explained, the deeper before the higher. */
function ordered(findings: readonly Finding[]): Finding[] {
  const place = ({ severity, causes = [], id }: Finding): number => (severity === 'error' ? 0 : 10_000) + (causes.length > 0 ? 1000 : 0) + rank(id)
  return [...findings].sort((a, b) => place(a) - place(b))
}

/** Not ready and nothing wrong: a start. What keeps one from being ready may have been told, by whichever rule. */
function onTheirWay(evidence: Evidence, findings: readonly Finding[]): string[] {
  const { record } = evidence
  if (record === undefined) return []
  const helm = record.status.startsWith('pending-') ? [`Helm release ${record.namespace}/${record.name}: ${record.status} since ${record.updatedAt}`] : []
  const told = findings.flatMap((finding) => [finding, ...(finding.causes ?? [])]).flatMap(({ evidence: lines }) => lines)
  const parts = partsIn(evidence).filter(({ observation }) => observation.state !== 'failed' || !observation.finding.evidence.some((line) => told.includes(line)))
  return [...parts.flatMap(({ name, observation }) => (observation.state === 'done' ? [] : [`${name}: ${reasonOf(observation)}`])), ...helm]
}
