/**
 * Who waits for Airflow's database without a word. The image's entrypoint tries it up to twenty times before it does
 * anything else; where packets are dropped each try takes two minutes, and it writes a dot after each and no end of a
 * line, so that the container's log stays empty for forty minutes.
 */
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { controllerOf, isAtWork, isTask } from '../../../observe/owners.ts'
import { isUnread, isWordless, logOf } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'

/** By either chart: what runs the image's entrypoint with the database's address. */
const entering = /^(?:airflow-)?(?:wait-for-airflow-migrations|wait-for-db-migrations|check-db-migrations|check-db|run-airflow-migrations|create-user|db-migrations|scheduler|web|webserver|api-server|worker|triggerer|dag-processor)$/
/** Longer than Airflow takes to load on a slow machine, and than the kernel tries a connection. */
const silentMs = 180_000
/** A try that began before the policy was there, and the next. */
const tryMs = 150_000

export interface Silence {
  pod: KubernetesObject
  line: string
  /** Ms since 1970 from when on it has tried at least once. */
  notBefore: number
}

export function silences(evidence: Evidence, parts: readonly KubernetesObject[]): Silence[] {
  const now = Date.parse(evidence.at)
  return parts.filter((pod) => !isTask(pod)).flatMap((pod) => statusesOf(pod).flatMap((status) => {
    const startedAt = status.state?.running?.startedAt
    if (startedAt == null || now - Date.parse(startedAt) < silentMs || !entering.test(status.name) || !saysNothing(pod, status, evidence)) return []
    return [{ pod, notBefore: Math.max(Date.parse(startedAt), now - tryMs), line: `container ${status.name} has said nothing since it started at ${startedAt}: it tries to reach the database` }]
  }))
}

/** Its log was asked for (collect/logs.ts), and there was nothing in it; of pods of one owner one is asked. That of one that has been ready for long may just have been begun anew. */
function saysNothing(pod: KubernetesObject, status: ContainerStatus, evidence: Evidence): boolean {
  const { pods } = evidence
  const isAsked = isAtWork(pod) || !status.ready
  const alike = pods.filter((one) => one === pod || (controllerOf(one) !== undefined && controllerOf(one)?.uid === controllerOf(pod)?.uid)).map(({ metadata }) => metadata.name)
  return isAsked && alike.every((name) => !isUnread(name, status.name, evidence) && (logOf(name, status.name, evidence)?.every(isWordless) ?? true))
}

/** Whether an init container of its was through with the database after that time. */
export function hasPassed(pod: KubernetesObject, afterMs: number): boolean {
  const { initContainerStatuses = [] } = (pod as Pod).status ?? {}
  return initContainerStatuses.some(({ name, state }) => entering.test(name) && state?.terminated?.exitCode === 0 && Date.parse(state.terminated.finishedAt ?? '') > afterMs)
}

function statusesOf(pod: KubernetesObject): ContainerStatus[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses]
}
