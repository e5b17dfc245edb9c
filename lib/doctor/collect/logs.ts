/**
 * The last lines of what is not ready, and of what can be ready and yet complain: Airflow's own parts, the
 * database, DNS, the provisioner and Traefik. Of a bounded number of containers.
 */
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import { AirstripError } from '../../errors.ts'
import type { KubernetesObject, LogQuery, Reader } from '../../access.ts'
import { controllerOf, isAtWork, isTask } from '../../observe/owners.ts'
import { ageMs } from '../../observe/observation.ts'
import { isRestless, keepsEnding } from '../../observe/restless.ts'
import { traefikImage } from '../../preflight/traefik.ts'
import type { ContainerLog, Evidence } from '../evidence.ts'
import type { Redact } from '../redact.ts'

/** Of what has ended or does not get ready. */
export const fewLines = 20
/** Of what is ready: a complaint may lie further back. */
const moreLines = 60
/** Twenty replicas fail alike. */
const mostContainers = 12
const atOnce = 6
/** Within it the kubelet may not know which run is the newest; what ended before that and is gone does not come back. */
const justNowMs = 60_000

interface Wanted extends LogQuery {
  node: string
  /** Whether it is told as the run before the present one. */
  previous: boolean
  /** Asked for as the previous one first, whatever it is told as: a run that begins before the question would answer for the one that ended. One that has begun and ended by then has had that cleared away, and answers for itself. */
  ended?: boolean
  /** What of it is kept; without it all. */
  only?: RegExp | undefined
}

export async function collectLogs(reader: Reader, { pods, system }: Pick<Evidence, 'pods' | 'system'>, redact: Redact): Promise<{ logs: ContainerLog[]; unknown: string[] }> {
  const logs: ContainerLog[] = []
  const unknown: string[] = []
  const systemPods = system.filter(({ kind }) => kind === 'Pod')
  const now = reader.now()
  const wanted = [...wantedLogs(pods, now), ...wantedLogs(systemPods, now), ...talkative(pods, now), ...talkative(systemPods, now)]
  // A kubelet that hangs would hold up every batch after the first.
  const silent = new Set<string>()
  for (let start = 0; start < wanted.length; start += atOnce) {
    const batch = wanted.slice(start, start + atOnce)
    const answers = await Promise.all(batch.map(async (query) => (silent.has(query.node) ? unasked(query) : read(reader, query, redact))))
    const isLate = (index: number): boolean => answers[index] !== undefined && 'late' in answers[index] && answers[index].late
    for (const { node } of batch) if (batch.every((query, index) => query.node !== node || isLate(index))) silent.add(node)
    for (const answer of answers) {
      if (answer === undefined) continue
      if ('lines' in answer) logs.push(answer)
      else unknown.push(answer.unread)
    }
  }
  return { logs, unknown }
}

interface Unread {
  unread: string
  late: boolean
}

function unasked({ pod, container, node }: Wanted): Unread {
  return { unread: `the log of ${pod}, container ${container}, was not asked for: the kubelet of ${node} gives none`, late: true }
}

export function linesOf(text: string): string[] {
  return text.trimEnd().split('\n').filter((line) => line !== '')
}

/** An API server that fails while a pod goes away is no reason to doubt the rest, but is said. */
async function read(reader: Reader, query: Wanted, redact: Redact): Promise<ContainerLog | Unread | undefined> {
  const { namespace, pod, container, previous, ended = false, lines: most, only, patient = false } = query
  try {
    const linesAs = async (asked: Pick<LogQuery, 'previous' | 'patient'>): Promise<string[]> => linesOf(redact((await reader.logs({ namespace, pod, container, lines: most, ...asked })) ?? ''))
    const last = ended ? await linesAs({ previous: true }) : []
    const said = (last.length > 0 ? last : await linesAs({ previous, patient: patient && !previous })).filter((line) => only?.test(line) ?? true)
    return said.length === 0 ? undefined : { namespace, pod, container, previous, lines: said.slice(only === undefined ? -most : -moreLines) }
  } catch (error) {
    const reason = error instanceof AirstripError ? (error.seen[0] ?? error.message) : error instanceof Error ? error.message.split('\n')[0] : String(error)
    return { unread: `the log of ${pod}, container ${container}, could not be read: ${reason ?? ''}`, late: error instanceof AirstripError && error.code === 'TIMEOUT' }
  }
}

/** By the name of the container, or of the image: what speaks of faults that no probe sees. */
const speakers = /^(?:airflow-)?(scheduler|web|webserver|api-server|db-migrations|worker|triggerer|dag-processor|postgresql|redis|git-sync|flower|coredns|local-path-provisioner|traefik)$/
const speakingImages = /(^|\/)((?:mirrored-coredns-)?coredns|local-path-provisioner)(:|@|$)/

