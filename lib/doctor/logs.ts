/** The last lines of what is not ready, of a bounded number of containers. */
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, LogQuery, Reader } from '../access.ts'
import { controllerOf } from '../observe/owners.ts'
import type { ContainerLog } from './evidence.ts'
import type { Redact } from './redact.ts'

const lines = 20
/** Twenty replicas fail alike. */
const mostContainers = 12
const atOnce = 6

interface Wanted extends LogQuery {
  previous: boolean
}

export async function collectLogs(reader: Reader, pods: readonly KubernetesObject[], redact: Redact): Promise<{ logs: ContainerLog[]; unknown: string[] }> {
  const logs: ContainerLog[] = []
  const unknown: string[] = []
  const wanted = wantedLogs(pods)
  for (let start = 0; start < wanted.length; start += atOnce) {
    const answers = await Promise.all(wanted.slice(start, start + atOnce).map((query) => read(reader, query, redact)))
    for (const answer of answers) {
      if (typeof answer === 'string') unknown.push(answer)
      else if (answer) logs.push(answer)
    }
  }
  return { logs, unknown }
}

async function read(reader: Reader, query: Wanted, redact: Redact): Promise<ContainerLog | string | undefined> {
  const { pod, container, previous } = query
  try {
    const text = await reader.logs(query)
    const said = redact(text ?? '').trimEnd()
    return said === '' ? undefined : { pod, container, previous, lines: said.split('\n').slice(-lines) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return `the log of ${pod}, container ${container}, could not be read: ${reason ?? ''}`
  }
}

export function wantedLogs(pods: readonly KubernetesObject[]): Wanted[] {
  const seen = new Set<string>()
  const containers = pods.filter(isSuspect).flatMap((pod) => containersOf(pod).map((status) => ({ pod, status })))
  // Crashed ones first: what they said matters more than what a waiting one says.
  const sorted = containers.sort((a, b) => Number(hasCrashed(b.status)) - Number(hasCrashed(a.status)))
  const chosen = sorted.filter(({ pod, status }) => {
    const like = `${controllerOf(pod)?.uid ?? pod.metadata.name} ${status.name}`
    return !seen.has(like) && seen.add(like)
  })
  return chosen.slice(0, mostContainers).flatMap(({ pod, status }) => queries(pod, status))
}

/** Not ready, and not the pod of a task: those fail for reasons of their own. */
function isSuspect(object: KubernetesObject): boolean {
  const { status, metadata } = object as Pod
  const task = metadata?.labels?.kubernetes_executor !== undefined || metadata?.labels?.task_id !== undefined
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  return !task && !ready && status?.phase !== 'Succeeded'
}

/** Those that have run at all; one that has ended well has nothing to tell. */
function containersOf(object: KubernetesObject): ContainerStatus[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (object as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses].filter((status) => {
    const unready = status.state?.running !== undefined && !status.ready
    return hasCrashed(status) || unready
  })
}

function hasCrashed({ state, lastState, ready }: ContainerStatus): boolean {
  const end = state?.terminated ?? (ready ? undefined : lastState?.terminated)
  return end !== undefined && end.exitCode !== 0
}

/** In back-off the plain log *is* the previous run's, so only a container that is on again has two. */
function queries(pod: KubernetesObject, { name, state, lastState }: ContainerStatus): Wanted[] {
  const query = { namespace: pod.metadata.namespace ?? 'default', pod: pod.metadata.name, container: name, lines }
  const both = state?.waiting === undefined && lastState?.terminated !== undefined
  return both ? [{ ...query, previous: false }, { ...query, previous: true }] : [{ ...query, previous: false }]
}
