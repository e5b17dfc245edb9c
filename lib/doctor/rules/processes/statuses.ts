/** What the rules about running containers share: each container with its pod, and what it said. */
import type { ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { eventsAbout, timeOf } from '../../../observe/events.ts'
import { ageMs, isReady, readySince, writtenAt, writtenBy } from '../../../observe/observation.ts'
import { isTask, lasting } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { type Evidence, partsIn } from '../../evidence.ts'
import { isStranger } from '../../strangers.ts'

export interface Running {
  pod: KubernetesObject
  status: ContainerStatus
  init: boolean
  events: Event[]
}

/** Of the pods that are to live; those of tasks fail for reasons of their own. */
export function containersIn(evidence: Evidence): Running[] {
  const { pods, events } = evidence
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isTask(pod) && !isStranger(pod, evidence)).flatMap((pod) => {
    const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
    const about = eventsAbout(pod, events)
    return [...initContainerStatuses.map((status) => ({ pod, status, init: true, events: about })), ...containerStatuses.map((status) => ({ pod, status, init: false, events: about }))]
  })
}

/** The newest event of the container with this reason whose text fits. */
export function lastSaid(container: Running, reason: string, text: RegExp): Event | undefined {
  return allSaid(container, reason, text).at(-1)
}

/** Of each wording one event, oldest first. */
export function allSaid({ status, events }: Running, reason: string, text: RegExp): Event[] {
  const field = `{${status.name}}`
  return events.filter((event) => event.reason === reason && text.test(event.message ?? '') && (event.involvedObject.fieldPath ?? field).endsWith(field))
}

export function isRecent(event: Event, { at }: Evidence, withinMs: number): boolean {
  return Date.parse(at) - timeOf(event) <= withinMs
}

/** While the database or the broker is not there, or the hooks are at work, what a component says of itself is no news. */
export function standsFirm(evidence: Evidence, hooks = true): boolean {
  return partsIn(evidence).every(({ foundation, object, observation }) => !foundation || observation.state === 'done' || (!hooks && object?.kind === 'Job'))
}

/** Without a readiness probe Ready only says that it was started, and a slow machine loads Airflow for minutes. */
const startMs = 300_000

/** Undefined where there is none, or one has only begun: that one has still to say something. */
export function settledPods(evidence: Evidence, isOne: (pod: KubernetesObject) => boolean, settleMs = startMs): KubernetesObject[] | undefined {
  const pods = lasting(evidence.pods).filter(isOne)
  const isSettled = (pod: KubernetesObject): boolean => {
    const since = readySince(pod)
    return since !== undefined && ageMs(since, new Date(evidence.at)) >= settleMs
  }
  return pods.length > 0 && pods.every(isSettled) ? pods : undefined
}

export interface SaidLine {
  pod: string
  container: string
  /** `Pod NS/POD, container NAME: LINE` */
  evidence: string
  text: string
}

const currentMs = 600_000

/**
 * Log lines that fit; one that carries a time must be of the last ten minutes, since what was mended stays in a log. One
 * without has the time of the last one above it, where its pod is well; of one that is not its last words count.
 */
export function logLines(evidence: Evidence, pattern: RegExp, containers?: RegExp): SaidLine[] {
  const { logs, pods, at } = evidence
  return logs.filter(({ container }) => containers?.test(container) ?? true).flatMap(({ pod, container, namespace, lines }) => {
    const object = pods.find(({ metadata }) => metadata.name === pod && metadata.namespace === namespace)
    if (object === undefined || isStranger(object, evidence)) return []
    const now = new Date(at)
    const line = lines.findLast((text, index) => pattern.test(text) && isCurrent(isReady(object) ? writtenBy(lines, index) : writtenAt(text), now))
    return line === undefined ? [] : [{ pod, container, text: line, evidence: `${placeOf(object, container)}: ${line.trim()}` }]
  })
}

/** Airflow writes `[2023-08-02T10:29:40.123+0000] {…}`, Go programs `time="2023-08-02T10:29:40Z"` or the like. */
function isCurrent(writtenMs: number | undefined, now: Date): boolean {
  return writtenMs === undefined || now.getTime() - writtenMs <= currentMs
}
