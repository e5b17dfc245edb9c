/** What was deleted and is not gone yet, and what it waits for. */
import type { KubernetesObject } from '../access.ts'
import type { Pending } from '../step.ts'
import { foreignFinalizers } from './finalizers.ts'
import { observeNamespace } from './namespace.ts'
import { ageMs, nameOf } from './observation.ts'

export function isLeaving({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

const overdueMs = 60_000
/** A node may take its time; whoever set a finalizer is quick, or is not there. */
const heldMs = 20_000

/** A pod's deletionTimestamp is when it is to be gone, its time of grace included. */
export function isOverdue(pod: KubernetesObject, now: Date): boolean {
  return isLeaving(pod) && ageMs(pod.metadata.deletionTimestamp, now) >= (foreignFinalizers(pod).length > 0 ? heldMs : overdueMs)
}

export function leavingOf(objects: readonly (KubernetesObject | undefined)[]): Pending[] {
  return objects.flatMap((object) => (object === undefined || !isLeaving(object) ? [] : [{ object: nameOf(object), reason: leavingReason(object) }]))
}

/** Kubernetes keeps a claim that is deleted until no pod uses it, and its volume with it. */
export function leavingReason(object: KubernetesObject): string {
  const finalizers = (object.metadata.finalizers ?? []) as string[]
  switch (object.kind) {
    case 'Namespace': {
      const seen = observeNamespace(object)
      return seen.state === 'waiting' ? seen.reason : 'is being deleted'
    }
    case 'PersistentVolumeClaim':
      return 'is being deleted, and stays until no pod uses it'
    case 'PersistentVolume':
      return 'is being deleted, and stays until its claim is gone'
    case 'Pod':
      return 'is ending'
    default:
      return finalizers.length === 0 ? 'is being deleted' : `is being deleted, and waits for ${finalizers.join(', ')}`
  }
}
