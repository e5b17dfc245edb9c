/**
 * A container that the runtime cannot make or start. It says so in the state for some seconds, and in the
 * last run while it is in back-off.
 *
 *   state: {waiting: {reason: RunContainerError, message: failed to create containerd task: … exec: "nope": executable
 *     file not found in $PATH: unknown}}
 *   lastState: {terminated: {exitCode: 128, reason: StartError, message: …, startedAt: "1970-01-01T00:00:00Z"}}
 *   state: {waiting: {reason: CreateContainerError, message: failed to generate container … spec: …}}
 */
import type { ContainerStatus } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { damagedIn } from './image.ts'
import { startsNot } from './memory.ts'
import { type Failed, failed, longestBackOffMs, triedAgain } from './observation.ts'
import { ownerName } from './owners.ts'
import { placeOf } from './place.ts'

/** Nothing in the image or the pod changes between two starts, so these stay. All else a runtime may get over. */
const lasting = /executable file not found|no such file or directory|permission denied|is a directory|not a directory|exec format error|no command specified|OOM-killed|cannot unmarshal|invalid argument|not a shared (or slave )?mount|read-only file system|no users found|no matching entries in passwd/i
const transient = /deadline exceeded|timed out|is reserved for|try again|connection (refused|reset)|unavailable|no space left/i
const reasons = ['RunContainerError', 'CreateContainerError', 'StartError', 'ContainerCannotRun']

export function observeStart(pod: KubernetesObject, status: ContainerStatus, now: Date): Failed | undefined {
  const { state, lastState } = status
  const end = state?.terminated ?? (state?.waiting === undefined ? undefined : lastState?.terminated)
  const said = [state?.waiting, end].find((one) => reasons.includes(one?.reason ?? ''))
  const { reason = '', message = '' } = said ?? {}
  const evidence = [`${placeOf(pod, status.name)}: ${reason}: ${message}`]
  const found = damagedIn(message, pod, status, evidence) ?? verdict(pod, status.name, message, evidence)
  // What is only to be made is tried every few seconds; what was started and ended is in back-off.
  return found !== undefined && said === end ? triedAgain(found, end?.finishedAt, now, longestBackOffMs) : found
}

function verdict(pod: KubernetesObject, name: string, message: string, evidence: string[]): Failed | undefined {
  if (message === '' || !lasting.test(message) || transient.test(message)) return undefined
  if (message.includes('exec: "apparmor_parser": executable file not found')) return noAppArmor(pod, evidence)
  if (/exec format error/i.test(message)) return otherCpu(pod, name, evidence)
  if (/OOM-killed/i.test(message)) return startsNot(pod, name, evidence)
  return failed(pod, 'container-config-error', {
    title: `Container ${name} of ${ownerName(pod)} cannot be started: ${inShort(message)}`,
    evidence,
    why: 'The runtime cannot make of the image what the pod asks for: the command, a path or a mount does not fit it. Another start does not change that.',
    fix: ['npx tsx run.ts apply --from helm # once command, args and mounts of that component in airflow.values fit its image'],
  })
}

/** Where the kernel has AppArmor on, containerd gives each container a profile, and loads it with that program. */
function noAppArmor(pod: KubernetesObject, evidence: string[]): Failed {
  const node = (pod.spec as { nodeName?: string } | undefined)?.nodeName ?? 'the node'
  return failed(pod, 'container-config-error', {
    title: `Node ${node} has no apparmor_parser, without which its runtime makes no container`,
    evidence,
    why: 'AppArmor is on in the node\'s kernel, and the package with its program is not installed there. The image is not at fault.',
    fix: [`sudo apt install apparmor && sudo systemctl restart containerd # on ${node}`, `sudo apt install apparmor && sudo systemctl restart k3s # on ${node}, where it is K3s (k3s-agent on one that is no server)`],
  })
}

/** The last of the runtime's chain, from what was to be done on: `exec: "nope": executable file not found in $PATH`. */
function inShort(message: string): string {
  const tail = /exec: .*|error (mounting|creating) .*|failed to generate .*/s.exec(message)?.[0] ?? message
  // Of each try alone: with them in the title no two tries would be the same failure, and none would be held.
  const text = tail.replace(/\btime="[^"]*" /g, '').replace(/: unknown$/, '').replace(/\b[0-9a-f]{64}\b/g, '…').replace(/\bcontainerd-mount\d+/g, '…')
  // The reason is at its end, after paths that are long.
  return text.length > 200 ? `${text.slice(0, 90)} … ${text.slice(-105)}` : text
}

function otherCpu(pod: KubernetesObject, container: string, evidence: string[]): Failed {
  return failed(pod, 'wrong-cpu-architecture', {
    title: `The image of container ${container} of ${ownerName(pod)} is not made for this CPU`,
    evidence,
    why: 'Its programs are of another architecture than the node\'s (an ARM board, or an image that was built on one).',
    fix: ['npx tsx run.ts apply --from helm # once airflow.values name a tag that has the node\'s architecture', 'docker manifest inspect IMAGE; kubectl get nodes -L kubernetes.io/arch # which the tag has, and which the node'],
  })
}
