/** What a look at one object can say, and what it may look at beside the object. */
import type { KubernetesObject, NonEmpty } from '../access.ts'
import type { Finding } from '../step.ts'
import { type FaultId, faults } from './faults.ts'

export type Observation = Done | Waiting | Failed

export interface Done {
  state: 'done'
  evidence: string
}

export interface Waiting {
  state: 'waiting'
  /** Never empty. */
  reason: string
}

/** Will not heal by itself, once it has stayed so for `settleMs`. */
export interface Failed {
  state: 'failed'
  finding: Finding & { id: FaultId }
  settleMs: number
  /** The object that it was seen on: `Pod airflow/airflow-postgresql-0`. */
  subject: string
  /** ISO time since when it can be so at the earliest: the subject is no older. */
  since?: string | undefined
  /** ISO time of the last try, for what is tried again at growing intervals. */
  triedAt?: string | undefined
}

/**
 * The rest of the cluster. `undefined` means that it could not be read, which is not the same as
 * none: without a list of classes nothing can be said of a missing one.
 */
export interface Context {
  events: readonly KubernetesObject[]
  pods: readonly KubernetesObject[]
  claims: readonly KubernetesObject[]
  classes?: readonly KubernetesObject[] | undefined
  volumes?: readonly KubernetesObject[] | undefined
  nodes?: readonly KubernetesObject[] | undefined
  /** Secrets and ConfigMaps that pods are said to lack, and that are there by now: `Secret airflow/name`. */
  present?: readonly string[] | undefined
  /** The Secrets that pods whose image could not be pulled log in to a registry with. */
  logins?: readonly KubernetesObject[] | undefined
  /** They tell which pods are of a Deployment's newest version. */
  replicaSets?: readonly KubernetesObject[] | undefined
  /** Whose pods are looked at, where they are looked at for its sake. */
  workload?: KubernetesObject | undefined
  /** What makes volumes: Deployments outside the namespace and the pods that they send to the nodes. */
  provisioners?: readonly Provisioner[] | undefined
  now: Date
}

/** Looked at already, since a claim, which asks for it, is itself a part of how pods are looked at. */
export interface Provisioner {
  object: KubernetesObject
  look: Observation
}

export function done(evidence: string): Done {
  return { state: 'done', evidence }
}

export function waiting(reason: string): Waiting {
  return { state: 'waiting', reason }
}

type Text = Omit<Finding, 'id' | 'severity' | 'causes'>

/** `title` names the cause and not the object, so that ten pods with one cause are one finding. */
export function failed(subject: KubernetesObject, id: FaultId, text: Text, settleMs?: number): Failed {
  return {
    state: 'failed',
    finding: { id, severity: 'error', ...text },
    settleMs: settleMs ?? faults[id].settleMs,
    subject: nameOf(subject),
    since: subject.metadata.creationTimestamp,
  }
}

/** The commands that could be made with what is known here, before what always helps. */
export function fixOf(known: readonly string[], ...always: NonEmpty<string>): NonEmpty<string> {
  const [first = always[0], ...rest] = [...known, ...always]
  return [first, ...rest]
}

