/** A PersistentVolume on its own. Available is as good as Bound: whoever wants it can have it. */
import type { PersistentVolume } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Context, type Observation, done, nameOf, waiting } from './observation.ts'
import { keeperOf } from './volume-leaving.ts'
import { type Claim, notReclaimed, stillReleased, suits } from './static-volume.ts'

export function observeVolume(object: KubernetesObject, context: Context): Observation {
  const volume = object as PersistentVolume
  const phase = volume.status?.phase ?? 'Pending'
  if (keeperOf(object, context.claims) !== undefined) return done(`${nameOf(object)} is ${phase}, and goes with its claim`)
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (phase === 'Available' || phase === 'Bound') return done(`${nameOf(object)} is ${phase}`)
  if (phase === 'Failed') return notReclaimed(object)
  return phase === 'Released' ? released(object, context) : waiting(`is ${phase}`)
}

/** Only in the way of somebody where its claim has been made again: until then it is kept data. */
function released(object: KubernetesObject, { claims }: Context): Observation {
  const { persistentVolumeReclaimPolicy: policy, claimRef } = (object as PersistentVolume).spec ?? {}
  if (policy !== 'Retain') return waiting(`is Released and will be reclaimed (${policy ?? 'no policy'})`)
  const again = claims.find(({ metadata }) =>
    metadata.name === claimRef?.name && metadata.namespace === claimRef.namespace && metadata.uid !== claimRef.uid)
  if (again && (again.status as { phase?: string } | undefined)?.phase !== 'Bound' && suits(again as Claim, object)) return stillReleased(again, object)
  return waiting(`is Released: its claim ${claimRef?.namespace ?? ''}/${claimRef?.name ?? ''} is gone and its data is kept`)
}

/** On its node; undefined for a volume that is no folder. */
export function pathOf(volume: KubernetesObject | undefined): string | undefined {
  const { hostPath, local } = (volume?.spec ?? {}) as { hostPath?: { path: string }; local?: { path: string } }
  return hostPath?.path ?? local?.path
}
