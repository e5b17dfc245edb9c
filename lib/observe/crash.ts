/**
 * A container that starts and ends, again and again.
 *
 * The kubelet waits 10, 20, 40, 80 … seconds between starts. Only the fourth wait and later ones
 * count, whatever the restarts: after a boot of the node it begins with 10 again, and they go on from
 * where they were. And only where the last run ended by itself, with an error, and soon: a probe's kill
 * (137, 143, or a Killing event) and a webserver that gave up after two minutes are what a slow machine
 * looks like. An init container that waits for the
 * database crashes by design, any other is judged alike, and a Job counts its tries itself.
 *
 *   restartCount: 5, state: {waiting: {reason: CrashLoopBackOff, message: "back-off 2m40s restarting …"}},
 *   lastState: {terminated: {exitCode: 1, reason: Error, startedAt: …, finishedAt: …}}
 */
import type { ContainerStateTerminated, ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { outOfMemory } from './memory.ts'
import { describeEvent, firstTimeOf } from './events.ts'
import { type Failed, failed, inNamespace, longestBackOffMs, nameOf, triedAgain } from './observation.ts'
import { controllerOf, ownerName } from './owners.ts'
import { placeOf } from './place.ts'

export const heldRestarts = 4
/** Above the third wait, 40 s. Restarts are counted for life, and after a boot the waits begin anew. */
const heldPauseMs = 60_000
/** From the first of these waits on: a kubelet may be told to wait no longer than seconds, from Kubernetes 1.33 on. */
const heldMs = 150_000
const soonMs = 90_000
const signals = [137, 143]
/** They end with an error until what they wait for is there. */
const waiters = /^(wait-for-.+|check-db)$/

interface Patience {
  /** How many make it certain; whoever only tells, and ends nothing, may be content with fewer. */
  restarts?: number
  /** False where what the waiters wait for is known to be there. */
  waits?: boolean
  /** False where nobody waits any more for a Job to use up its tries. */
  tries?: boolean
}

/** Undefined where nothing certain can be said. */
export function observeCrash(pod: KubernetesObject, status: ContainerStatus, events: readonly Event[], now: Date, { restarts = heldRestarts, waits = true, tries = true }: Patience = {}): Failed | undefined {
  // For some seconds after its end a container is "terminated", and only then in back-off.
  const last = status.state?.terminated ?? (status.state?.waiting?.reason === 'CrashLoopBackOff' ? status.lastState?.terminated : undefined)
  if (!last || status.restartCount < restarts || (pod as Pod).spec?.restartPolicy === 'Never') return undefined
  if (tries && controllerOf(pod)?.kind === 'Job') return undefined
  if (restarts >= heldRestarts && pauseMs(status) < heldPauseMs && !hasWaited(status.name, events, now)) return undefined
  const found = verdict(pod, status, last, events, waits)
  return found && triedAgain(found, last.finishedAt, now, longestBackOffMs)
}

/** `back-off 1m20s restarting failed container=scheduler pod=…`; without end where none is told yet: that is so for some seconds only. */
function pauseMs({ state }: ContainerStatus): number {
  const [, minutes = '0', seconds] = /^back-off (?:(\d+)m)?([\d.]+)s restarting/.exec(state?.waiting?.message ?? '') ?? []
  return seconds === undefined ? Infinity : (Number(minutes) * 60 + Number(seconds)) * 1000
}

/** Warning BackOff: Back-off restarting failed container */
function hasWaited(container: string, events: readonly Event[], now: Date): boolean {
  const field = `{${container}}`
  return events.some((event) => event.reason === 'BackOff' && (event.involvedObject.fieldPath ?? '').endsWith(field) && now.getTime() - (firstTimeOf(event) ?? now.getTime()) >= heldMs)
}

function verdict(pod: KubernetesObject, status: ContainerStatus, last: ContainerStateTerminated, events: readonly Event[], waits: boolean): Failed | undefined {
  if (last.reason === 'OOMKilled' || (last.message ?? '').includes('OOM-killed')) return outOfMemory(pod, status)
  // A command that is not there is no wait for anything.
  if (waits && waiters.test(status.name) && ![126, 127].includes(last.exitCode)) return undefined
  const hook = failedHook(status.name, events)
  if (hook !== undefined) return crashLoop(pod, status, last, { why: 'its postStart hook fails', seen: `${nameOf(pod)}: ${describeEvent(hook)}` })
  const byItself = last.exitCode !== 0 && !signals.includes(last.exitCode) && !killedByProbe(status.name, events)
  return byItself && soon(last) ? crashLoop(pod, status, last) : undefined
}

/** Whether a run ended so early that no slow machine is to blame. */
export function soon({ startedAt, finishedAt }: ContainerStateTerminated): boolean {
  // What the runtime could not start at all (StartError) began in 1970, or has no times.
  if (!startedAt || !finishedAt || Date.parse(startedAt) === 0) return true
  return Date.parse(finishedAt) - Date.parse(startedAt) < soonMs
}

/** Killing: "Container scheduler failed liveness probe, will be restarted" */
function killedByProbe(container: string, events: readonly Event[]): boolean {
  return events.some(({ reason, message = '' }) =>
    reason === 'Killing' && message.includes(`ontainer ${container} failed`) && message.includes('probe'))
}

/** FailedPostStartHook: the kubelet kills the container then, which looks like a signal. */
function failedHook(container: string, events: readonly Event[]): Event | undefined {
  return events.findLast(({ reason, involvedObject }) => reason === 'FailedPostStartHook' && involvedObject.fieldPath === `spec.containers{${container}}`)
}

export function describeEnd({ exitCode, reason, message }: ContainerStateTerminated): string {
  const why = reason !== undefined && reason !== 'Error' ? ` (${reason})` : ''
  const said = message?.trim().split('\n').at(-1)
  return `exit code ${exitCode}${why}${said ? `: ${said}` : ''}`
}

const again = 'npx tsx run.ts apply --from helm'

function crashLoop(pod: KubernetesObject, status: ContainerStatus, last: ContainerStateTerminated, more?: { why: string; seen: string }): Failed {
  const logs = `kubectl ${inNamespace(pod)} logs ${pod.metadata.name} -c ${status.name} --previous`
  return failed(pod, 'crash-loop', {
    title: `Container ${status.name} of ${ownerName(pod)} keeps crashing${more === undefined ? '' : `: ${more.why}`}`,
    evidence: [`${placeOf(pod, status.name)}: ${describeEnd(last)}, restarted ${status.restartCount} times`, ...(more === undefined ? [] : [more.seen])],
    why: 'It ends by itself soon after each start, so another start will not help; its last log lines say why.',
    fix: controllerOf(pod)?.kind === 'Job' ? [`${again} # runs it again, once what its log names is mended`, logs] : [logs],
  })
}