/** `Kind namespace/name`, as it is printed. */
export function nameOf(object: KubernetesObject): string {
  const { name, namespace } = object.metadata
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`
}

/** Of a pod, or of a node. */
export function isReady({ status }: KubernetesObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some((one) => one.type === 'Ready' && one.status === 'True')
}

/** ISO time; undefined for what is not ready. */
export function readySince({ metadata, status }: KubernetesObject): string | undefined {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string; lastTransitionTime?: string }[] }
  const ready = conditions.find((one) => one.type === 'Ready' && one.status === 'True')
  return ready && (ready.lastTransitionTime ?? metadata.creationTimestamp)
}

/**
 * For how long at most a pod or a node says of itself that it is not Ready: no longer than it is there. Unknown is said
 * of a node by others, after 40 s without a sign of it, so that counts by its age alone; as does what has no time.
 */
export function notReadyMs({ metadata, status }: KubernetesObject, now: Date): number {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string; lastTransitionTime?: string | null }[] }
  const since = conditions.find((one) => one.type === 'Ready' && one.status === 'False')?.lastTransitionTime ?? undefined
  return Math.min(ageMs(metadata.creationTimestamp, now), pastMs(since, now))
}

const skewMs = 60_000

/** A time that is to come was written by a clock that ran ahead, and says nothing of how long ago that was. */
export function pastMs(time: string | number | undefined, now: Date): number {
  const age = typeof time === 'number' ? now.getTime() - time : ageMs(time, now)
  return age < -skewMs ? Infinity : age
}

/** `-n NAMESPACE`, for the commands of a fix. */
export function inNamespace(object: KubernetesObject): string {
  return `-n ${object.metadata.namespace ?? 'default'}`
}

/**
 * What is tried again at growing intervals may have been mended since the last try: somebody made
 * the folder, and the kubelet has not looked yet. So an old failure must outlast the longest pause
 * before the next try; a fresh one, that can have settled only just, has the settle time of its id.
 */
function untilNextTry(id: FaultId, lastTry: number | string | undefined, now: Date, longestPauseMs: number): number | undefined {
  if (lastTry === undefined) return undefined
  const { settleMs } = faults[id]
  // In a minute pauses grow to more than half of it, and what came back in them is not seen.
  const freshMs = settleMs >= 60_000 ? 25_000 : settleMs + 20_000
  const time = typeof lastTry === 'string' ? Date.parse(lastTry) : lastTry
  return now.getTime() - time > freshMs ? longestPauseMs + 30_000 : undefined
}

/** The kubelet's pauses between two starts, or two pulls, double up to this. */
export const longestBackOffMs = 300_000

/** With its last try, and with the patience that an old one wants. */
export function triedAgain(found: Failed, lastTry: number | string | undefined, now: Date, longestPauseMs: number): Failed {
  const triedAt = typeof lastTry === 'number' ? new Date(lastTry).toISOString() : lastTry
  return { ...found, triedAt, settleMs: untilNextTry(found.finding.id, lastTry, now, longestPauseMs) ?? found.settleMs }
}

/** Of several failures the newest try, as long as each is of one: then all that is seen may be of before. */
export function newestTry(failures: readonly Failed[]): string | undefined {
  const times = failures.flatMap(({ triedAt }) => triedAt ?? [])
  return times.length < failures.length ? undefined : times.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1)
}

/** Of gunicorn `[2023-08-01 22:57:46 +0000]`, and of its requests `[02/Aug/2023:10:29:50 +0000]`; of PostgreSQL `2023-08-02 10:29:40.123 GMT [99]`. */
const times = /(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|GMT\b|UTC\b|[+-]\d\d:?\d\d)|\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})\]/

/** Airflow before 2.3 writes no zone: `[2022-08-02 10:29:40,123] {…} INFO - Sending … scheduled__2022-08-01T00:00:00+00:00`, whose only whole time is of a run. */
const begins = /^\W{0,2}\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/
const headSigns = 40

/** When a line of a log was written, in ms since 1970; undefined for one without a time, or without its zone (Airflow before 2.3). */
export function writtenAt(line: string): number | undefined {
  const [, date, time, zone = '', day, month, year, requested, offset] = times.exec(begins.test(line) ? line.slice(0, headSigns) : line) ?? []
  const at = Date.parse(date === undefined ? `${day ?? ''} ${month ?? ''} ${year ?? ''} ${requested ?? ''} ${offset ?? ''}` : `${date}T${time ?? ''}${zone.replace(/GMT|UTC/, 'Z')}`)
  return Number.isNaN(at) ? undefined : at
}

/** The same of one line among others: of what goes over many lines only the first has a time. */
export function writtenBy(lines: readonly string[], index: number): number | undefined {
  const dated = lines.slice(0, index + 1).findLast((line) => begins.test(line) || writtenAt(line) !== undefined)
  return dated === undefined ? undefined : writtenAt(dated)
}

export function ageMs(time: string | undefined, now: Date): number {
  return time === undefined ? Infinity : now.getTime() - Date.parse(time)
}
