/**
 * Causes told apart from their symptoms.
 *
 * Most of it is done below: a pod that waits for a claim says the claim's fault as its own, so the
 * same fault arrives several times and is merged. What remains is the database and the broker, on
 * which the rest of Airflow stands without owning them: while they are not ready, or the migrations
 * are not done, a component that crashes says nothing of itself.
 */
import type { KubernetesObject, NonEmpty } from '../access.ts'
import type { Finding, Pending } from '../step.ts'
import { rank } from './faults.ts'
import type { Failed, Observation } from './observation.ts'
import { placeIn } from './place.ts'

/** One object of the release, looked at. */
export interface Part {
  /** `Kind namespace/name`. */
  name: string
  /** As it lives; left out where it does not exist. */
  object?: KubernetesObject | undefined
  observation: Observation
  /** Others cannot run without it: the database, the broker, a hook. */
  foundation: boolean
}

/** `below`: what failed of that which it cannot run without. */
export interface Symptom {
  failure: Failed
  below: Failed[]
}

export interface Causes {
  roots: Failed[]
  /** Failed too, but explained by a root. */
  symptoms: Symptom[]
  /** Everything that is not ready, whatever the reason. */
  pending: Pending[]
}

export function isFoundation(object: KubernetesObject): boolean {
  const { name, labels = {} } = object.metadata
  const part = labels['app.kubernetes.io/name'] ?? labels.component ?? ''
  return /^(postgresql|mysql|redis|pgbouncer)$/.test(part) || /-(postgresql|mysql|redis|pgbouncer)(-\w+)?$/.test(name)
}

/** Of the bundled PostgreSQL, alone or with replicas. */
export function isDatabaseSet({ kind, metadata: { name } }: KubernetesObject): boolean {
  return kind === 'StatefulSet' && /-postgresql(-primary)?$/.test(name)
}

export function causesOf(parts: readonly Part[]): Causes {
  const failures = parts.flatMap(({ observation, foundation }) => (observation.state === 'failed' ? [{ observation, foundation }] : []))
  const symptoms = failures.filter((failure) => isSymptom(failure, parts)).map(({ observation }) => ({ failure: observation, below: belowOf(observation, parts).flatMap((part) => (part.observation.state === 'failed' ? [part.observation] : [])) }))
  const roots = failures.map(({ observation }) => observation).filter((observation) => !symptoms.some(({ failure }) => failure === observation))
  return { roots, symptoms, pending: parts.flatMap(pendingOf) }
}

/**
 * Things that ran and failed can have failed for want of the foundation; an image that does not
 * exist cannot. A Job that has given up stays so even where the foundation is only slow, so it is
 * explained by a failed foundation alone.
 */
function isSymptom({ observation, foundation }: { observation: Failed; foundation: boolean }, parts: readonly Part[]): boolean {
  const { id } = observation.finding
  const below = belowOf(observation, parts)
  if (id === 'job-failed') return below.some(({ observation }) => observation.state === 'failed' && observation.finding.id !== 'job-failed')
  return id === 'crash-loop' && !foundation && below.length > 0
}

function belowOf(observation: Failed, parts: readonly Part[]): Part[] {
  const container = containerOf(observation.finding)
  return parts.filter((part) => part.observation !== observation && isMissedBy(container, part))
}

/** Empty where no container is spoken of. */
export function containerOf({ evidence }: Finding): string {
  return evidence.flatMap((line) => placeIn(line)?.container ?? [])[0] ?? ''
}

/** Whether the container cannot run without this part, which is not there. Nobody waits for the first user. */
export function isMissedBy(container: string, { name, foundation, observation }: Part): boolean {
  if (!foundation || observation.state === 'done' || name.includes('create-user')) return false
  return name.includes('redis') ? needsBroker(container) : needsDatabase(container)
}

/** Only who sends or takes tasks; no Job of the chart does. */
export function needsBroker(container: string): boolean {
  return /^(?:airflow-)?(?:worker|scheduler|flower)$/.test(container)
}

/** All but the database and the broker themselves, and what only sweeps, counts or fetches; of both charts. */
export function needsDatabase(container: string): boolean {
  return !/^(?:postgresql|mysql|redis|init-chmod-data|volume-permissions|statsd|log-cleanup|[\w-]+-log-groomer|(?:dags-)?git-(?:sync|clone)(?:-init)?)$/.test(container)
}

function pendingOf({ name, observation }: Part): Pending[] {
  if (observation.state === 'done') return []
  return [{ object: name, reason: observation.state === 'waiting' ? observation.reason : observation.finding.title }]
}

export function merged(failures: readonly Failed[]): Finding[] {
  return mergeFindings(failures.map(({ finding }) => finding))
}

/** Causes first, each once, with the evidence and the fixes of all that have it. */
export function mergeFindings(findings: readonly Finding[]): Finding[] {
  const byCause = new Map<string, Finding>()
  for (const finding of findings) {
    const cause = `${finding.id} ${finding.title}`
    const there = byCause.get(cause)
    byCause.set(cause, there ? both(there, finding) : finding)
  }
  return [...byCause.values()].sort((a, b) => rank(a.id) - rank(b.id))
}

function both(a: Finding, b: Finding): Finding {
  const fix = [...new Set([...a.fix, ...b.fix])] as NonEmpty<string>
  const severity = a.severity === 'error' ? a.severity : b.severity
  return { ...a, severity, evidence: [...new Set([...a.evidence, ...b.evidence])], fix }
}
