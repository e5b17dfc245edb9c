/**
 * A program that ends again and again, and is called ready between: without a readiness probe (Airflow's scheduler and
 * triggerer have none) the kubelet calls ready whatever runs.
 */
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { ageMs } from './observation.ts'

const fewRestarts = 2
/** The kubelet's longest pause between two starts is five minutes, and what ran longer than that does not end again and again. */
const longestMs = 300_000
const leastMs = 60_000
const marginMs = 30_000

/** Until it has run for longer than it did last, a run proves nothing. */
export function keepsEnding({ state, lastState, restartCount }: ContainerStatus, now: Date): boolean {
  const [startedAt, last] = [state?.running?.startedAt, lastState?.terminated]
  if (startedAt == null || last?.startedAt == null || last.finishedAt == null || restartCount < fewRestarts) return false
  const ranMs = lastedMs(last)
  const pausedMs = Date.parse(startedAt) - Date.parse(last.finishedAt)
  return ranMs <= longestMs && pausedMs <= longestMs + marginMs && ageMs(startedAt, now) < Math.max(leastMs, ranMs + marginMs)
}

/** Whether the present run has not come as far yet as the one before. */
export function hasRunLessThanLast({ state, lastState }: ContainerStatus, now: Date): boolean {
  const [startedAt, last] = [state?.running?.startedAt, lastState?.terminated]
  return startedAt != null && last?.startedAt != null && last.finishedAt != null && ageMs(startedAt, now) < lastedMs(last)
}

function lastedMs({ startedAt, finishedAt }: { startedAt?: string; finishedAt?: string }): number {
  return Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')
}

export function isRestless(pod: KubernetesObject, now: Date): boolean {
  return ((pod as Pod).status?.containerStatuses ?? []).some((status) => keepsEnding(status, now))
}