/** Traefik may write every request into its log: of that nothing is wanted, and what it complains of lies far back. What its client of Kubernetes complains of comes as `E0802 10:29:50.123456       1 reflector.go:138] …`. */
const manyLines = 500
const complaints = /\blevel"?[=:]\s?"?(warn|error|fatal|panic)|\b(WRN|ERR|FTL|PNC)\b|^[EWF]\d{4} \d\d:/i

/** One of each kind of container among those that are ready. */
function talkative(pods: readonly KubernetesObject[], now: Date): Wanted[] {
  const seen = new Set<string>()
  return pods.filter((pod) => !isSuspect(pod, now)).flatMap((object): Wanted[] => {
    const { spec } = object as Pod
    const ready = (object as Pod).status?.phase === 'Running'
    const chosen = (spec?.containers ?? []).filter(({ name, image = '' }) => ready && (speakers.test(name) || speakingImages.test(image) || traefikImage.test(image)))
    return chosen.flatMap(({ name, image = '' }) => {
      const like = `${controllerOf(object)?.uid ?? object.metadata.name} ${name}`
      if (seen.has(like) || seen.size >= mostContainers) return []
      seen.add(like)
      const query = { ...placeOf(object), container: name, previous: false }
      return [traefikImage.test(image) ? { ...query, lines: manyLines, only: complaints } : { ...query, lines: moreLines }]
    })
  })
}

function placeOf(object: KubernetesObject): Pick<Wanted, 'namespace' | 'pod' | 'node'> {
  return { namespace: object.metadata.namespace ?? 'default', pod: object.metadata.name, node: (object as Pod).spec?.nodeName ?? '' }
}

export function wantedLogs(pods: readonly KubernetesObject[], now: Date): Wanted[] {
  const seen = new Set<string>()
  const containers = pods.filter((pod) => isSuspect(pod, now)).flatMap((pod) => containersOf(pod, now).map((status) => ({ pod, status })))
  // Crashed ones first: what they said matters more than what a waiting one says; and what goes speaks for nobody who stays.
  const weight = ({ pod, status }: (typeof containers)[number]): number => (pod.metadata.deletionTimestamp === undefined ? 2 : 0) + (hasCrashed(pod, status, now) ? 1 : 0)
  const sorted = containers.sort((a, b) => weight(b) - weight(a))
  const chosen = sorted.filter(({ pod, status }) => {
    const like = `${controllerOf(pod)?.uid ?? pod.metadata.name} ${status.name}`
    return !seen.has(like) && seen.add(like)
  })
  return chosen.slice(0, mostContainers).flatMap(({ pod, status }) => queries(pod, status, now))
}

/** Not ready, or called so between two ends or while a Job is at work, and not the pod of a task. */
function isSuspect(object: KubernetesObject, now: Date): boolean {
  const { status } = object as Pod
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  return !isTask(object) && (!ready || isAtWork(object) || isRestless(object, now)) && status?.phase !== 'Succeeded'
}

/** Those that have run at all; one that has ended well has nothing to tell. */
function containersOf(object: KubernetesObject, now: Date): ContainerStatus[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (object as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses].filter((status) => {
    const unready = status.state?.running !== undefined && (!status.ready || isAtWork(object))
    return hasCrashed(object, status, now) || unready
  })
}

function hasCrashed(pod: KubernetesObject, status: ContainerStatus, now: Date): boolean {
  const { state, lastState, ready } = status
  const end = state?.terminated ?? (ready && !isAtWork(pod) && !keepsEnding(status, now) ? undefined : lastState?.terminated)
  return end !== undefined && end.exitCode !== 0
}

/** Who waits and is looked at has crashed: there is one run, which has ended. Where one has ended otherwise the next may be on by now. */
function queries(pod: KubernetesObject, { name, state, lastState, restartCount }: ContainerStatus, now: Date): Wanted[] {
  const finishedAt = (state?.terminated ?? lastState?.terminated)?.finishedAt ?? undefined
  const query = { ...placeOf(pod), container: name, lines: fewLines, patient: finishedAt !== undefined && ageMs(finishedAt, now) < justNowMs }
  if (state?.waiting !== undefined) return [{ ...query, previous: false, ended: true }]
  const restarts = state?.terminated !== undefined && (pod as Pod).spec?.restartPolicy !== 'Never'
  const both = lastState?.terminated !== undefined || restarts || restartCount > 0
  return both ? [{ ...query, previous: false }, { ...query, previous: true }] : [{ ...query, previous: false }]
}
