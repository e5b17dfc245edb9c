import type { KubernetesObject } from '../access.ts'
import type { Change } from '../step.ts'
import { nameOf } from '../changes.ts'
import { claimNamesOf } from '../observe/claim.ts'
import { podsOf } from '../observe/owners.ts'

/** Waiting for one of these a container has not started, and will not without another specification. */
const cannotStart = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'CrashLoopBackOff', 'Blocked']

interface SetStatus {
  readyReplicas?: number
  updateRevision?: string
}

/** What is about to be done to the release. */
export interface Mending {
  upgrade: boolean
  /** Names of the StatefulSets whose hand edits are undone. */
  patched: readonly string[]
}

/** StatefulSets that lack a pod: only for these are pods worth listing. */
export function lackingSets(live: readonly (KubernetesObject | undefined)[]): KubernetesObject[] {
  return live.filter((object) => object !== undefined).filter(({ kind, spec, status }) =>
    kind === 'StatefulSet' && ((status as SetStatus | undefined)?.readyReplicas ?? 0) < ((spec as { replicas?: number }).replicas ?? 1))
}

/**
 * A StatefulSet waits for its pod to become ready before it replaces it, so a pod that cannot start
 * keeps the corrected version from ever being tried (kubernetes.io, StatefulSet, "Forced rollback").
 * Before an upgrade the set itself is taken away where none of its pods is ready: Helm makes it again
 * in the same go, and its claims stay. A pod alone would come back as it was until Helm is there, and
 * the hook that follows would wait for the database in vain.
 *
 * Where only hand edits are undone, the set is there to stay and its pods alone are taken away, after
 * it was put right.
 *
 * `near` has the pods and claims of the namespace. A claim that was never bound goes with the set: no
 * pod ever ran on it, so nothing can be in it, and before Kubernetes 1.26 it never learns of a class
 * that came after it.
 */
export function freeStuck(sets: readonly KubernetesObject[], near: readonly KubernetesObject[], mending: Mending): Change[] {
  const pods = near.filter(({ kind }) => kind === 'Pod')
  return sets.flatMap((set): Change[] => {
    const { readyReplicas = 0, updateRevision } = (set.status ?? {}) as SetStatus
    const mine = podsOf(set, pods)
    const stuck = mine.filter((pod) => reasonOf(pod) !== undefined)
    const [first] = stuck
    if (first !== undefined && mending.upgrade && readyReplicas === 0) {
      return [{ op: 'delete', freeing: true, live: set, why: `${because(first)}; Helm makes it again, and its bound claims stay` }, ...stuck.flatMap((pod) => neverBound(pod, near)).map(claimChange)]
    }
    // One that runs and never gets ready, as by an edited probe, is waited for alike; a rollout would end it as well.
    const old = [...stuck, ...(mending.upgrade ? [] : mine.filter(isLame))].filter(({ metadata }) => mending.patched.includes(set.metadata.name) || metadata.labels?.['controller-revision-hash'] !== updateRevision)
    return old.map((pod): Change => ({ op: 'delete', freeing: true, live: pod, why: because(pod) }))
  })
}

/** Claims of the pod that have no volume and never had one; of the set's own making, so it makes them again. */
function neverBound(pod: KubernetesObject, near: readonly KubernetesObject[]): KubernetesObject[] {
  const { name, namespace } = pod.metadata
  return near.filter((object) => {
    const { kind, metadata, spec, status } = object
    const waits = (status as { phase?: string } | undefined)?.phase === 'Pending' && (spec as { volumeName?: string }).volumeName === undefined
    return kind === 'PersistentVolumeClaim' && waits && metadata.namespace === namespace && metadata.name.endsWith(`-${name}`) && claimNamesOf(pod).includes(metadata.name)
  })
}

function claimChange(live: KubernetesObject): Change {
  return { op: 'delete', freeing: true, live, why: 'it was never bound, so nothing is in it; it is made again as it is wanted now' }
}

function because(pod: KubernetesObject): string {
  const reason = reasonOf(pod)
  return `${nameOf(pod)} ${reason === undefined ? 'runs and is not ready' : `cannot start (${reason})`}, and its StatefulSet would wait for it before it makes the new one`
}

interface PodStatus {
  phase?: string
  conditions?: { type: string; status: string; reason?: string }[]
  initContainerStatuses?: { state?: { waiting?: { reason?: string } } }[]
  containerStatuses?: PodStatus['initContainerStatuses']
}

function isLame(pod: KubernetesObject): boolean {
  const { conditions = [], phase } = (pod.status ?? {}) as PodStatus
  return reasonOf(pod) === undefined && phase === 'Running' && pod.metadata.deletionTimestamp === undefined && conditions.some(({ type, status }) => type === 'Ready' && status === 'False')
}

function reasonOf(pod: KubernetesObject): string | undefined {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = (pod.status ?? {}) as PodStatus
  if (conditions.some(({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable')) return 'Unschedulable'
  const reasons = [...initContainerStatuses, ...containerStatuses].map(({ state }) => state?.waiting?.reason)
  return reasons.find((reason) => reason !== undefined && cannotStart.includes(reason))
}
