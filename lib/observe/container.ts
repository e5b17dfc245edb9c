/** One container of a pod: what is wrong for good, and what it is doing now in a few words. */
import type { ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { observeConfig } from './config-error.ts'
import { describeEnd, observeCrash } from './crash.ts'
import { observePull } from './image.ts'
import type { Context, Observation } from './observation.ts'
import { observeStart } from './start-error.ts'

export function observeContainers(object: KubernetesObject, events: readonly Event[], context: Pick<Context, 'now' | 'present' | 'logins'>): Observation | undefined {
  const { now } = context
  const { initContainerStatuses = [], containerStatuses = [] } = (object as Pod).status ?? {}
  const found = [...initContainerStatuses, ...containerStatuses]
    .map((status) => observePull(object, status, events, context) ?? observeConfig(object, status, context) ?? observeStart(object, status, now) ?? observeCrash(object, status, events, now))
    .filter((observation) => observation !== undefined)
  return found.find(({ state }) => state === 'failed') ?? found[0]
}

/**
 * The first container that is not where it should be. Init containers run in turn before the
 * others, so the first unfinished one is what all the rest waits for.
 */
export function describeContainers(pod: Pod, events: readonly Event[]): string | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  const init = initContainerStatuses.find((status) => status.state?.terminated?.exitCode !== 0 && !status.ready)
  if (init) return `init container ${describe(init, events)}`
  const main = containerStatuses.find((status) => !status.ready)
  return main && `container ${describe(main, events)}`
}

function describe(status: ContainerStatus, events: readonly Event[]): string {
  const { waiting, running, terminated } = status.state ?? {}
  const last = status.lastState?.terminated
  const before = last ? ` (last ${describeEnd(last)}, restarted ${status.restartCount} times)` : ''
  if (waiting) return `${status.name}: ${waiting.reason ?? 'waiting'}${before}`
  if (terminated) return `${status.name} ended: ${describeEnd(terminated)}`
  return `${status.name} ${running ? 'runs' : 'is about to start'}${before}${probe(status.name, events)}`
}

/** Unhealthy: "Readiness probe failed: HTTP probe failed with statuscode: 503", for one of its containers. */
function probe(container: string, events: readonly Event[]): string {
  const field = `spec.containers{${container}}`
  const event = events.findLast((one) => one.reason === 'Unhealthy' && (one.involvedObject.fieldPath ?? field) === field)
  return event ? ` and is not ready: ${event.message?.trim() ?? 'its probe fails'}` : ''
}
