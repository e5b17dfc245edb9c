/**
 * Probes that got no answer in time, which is said of a program that hangs and of a machine that has no processor for it:
 *
 *   Unhealthy: Readiness probe failed: Get "http://10.244.0.7:8080/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)
 *   Unhealthy: Liveness probe errored: rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 20s exceeded: context deadline exceeded
 *   Unhealthy: Liveness probe failed: command "sh -c …" timed out
 *   Unhealthy: Liveness probe failed:
 *
 * The last is of a command that was ended before it said anything.
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { eventsAbout, firstTimeOf, timeOf, timesOf } from '../observe/events.ts'
import { pastMs } from '../observe/observation.ts'
import { type Evidence, eventsIn, podsIn } from './evidence.ts'

export const noAnswerInTime = /context deadline exceeded|Client\.Timeout|i\/o timeout|timed out|probe failed: ?$/
/** What gets no turn starts, waits and is ended by turns, and is late in between. */
export const freshMs = 300_000

export interface LateProbe {
  pod: KubernetesObject
  /** The newest that says so. */
  event: Event
  times: number
  /** From the first to the newest, in ms. */
  lastedMs: number
}

/** Of every pod that was looked at, those of the system too. */
export function lateProbes({ pods, system, events, at }: Pick<Evidence, 'pods' | 'system' | 'events' | 'at'>): LateProbe[] {
  const isLate = ({ reason, message = '' }: Event): boolean => reason === 'Unhealthy' && noAnswerInTime.test(message.trimEnd())
  // Few of all that there are, and only these are sorted by pod.
  const late = eventsIn({ events, system }).filter((event) => isLate(event as unknown as Event))
  if (late.length === 0) return []
  return podsIn({ pods, system }).flatMap((pod) => {
    const said = eventsAbout(pod, late)
    const event = said.at(-1)
    if (event === undefined || pastMs(timeOf(event), new Date(at)) > freshMs) return []
    const first = Math.min(...said.map((one) => firstTimeOf(one) ?? timeOf(one)))
    return [{ pod, event, times: said.reduce((sum, one) => sum + timesOf(one), 0), lastedMs: timeOf(event) - first }]
  })
}
