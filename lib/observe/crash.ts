/**
 * A container that starts and ends, again and again.
 *
 * The kubelet waits 10, 20, 40, 80 … seconds between starts. Only the fourth wait and later ones
 * count, only for the containers that are to run on, and only where the last run ended by itself,
 * with an error, and soon: a probe's kill (137, 143, or a Killing event) and a webserver that gave
 * up after two minutes are what a slow machine looks like. An init container that waits for the
 * database crashes by design, and a Job counts its tries itself.
 *
 *   restartCount: 5, state: {waiting: {reason: CrashLoopBackOff, message: "back-off 2m40s restarting …"}},
 *   lastState: {terminated: {exitCode: 1, reason: Error, startedAt: …, finishedAt: …}}
 */
import type { ContainerStateTerminated, ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Observation, failed, inNamespace, nameOf, untilNextTry } from './observation.ts'
import { controllerOf } from './owners.ts'

const heldRestarts = 4
const soonMs = 90_000
const longestBackOffMs = 300_000
const signals = [137, 143]

/** For a main container; undefined where nothing certain can be said. `restarts`: how many it takes. */
export function observeCrash(pod: KubernetesObject, status: ContainerStatus, events: readonly Event[], now: Date, restarts = heldRestarts): Observation | undefined {
  // For some seconds after its end a container is "terminated", and only then in back-off.
  const last = status.state?.terminated ?? (status.state?.waiting?.reason === 'CrashLoopBackOff' ? status.lastState?.terminated : undefined)
  if (!last || status.restartCount < restarts || (pod as Pod).spec?.restartPolicy === 'Never') return undefined
  if (controllerOf(pod)?.kind === 'Job') return undefined
  const settle = untilNextTry('crash-loop', last.finishedAt, now, longestBackOffMs)
  if (last.reason === 'OOMKilled') return outOfMemory(pod, status, settle)
  const byItself = last.exitCode !== 0 && !signals.includes(last.exitCode) && !killedByProbe(status.name, events)
  return byItself && soon(last) ? crashLoop(pod, status, last, settle) : undefined
}

function soon({ startedAt, finishedAt }: ContainerStateTerminated): boolean {
  // What the runtime could not start at all (StartError) began in 1970, or has no times.
  if (!startedAt || !finishedAt || Date.parse(startedAt) === 0) return true
  return Date.parse(finishedAt) - Date.parse(startedAt) < soonMs
}

/** Killing: "Container scheduler failed liveness probe, will be restarted" */
function killedByProbe(container: string, events: readonly Event[]): boolean {
  return events.some(({ reason, message = '' }) =>
    reason === 'Killing' && message.includes(`ontainer ${container} failed`) && message.includes('probe'))
}

export function describeEnd({ exitCode, reason, message }: ContainerStateTerminated): string {
  const why = reason !== undefined && reason !== 'Error' ? ` (${reason})` : ''
  const said = message?.trim().split('\n').at(-1)
  return `exit code ${exitCode}${why}${said ? `: ${said}` : ''}`
}

function crashLoop(pod: KubernetesObject, status: ContainerStatus, last: ContainerStateTerminated, settleMs?: number): Observation {
  return failed(pod, 'crash-loop', {
    title: `Container ${status.name} of ${ownerName(pod)} keeps crashing`,
    evidence: [`${nameOf(pod)}, container ${status.name}: ${describeEnd(last)}, restarted ${status.restartCount} times`],
    why: 'It ends by itself soon after each start, so another start will not help; its last log lines say why.',
    fix: [`kubectl ${inNamespace(pod)} logs ${pod.metadata.name} -c ${status.name} --previous`],
  }, settleMs)
}

function outOfMemory(pod: KubernetesObject, status: ContainerStatus, settleMs?: number): Observation {
  return failed(pod, 'oom-killed', {
    title: `Container ${status.name} of ${ownerName(pod)} needs more memory than it may use`,
    evidence: [`${nameOf(pod)}, container ${status.name}: OOMKilled, restarted ${status.restartCount} times`],
    why: 'The kernel ended it at its memory limit, or the node had none left, each time it was started.',
    fix: ['Raise resources.limits.memory of that component in airflow.values (a webserver wants 2Gi, or config.webserver.workers: 2), and run again'],
  }, settleMs)
}

/** Ten replicas of one Deployment are one finding. */
function ownerName(pod: KubernetesObject): string {
  const owner = controllerOf(pod)
  const hash = pod.metadata.labels?.['pod-template-hash']
  if (owner?.kind === 'ReplicaSet' && hash !== undefined) return `Deployment ${owner.name.replace(`-${hash}`, '')}`
  return owner ? `${owner.kind} ${owner.name}` : nameOf(pod)
}
