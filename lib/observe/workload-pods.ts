/** What the unready pods of a workload say of it. */
import type { KubernetesObject } from '../access.ts'
import { type Context, type Observation, nameOf, waiting } from './observation.ts'
import { lasting } from './owners.ts'
import { observePod } from './pod.ts'
import { observeRefusal } from './refusal.ts'
import { observeTurnedAway } from './turned-away.ts'

/** `pods`: those of its newest version, with the ones that have ended. `counts` is the workload's own line: `0/1 ready`. */
export function throughPods(workload: KubernetesObject, pods: readonly KubernetesObject[], counts: string, context: Context): Observation {
  const looks = lasting(pods).map((pod) => ({ pod, look: observePod(pod, { ...context, workload }) }))
  const bad = looks.find(({ look }) => look.state === 'failed')
  if (bad) return bad.look
  const refusal = observeRefusal(workload, context)
  if (refusal?.state === 'failed') return refusal
  const turnedAway = observeTurnedAway(workload, pods, context)
  if (turnedAway) return turnedAway
  const slow = looks.find(({ look }) => look.state === 'waiting')
  if (slow?.look.state === 'waiting') return waiting(`${counts}; ${nameOf(slow.pod)} ${slow.look.reason}`)
  return waiting(refusal?.state === 'waiting' ? `${counts}; ${refusal.reason}` : counts)
}

/** The controller has not seen what was applied last; its counts are of the version before. */
export function isBehind(object: KubernetesObject): boolean {
  const { observedGeneration } = (object.status ?? {}) as { observedGeneration?: number }
  const { generation } = object.metadata
  return generation !== undefined && (observedGeneration ?? 0) < generation
}
