/**
 * A Job that has used up its tries takes its pod with it: Kubernetes deletes it, and then nobody can say
 * any more what it died of. So whoever waits for a Job keeps what its pod said last, each time it ends.
 */
import type { Container, ContainerStateTerminated, ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, LogQuery, Reader } from '../../access.ts'
import { controllerOf } from '../../observe/owners.ts'
import type { ContainerLog } from '../evidence.ts'
import type { Seen } from '../witnessed.ts'
import { linesOf, fewLines } from './logs.ts'

export interface Witness {
  /** Each list of pods that passes through it is looked over; a previous log that cannot be had any more is as it was kept. */
  watching(reader: Reader): Reader
  /** What was read by now, the one that ended last at the end; as the pods said it, secrets and all. */
  seen(): Seen[]
}

/** Those that ended last. */
const mostPods = 8
/** A node may not answer, and looks come every second. */
const mostTries = 3

/** Costs one log for each end of a container of a Job, which nobody waits for, and nothing where none ends badly. */
export function createWitness(): Witness {
  const seen = new Map<string, Seen>()
  const tries = new Map<string, number>()
  const keep = async (pod: KubernetesObject, reader: Reader): Promise<void> => {
    const { name, uid = name, deletionTimestamp } = pod.metadata
    const mark = `${uid} ${endsOf(pod).map(({ status, end }) => `${status.name} ${String(end.finishedAt)}`).join()}`
    const before = tries.get(mark) ?? 0
    // What is ended from outside says less than what it said when it ended by itself.
    if (before >= mostTries || (deletionTimestamp !== undefined && seen.has(uid))) return
    tries.set(mark, before + 1)
    const logs = (await Promise.all(endsOf(pod).map(({ status }) => lastOf(pod, status, reader)))).flat()
    if (logs.length === 0) return
    tries.set(mark, mostTries)
    seen.delete(uid)
    seen.set(uid, { pod: slim(pod), logs, at: reader.now().toISOString() })
  }
  return {
    watching: (reader) => ({
      ...reader,
      list: async (query) => {
        const objects = await reader.list(query)
        const ended = objects.filter((object) => isOfJob(object) && endsOf(object).length > 0)
        for (const pod of newest(ended)) void keep(pod, reader)
        return objects
      },
      logs: async (query) => {
        const text = await reader.logs(query)
        return query.previous === true && linesOf(text ?? '').length === 0 ? ((await lastWords(query, seen, reader)) ?? text) : text
      },
    }),
    seen: () => [...seen.values()].slice(-mostPods),
  }
}

/** For a kubelet that is late to know of the run before; undefined where what was kept is of the present one, whose end was seen. */
async function lastWords(query: LogQuery, seen: ReadonlyMap<string, Seen>, reader: Reader): Promise<string | undefined> {
  const { namespace, pod, container } = query
  const kept = [...seen.values()].flatMap(({ logs }) => logs).findLast((log) => log.namespace === namespace && log.pod === pod && log.container === container)
  if (kept === undefined) return undefined
  const present = linesOf((await reader.logs({ ...query, previous: false })) ?? '')
  const words = kept.lines.join('\n')
  return present.join('\n') === words ? undefined : words
}

function isOfJob(object: KubernetesObject): boolean {
  return object.kind === 'Pod' && controllerOf(object)?.kind === 'Job'
}

function newest(pods: readonly KubernetesObject[]): KubernetesObject[] {
  const lastEnd = (pod: KubernetesObject): number => Math.max(...endsOf(pod).map(({ end }) => Date.parse(end.finishedAt ?? '') || 0))
  return [...pods].sort((one, other) => lastEnd(one) - lastEnd(other)).slice(-mostPods)
}

/** Of the run that has ended, which is the previous one in back-off too: the next may have begun. One that cannot be read any more has said nothing. */
async function lastOf({ metadata: { name, namespace = 'default' } }: KubernetesObject, { name: container, state }: ContainerStatus, reader: Reader): Promise<ContainerLog[]> {
  const query = { namespace, pod: name, container, lines: fewLines }
  const text = await reader.logs({ ...query, previous: state?.terminated === undefined }).catch(() => undefined)
  const lines = linesOf(text ?? '')
  return lines.length === 0 ? [] : [{ namespace, pod: name, container, previous: false, lines }]
}

/** The containers that ended badly, the last time that they ended. */
function endsOf(pod: KubernetesObject): { status: ContainerStatus; end: ContainerStateTerminated }[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses].flatMap((status) => {
    const end = status.state?.terminated ?? status.lastState?.terminated
    return end === undefined || end.exitCode === 0 ? [] : [{ status, end }]
  })
}

/** What rules read of a pod that has ended; variables and arguments may hold secrets, and the record outlives the run. */
function slim(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, creationTimestamp, labels, ownerReferences } = object.metadata
  const { spec, status } = object as Pod
  const part = ({ name: container, image, resources }: Container): object => ({ name: container, image, resources })
  return JSON.parse(JSON.stringify({
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name, namespace, uid, creationTimestamp, labels, ownerReferences },
    spec: { nodeName: spec?.nodeName, restartPolicy: spec?.restartPolicy, initContainers: spec?.initContainers?.map(part), containers: spec?.containers.map(part) },
    status: { phase: 'Failed', initContainerStatuses: status?.initContainerStatuses?.map(ended), containerStatuses: status?.containerStatuses?.map(ended) },
  })) as KubernetesObject
}

/** It does not run any more. */
function ended(status: ContainerStatus): ContainerStatus {
  const end = status.state?.terminated ?? status.lastState?.terminated
  return end === undefined ? status : { ...status, ready: false, state: { terminated: end } }
}
