/**
 * Containers that the kubelet has ended for a probe:
 *
 *   Normal Killing: Container scheduler failed liveness probe, will be restarted
 *   Warning Unhealthy: Liveness probe failed: No alive jobs found.
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import { describeEvent, firstTimeOf, timesOf } from '../../../observe/events.ts'
import { hasRunLessThanLast } from '../../../observe/restless.ts'
import type { Evidence } from '../../evidence.ts'
import { type Running, allSaid, isRecent } from './statuses.ts'

export const probeFailed = /^(Liveness|Startup) probe failed/
const killed = /failed (liveness|startup) probe, will be restarted/
/** For so long one end is held to be part of what goes on now. */
export const lateMs = 900_000

export function killsOf({ status, events }: Running, evidence: Evidence): Event[] {
  return events.filter((event) => event.reason === 'Killing' && killed.test(event.message ?? '') && (event.message ?? '').includes(`ontainer ${status.name} `) && isRecent(event, evidence, lateMs))
}

/** How it ended last, in words; `said` is what its probe said last. Undefined where no probe ended it, or that is over. */
export function endByProbe(container: Running, said: Event | undefined, evidence: Evidence): string | undefined {
  const kill = killsOf(container, evidence).at(-1)
  const ended = kill === undefined ? endedUnseen(container, said, evidence) : describeEvent(kill)
  return isOver(container, evidence) ? undefined : ended
}

/**
 * The kubelet writes 25 events of a pod and then one in five minutes (client-go's spam filter), which what the probes
 * say of a slow start uses up: that it killed the container is in none then, but it ended by a signal and runs again.
 */
function endedUnseen(container: Running, said: Event | undefined, evidence: Evidence): string | undefined {
  const { status } = container
  const last = status.lastState?.terminated
  const { running } = status.state ?? {}
  if (said === undefined || !isRecent(said, evidence, lateMs) || status.ready || running === undefined || ![undefined, 137, 143].includes(last?.exitCode)) return undefined
  // A probe that has failed only since it runs again, in whatever words, did not end it: a boot did.
  const ended = Date.parse(last?.finishedAt ?? running.startedAt ?? '')
  if (!allSaid(container, 'Unhealthy', probeFailed).some((event) => (firstTimeOf(event) ?? Infinity) < ended)) return undefined
  const probe = `its ${probeOf(said.message)} probe`
  return last === undefined ? `${probe} fails` : `ended by signal ${last.exitCode - 128} while ${probe} failed`
}

/** `Startup probe failed: …` */
export function probeOf(said = ''): 'startup' | 'liveness' {
  return said.startsWith('Startup') ? 'startup' : 'liveness'
}

/** Killed once, while the machine booted perhaps, and well for longer than it ran then. The count of restarts is of all boots together. */
function isOver(container: Running, evidence: Evidence): boolean {
  const { status } = container
  const kills = killsOf(container, evidence).reduce((sum, event) => sum + timesOf(event), 0)
  const last = status.lastState?.terminated
  return kills < 2 && status.ready && last?.startedAt != null && last.finishedAt != null && status.state?.running?.startedAt != null && !hasRunLessThanLast(status, new Date(evidence.at))
}
