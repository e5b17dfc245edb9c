/** What containers say that is wrong, as long as it is still so. */
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { hasEnded } from '../observe/job.ts'
import { isReady, writtenAt } from '../observe/observation.ts'
import { controllerOf } from '../observe/owners.ts'
import { speakerOf } from '../observe/place.ts'
import { hasRunLessThanLast, isRestless, keepsEnding } from '../observe/restless.ts'
import type { ContainerLog, Evidence } from './evidence.ts'
import { isStranger } from './strangers.ts'

export interface Complaint {
  pod: KubernetesObject
  container: string
  line: string
  groups: RegExpExecArray
  /** ISO time since when the run is on in which it was said. */
  runSince?: string | undefined
  /** Ms since 1970 before which it was not said: by the line, by those above it, or else by the start of its run. */
  notBefore?: number | undefined
}

/**
 * The last line that fits of each container of a pod that is not ready, or is only between two ends. What a ready one
 * has in its log may be mended, and so may what the run before the present one said, once the present one says anything.
 */
export function complaints(evidence: Evidence, pattern: RegExp): Complaint[] {
  const { pods, logs } = evidence
  const now = new Date(evidence.at)
  return pods.filter((pod) => (!isReady(pod) || isRestless(pod, now)) && isCurrent(pod, evidence) && !isStranger(pod, evidence)).flatMap((pod) =>
    logs.filter((log) => log.pod === pod.metadata.name && (counts(log, logs) || isBetweenEnds(pod, log, now))).flatMap((log) => lastOf(pod, log, pattern)))
}

/** What it died of last holds until the present run has come further. */
function isBetweenEnds(pod: KubernetesObject, { container, previous }: ContainerLog, now: Date): boolean {
  const status = (pod as Pod).status?.containerStatuses?.find(({ name }) => name === container)
  return previous && status !== undefined && keepsEnding(status, now) && hasRunLessThanLast(status, now)
}

/** Of any container, also of a ready pod: for what no probe sees and what stays so until somebody acts. */
export function mentions(evidence: Evidence, pattern: RegExp): Complaint[] {
  const { pods, logs } = evidence
  return pods.filter((pod) => !isStranger(pod, evidence)).flatMap((pod) => logs.filter((log) => log.pod === pod.metadata.name).flatMap((log) => lastOf(pod, log, pattern)))
}

function lastOf(pod: KubernetesObject, log: ContainerLog, pattern: RegExp): Complaint[] {
  const index = log.lines.findLastIndex((one) => pattern.test(one))
  const line = log.lines[index]
  const groups = line === undefined ? null : pattern.exec(line)
  if (line === undefined || groups === null) return []
  const since = runSince(pod, log)
  // One without a zone in its time is no older than the last above it that has one.
  const written = log.lines.slice(0, index + 1).map(writtenAt).findLast((time) => time !== undefined)
  return [{ pod, container: log.container, line: line.trim(), groups, runSince: since, notBefore: written ?? (since === undefined ? undefined : Date.parse(since)) }]
}

/** `airflow-scheduler-6d5b9c7f9-x2x4z/scheduler: …`, of as many as tell something new. */
export function told(list: readonly Complaint[]): string[] {
  const lines = list.filter(({ line, container }, index) => list.findIndex((other) => other.line === line || (other.container === container && other.groups[0] === list[index]?.groups[0])) === index)
  return lines.slice(0, 4).map(({ pod, container, line }) => `${speakerOf(pod.metadata.name, container)}: ${line}`)
}

/** A pod that has ended for good counts as long as its Job is still what the release stands at: a hook until Helm is through, any other until it has completed. */
function isCurrent(pod: KubernetesObject, { jobs, record }: Evidence): boolean {
  const phase = (pod as Pod).status?.phase
  if (phase === 'Succeeded') return false
  const owner = controllerOf(pod)
  if (owner?.kind !== 'Job') return phase !== 'Failed'
  const job = jobs.find(({ metadata }) => metadata.uid === owner.uid)
  if (job === undefined || hasEnded(job, 'Complete')) return false
  return record?.status !== 'deployed' || record.objects.some(({ kind, metadata }) => kind === 'Job' && metadata.name === owner.name)
}

/** The entrypoint prints dots while it tries to reach the database, and nothing else. */
export function isWordless(line: string): boolean {
  return /^[.\s]*$|^(BACKEND|DB_HOST|DB_PORT)=/.test(line)
}

/** Of the present run; undefined where it was not asked for, or had nothing in it. */
export function logOf(pod: string, container: string, { logs }: { logs: readonly ContainerLog[] }): readonly string[] | undefined {
  return logs.find((log) => !log.previous && pod === log.pod && container === log.container)?.lines
}

/** Asked for, and not to be had: of that nothing can be concluded. */
export function isUnread(pod: string, container: string, { unknown }: Pick<Evidence, 'unknown'>): boolean {
  return unknown.some((line) => line.startsWith(`the log of ${pod}, container ${container}, `))
}

/** Whether its run is the present one, or that has said nothing yet. */
export function counts(log: ContainerLog, logs: readonly ContainerLog[]): boolean {
  if (!log.previous) return true
  return logOf(log.pod, log.container, { logs })?.every(isWordless) ?? true
}

function runSince(pod: KubernetesObject, { container, previous }: ContainerLog): string | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  const status: ContainerStatus | undefined = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container)
  const ended = status?.lastState?.terminated?.startedAt
  if (previous) return ended
  return status?.state?.running?.startedAt ?? status?.state?.terminated?.startedAt ?? ended
}
