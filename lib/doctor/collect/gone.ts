/**
 * A Job that has used up its tries takes its pod with it: Kubernetes deletes it, and then nobody can say
 * any more what it died of. So whoever waits for a Job keeps what its pod said last, each time it ends.
 */
import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Container, Pod, PodStatus } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, Reader } from '../../access.ts'
import { controllerOf } from '../../observe/owners.ts'
import type { ContainerLog, Evidence, Gone } from '../evidence.ts'
import { wantedLogs } from './logs.ts'

/** What was seen of it; its Job is known where somebody has looked after its end. */
export interface Seen extends Omit<Gone, 'job'> {
  job?: KubernetesObject | undefined
  /** ISO time until when it was looked at. */
  at: string
}

export interface Witness {
  /** Each list of pods that passes through it is looked over. */
  watching(reader: Reader): Reader
  seen(): Seen[]
}

/** Those that ended last. */
const mostPods = 8

/** Costs one log for each end of a container of a Job, and nothing where none ends badly. */
export function createWitness(): Witness {
  const seen = new Map<string, Seen>()
  const known = new Set<string>()
  const keep = async (pod: KubernetesObject, reader: Reader): Promise<void> => {
    const mark = `${pod.metadata.uid ?? ''} ${endsOf(pod).join()}`
    if (known.has(mark)) return
    known.add(mark)
    const logs = (await Promise.all(wantedLogs([pod]).map((query) => lastOf(query, reader)))).flat()
    if (logs.length === 0) return
    seen.delete(pod.metadata.name)
    seen.set(pod.metadata.name, { pod: slim(pod), logs, at: reader.now().toISOString() })
  }
  return {
    watching: (reader) => ({
      ...reader,
      list: async (query) => {
        const objects = await reader.list(query)
        await Promise.all(objects.filter((object) => isOfJob(object) && endsOf(object).length > 0).map((pod) => keep(pod, reader)))
        return objects
      },
    }),
    seen: () => [...seen.values()].slice(-mostPods),
  }
}

function isOfJob(object: KubernetesObject): boolean {
  return object.kind === 'Pod' && controllerOf(object)?.kind === 'Job'
}

/** One that goes away while it is asked has said nothing. */
async function lastOf(query: ReturnType<typeof wantedLogs>[number], reader: Reader): Promise<ContainerLog[]> {
  const { namespace, pod, container, previous } = query
  const text = await reader.logs(query).catch(() => undefined)
  const lines = (text ?? '').trimEnd().split('\n').filter((line) => line !== '')
  return lines.length === 0 ? [] : [{ namespace, pod, container, previous, lines }]
}

type Status = NonNullable<PodStatus['containerStatuses']>[number]

function statusesOf(pod: KubernetesObject): Status[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses]
}

/** When which container ended badly. */
function endsOf(pod: KubernetesObject): string[] {
  return statusesOf(pod).flatMap(({ name, state, lastState }) => {
    const end = state?.terminated ?? lastState?.terminated
    return end === undefined || end.exitCode === 0 ? [] : [`${name} ${String(end.finishedAt)}`]
  })
}

/** What rules read of a pod that has ended; variables and arguments may hold secrets, and the record outlives the run. */
function slim(object: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, creationTimestamp, labels, ownerReferences } = object.metadata
  const { spec, status } = object as Pod
  const part = ({ name: container, image, resources }: Container): object => ({ name: container, image, resources })
  return defined({
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name, namespace, uid, creationTimestamp, labels, ownerReferences },
    spec: { nodeName: spec?.nodeName, restartPolicy: spec?.restartPolicy, initContainers: spec?.initContainers?.map(part), containers: spec?.containers.map(part) },
    status: { phase: status?.phase, conditions: status?.conditions, initContainerStatuses: status?.initContainerStatuses?.map(ended), containerStatuses: status?.containerStatuses?.map(ended) },
  })
}

/** It does not run any more. */
function ended(status: Status): Status {
  const { state, lastState } = status
  return state?.running === undefined || lastState?.terminated === undefined ? status : { ...status, state: { terminated: lastState.terminated } }
}

function defined(object: object): KubernetesObject {
  return JSON.parse(JSON.stringify(object)) as KubernetesObject
}

/**
 * Adds those that are gone, or on their way, and whose Job has failed, as though they were still there. Of a
 * Job that is gone itself (ttlSecondsAfterFinished) it still holds until Helm has tried again.
 */
export function withGone(evidence: Evidence, seen: readonly Seen[]): Evidence {
  const staying = new Set(evidence.pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.uid))
  const gone = seen.filter(({ pod }) => !staying.has(pod.metadata.uid)).flatMap(({ pod, logs, job, at }): Gone[] => {
    const owner = evidence.jobs.find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid) ?? (isOver(job, at, evidence) ? job : undefined)
    return owner !== undefined && isAt('Failed', owner) ? [{ job: owner, pod, logs }] : []
  })
  if (gone.length === 0) return evidence
  const names = gone.map(({ pod }) => pod.metadata.name)
  const jobs = gone.map(({ job }) => job).filter((job, index, all) => !evidence.jobs.includes(job) && all.findIndex(({ metadata }) => metadata.uid === job.metadata.uid) === index)
  return {
    ...evidence,
    pods: [...evidence.pods.filter(({ metadata }) => !names.includes(metadata.name)), ...gone.map(({ pod }) => pod)],
    jobs: [...evidence.jobs, ...jobs],
    logs: [...evidence.logs.filter(({ pod }) => !names.includes(pod)), ...gone.flatMap(({ logs }) => logs)],
    gone: names,
    looked: [...evidence.looked, `what ${gone.length === 1 ? 'a pod' : `${gone.length} pods`} said last that Kubernetes has deleted`],
  }
}

function isOver(job: KubernetesObject | undefined, at: string, { jobs, record }: Evidence): boolean {
  if (job === undefined || record === undefined || record.status === 'deployed') return false
  return !jobs.some(({ metadata }) => metadata.name === job.metadata.name) && Date.parse(at) >= Date.parse(record.updatedAt)
}

function isAt(wanted: 'Failed' | 'Complete', object: KubernetesObject): boolean {
  return (object as Job).status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false
}

/** To be written down, of the Jobs that have not gone well: also what is still there, for it may go at any moment. */
export function goneIn({ jobs }: Evidence, seen: readonly Seen[]): Gone[] {
  return seen.flatMap(({ pod, logs }) => {
    const job = jobs.find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid)
    return job === undefined || isAt('Complete', job) ? [] : [{ job: named(job), pod, logs }]
  })
}

function named({ apiVersion, kind, metadata: { name, namespace, uid, creationTimestamp, labels }, status }: KubernetesObject): KubernetesObject {
  return defined({ apiVersion, kind, metadata: { name, namespace, uid, creationTimestamp, labels }, status })
}
