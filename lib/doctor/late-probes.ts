/**
 * Probes that got no answer in time, which is said of a program that hangs and of a machine that has no processor for it:
 *
 *   Unhealthy: Readiness probe failed: Get "http://10.244.0.7:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)
 *   Unhealthy: Liveness probe errored: rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 20s exceeded: context deadline exceeded
 *   Unhealthy: Liveness probe failed: command "sh -c …" timed out
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { eventsAbout, timeOf } from '../observe/events.ts'
import { pastMs } from '../observe/observation.ts'
import { type Evidence, podsIn } from './evidence.ts'

export const noAnswerInTime = /context deadline exceeded|Client\.Timeout|i\/o timeout|timed out/
const freshMs = 120_000

export interface LateProbe {
  pod: KubernetesObject
  /** The newest that says so. */
  event: Event
}

/** Of every pod that was looked at, those of the system too. */
export function lateProbes({ pods, system, events, at }: Pick<Evidence, 'pods' | 'system' | 'events' | 'at'>): LateProbe[] {
  const all = [...events, ...system.filter(({ kind }) => kind === 'Event')]
  return podsIn({ pods, system }).flatMap((pod) => {
    const event = eventsAbout(pod, all).findLast(({ reason, message = '' }) => reason === 'Unhealthy' && noAnswerInTime.test(message))
    return event !== undefined && pastMs(timeOf(event), new Date(at)) <= freshMs ? [{ pod, event }] : []
  })
}
