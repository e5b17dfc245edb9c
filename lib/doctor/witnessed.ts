/**
 * Pods of failed Jobs that are gone, as a run has seen them (collect/witness.ts). Only the rules that ask for
 * them see them: what a pod said in the evening may be mended in the morning, and what still holds the
 * living say as well. A Job that has failed says it once.
 */
import type { KubernetesObject, NonEmpty } from '../access.ts'
import { hasEnded } from '../observe/job.ts'
import { nameOf } from '../observe/observation.ts'
import { controllerOf } from '../observe/owners.ts'
import type { Finding } from '../step.ts'
import type { Evidence, Witnessed } from './evidence.ts'
import type { Redact } from './redact.ts'

/** Its Job is known where somebody has looked after its end. */
export interface Seen extends Omit<Witnessed, 'job'> {
  job?: KubernetesObject | undefined
}

/**
 * Of each pod what was seen last, as long as its Job has not gone well. Of a Job that is gone itself
 * (ttlSecondsAfterFinished) it holds until Helm has tried again.
 */
export function stillSo(seen: readonly Seen[], evidence: Evidence, redact: Redact): Witnessed[] {
  const latest = new Map([...seen].sort((one, other) => one.at.localeCompare(other.at)).map((one) => [one.pod.metadata.uid, one]))
  return [...latest.values()].flatMap(({ pod, logs, job, at }): Witnessed[] => {
    const owner = evidence.jobs.find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid) ?? (isUnread(evidence) ? (job ?? ownerOf(pod)) : isOver(job, at, evidence) ? job : undefined)
    // Redacted whole, since a key goes over many lines.
    const clean = logs.map((log) => ({ ...log, lines: redact(log.lines.join('\n')).split('\n') }))
    return owner === undefined || hasEnded(owner, 'Complete') ? [] : [{ job: named(owner), pod, logs: clean, at }]
  })
}

/** Those of failed Jobs that nobody can look at any more, or that are on their way out. */
function absent({ witnessed = [], pods }: Evidence): Witnessed[] {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.uid)
  return witnessed.filter(({ pod, job }) => !staying.includes(pod.metadata.uid) && hasEnded(job, 'Failed'))
}

/** The same evidence as though they were still there. */
export function recalled(evidence: Evidence): Evidence {
  const { pods, jobs, logs } = evidence
  const gone = absent(evidence)
  if (gone.length === 0) return evidence
  const names = gone.map(({ pod }) => pod.metadata.name)
  const missing = gone.map(({ job }) => job).filter((job, index, all) => ![...jobs, ...all.slice(0, index)].some(({ metadata }) => metadata.uid === job.metadata.uid))
  return {
    ...evidence,
    pods: [...pods.filter(({ metadata }) => !names.includes(metadata.name)), ...gone.map(({ pod }) => pod)],
    jobs: [...jobs, ...missing],
    logs: [...logs.filter(({ pod }) => !names.includes(pod)), ...gone.flatMap((one) => one.logs)],
  }
}

/** Whose words are of a pod that is gone says so, and sends nobody to its log. */
export function withAbsence(finding: Finding, evidence: Evidence): Finding {
  const told = absent(evidence).filter(({ pod }) => finding.evidence.some((line) => line.includes(pod.metadata.name)))
  if (told.length === 0) return finding
  const [first, ...rest] = finding.fix.filter((line) => !line.includes(' logs '))
  const fix: NonEmpty<string> = first === undefined ? finding.fix : [first, ...rest]
  return { ...finding, evidence: [...finding.evidence, ...told.map(({ pod, at }) => `${nameOf(pod)} is gone; it was seen at ${at}`)], fix }
}

/** Then the next who looks judges it. */
function isUnread({ unreachable, unknown }: Evidence): boolean {
  return unreachable !== undefined || unknown.some((line) => line.startsWith('jobs.batch') || line.includes('record of Helm release'))
}

function ownerOf(pod: KubernetesObject): KubernetesObject | undefined {
  const owner = controllerOf(pod)
  if (owner === undefined) return undefined
  const { apiVersion, kind, name, uid } = owner
  const { namespace } = pod.metadata
  return { apiVersion, kind, metadata: { name, uid, ...(namespace === undefined ? {} : { namespace }) } }
}

function isOver(job: KubernetesObject | undefined, at: string, { jobs, record }: Evidence): boolean {
  if (job === undefined || record === undefined || record.status === 'deployed') return false
  return !jobs.some(({ metadata }) => metadata.name === job.metadata.name) && Date.parse(at) >= Date.parse(record.updatedAt)
}

function named({ apiVersion, kind, metadata: { name, namespace, uid, creationTimestamp, labels }, status }: KubernetesObject): KubernetesObject {
  return JSON.parse(JSON.stringify({ apiVersion, kind, metadata: { name, namespace, uid, creationTimestamp, labels }, status })) as KubernetesObject
}
