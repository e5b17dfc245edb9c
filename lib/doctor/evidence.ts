/** What was collected, as plain data: it can be written to a file and judged again without a cluster. */
import type { KubernetesObject, Release } from '../access.ts'
import { isFoundation, type Part } from '../observe/causes.ts'
import { nameOf } from '../observe/observation.ts'
import { observe } from '../observe/registry.ts'
import { partsOf, type ReleaseView } from '../observe/release.ts'

export interface ContainerLog {
  pod: string
  container: string
  /** Of the run before the present one. */
  previous: boolean
  /** Redacted. */
  lines: string[]
}

export interface Evidence {
  /** ISO time. */
  at: string
  namespace: string
  /** The Helm release that was asked for, if any. */
  release?: string | undefined
  record?: Release | undefined
  pods: KubernetesObject[]
  claims: KubernetesObject[]
  events: KubernetesObject[]
  /** Deployments, StatefulSets and DaemonSets. */
  workloads: KubernetesObject[]
  jobs: KubernetesObject[]
  /** Left out where they could not be read. */
  replicaSets?: KubernetesObject[] | undefined
  /** Left out where they could not be read: that is not the same as none. */
  nodes?: KubernetesObject[] | undefined
  classes?: KubernetesObject[] | undefined
  volumes?: KubernetesObject[] | undefined
  logs: ContainerLog[]
  /** What was read, in words: `7 pods`. */
  looked: string[]
  /** What could not be read and why; while this is not empty nobody may say "healthy". */
  unknown: string[]
}

export function viewOf(evidence: Evidence): ReleaseView {
  const { pods, claims, events, classes, volumes, nodes, replicaSets, workloads, jobs, record } = evidence
  return {
    pods, claims, events, classes, volumes, nodes, replicaSets,
    release: record,
    objects: [...workloads, ...jobs, ...claims, ...pods],
    hooks: [...jobs, ...pods],
    now: new Date(evidence.at),
  }
}

/** The parts of the release where there is a record; otherwise everything in the namespace. */
export function partsIn(evidence: Evidence): Part[] {
  const view = viewOf(evidence)
  if (evidence.record) return partsOf(view, evidence.record)
  const { workloads, jobs, claims } = evidence
  return [...workloads, ...jobs, ...claims].map((object) => ({
    name: nameOf(object), object, observation: observe(object, view), foundation: isFoundation(object),
  }))
}
