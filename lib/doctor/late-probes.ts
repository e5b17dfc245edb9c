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
  const isLate = ({ reason, message = '' }: Event): boolean => reason === 'Unhealthy' && noAnswerInTime.test(message)
  // Few of all that there are, and only these are sorted by pod.
  const late = [...events, ...system.filter(({ kind }) => kind === 'Event')].filter((event) => isLate(event as unknown as Event))
  if (late.length === 0) return []
  return podsIn({ pods, system }).flatMap((pod) => {
    const event = eventsAbout(pod, late).at(-1)
    return event !== undefined && pastMs(timeOf(event), new Date(at)) <= freshMs ? [{ pod, event }] : []
  })
}
