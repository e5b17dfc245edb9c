/** A PersistentVolume on its own. Available is as good as Bound: whoever wants it can have it. */
import type { PersistentVolume } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Context, type Observation, done, failed, nameOf, waiting } from './observation.ts'
import { stillReleased } from './static-volume.ts'

export function observeVolume(object: KubernetesObject, context: Context): Observation {
  const volume = object as PersistentVolume
  const phase = volume.status?.phase ?? 'Pending'
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (phase === 'Available' || phase === 'Bound') return done(`${nameOf(object)} is ${phase}`)
  if (phase === 'Failed') return notReclaimed(object, volume.status?.message)
  return phase === 'Released' ? released(object, context) : waiting(`is ${phase}`)
}

/** Only in the way of somebody where its claim has been made again: until then it is kept data. */
function released(object: KubernetesObject, { claims }: Context): Observation {
  const { persistentVolumeReclaimPolicy: policy, claimRef } = (object as PersistentVolume).spec ?? {}
  if (policy !== 'Retain') return waiting(`is Released and will be reclaimed (${policy ?? 'no policy'})`)
  const again = claims.find(({ metadata }) =>
    metadata.name === claimRef?.name && metadata.namespace === claimRef.namespace && metadata.uid !== claimRef.uid)
  if (again && (again.status as { phase?: string } | undefined)?.phase !== 'Bound') return stillReleased(again, object)
  return waiting(`is Released: its claim ${claimRef?.namespace ?? ''}/${claimRef?.name ?? ''} is gone and its data is kept`)
}

function notReclaimed(volume: KubernetesObject, message = 'no message'): Observation {
  return failed(volume, 'volume-reclaim-failed', {
    title: `Volume ${volume.metadata.name} could not be reclaimed`,
    evidence: [`${nameOf(volume)} is Failed: ${message}`],
    why: 'Its provisioner could not clean up after the claim before; the volume is of no use until it has.',
    fix: [`Look at it (kubectl describe pv ${volume.metadata.name}), save what it holds, then: kubectl delete pv ${volume.metadata.name}`],
  })
}
