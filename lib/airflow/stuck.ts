import type { Change, KubernetesObject } from '../step.ts'
import { nameOf } from '../changes.ts'
import { podsOf } from '../observe/owners.ts'

/** Waiting for one of these a container has not started, and will not without another specification. */
const cannotStart = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'CrashLoopBackOff']

interface SetStatus {
  readyReplicas?: number
  updateRevision?: string
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
 */
export function freeStuck(sets: readonly KubernetesObject[], pods: readonly KubernetesObject[], upgrading: boolean): Change[] {
  return sets.flatMap((set): Change[] => {
    const { readyReplicas = 0, updateRevision } = (set.status ?? {}) as SetStatus
    const stuck = podsOf(set, pods).filter((pod) => reasonOf(pod) !== undefined)
    const [first] = stuck
    if (first === undefined) return []
    if (upgrading && readyReplicas === 0) return [{ op: 'delete', live: set, why: `${because(first)}; Helm makes it again, and its claims stay` }]
    const old = stuck.filter(({ metadata }) => metadata.labels?.['controller-revision-hash'] !== updateRevision)
    return old.map((pod) => ({ op: 'delete', live: pod, why: because(pod) }))
  })
}

function because(pod: KubernetesObject): string {
  return `${nameOf(pod)} cannot start (${reasonOf(pod) ?? ''}), and its StatefulSet would wait for it before it makes the new one`
}

function reasonOf(pod: KubernetesObject): string | undefined {
  type Statuses = { state?: { waiting?: { reason?: string } } }[]
  const { initContainerStatuses = [], containerStatuses = [] } = (pod.status ?? {}) as { initContainerStatuses?: Statuses; containerStatuses?: Statuses }
  const reasons = [...initContainerStatuses, ...containerStatuses].map(({ state }) => state?.waiting?.reason)
  return reasons.find((reason) => reason !== undefined && cannotStart.includes(reason))
}
