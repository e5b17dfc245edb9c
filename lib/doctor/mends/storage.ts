/** airstrip's own volumes for DAGs and logs, and their folders. A database's volume is never touched. */
import type { KubernetesObject } from '../../access.ts'
import { folderJobName } from '../../manifest/storage.ts'
import { schedulable } from '../../preflight/folders.ts'
import type { Change } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import { type Mending, part, refTo, type Touch, touching } from './mend.ts'

interface VolumeSpec { claimRef: { uid?: string }; hostPath: object; persistentVolumeReclaimPolicy: string }

export function released({ volumes = [], namespace }: Evidence): Mending | undefined {
  return touching(volumes.filter((volume) => isOurs(volume, namespace) && releasedFrom(volume) !== undefined).map((volume): Touch => ({ step: 'storage', ref: refTo(volume), make: forgetClaim })))
}

/** By its label and by its name: what step storage made for this namespace. */
function isOurs({ metadata: { name, labels } }: KubernetesObject, namespace: string): boolean {
  return labels?.['app.kubernetes.io/managed-by'] === 'airstrip' && ['dags', 'logs'].some((folder) => name === `${namespace}-local-${folder}-pv`)
}

/** The claim that it still belongs to by name. */
function releasedFrom(volume: KubernetesObject): VolumeSpec['claimRef'] | undefined {
  const { claimRef, hostPath } = part<VolumeSpec>(volume, 'spec')
  return part<{ phase: string }>(volume, 'status').phase === 'Released' && hostPath !== undefined ? claimRef : undefined
}

function forgetClaim(live: KubernetesObject): Change[] {
  const claim = releasedFrom(live)
  if (claim === undefined) return []
  return [{
    op: 'patch',
    live,
    patch: [{ op: 'test', path: '/spec/claimRef/uid', value: claim.uid }, { op: 'remove', path: '/spec/claimRef' }],
    why: 'its claim was deleted, and the next one cannot bind before that is forgotten; the folder stays as it is',
  }]
}

/**
 * Step storage takes its finished Job for the proof that the folders are good, and sees otherwise only
 * where this machine is the node. So the proof that is none any more is taken away, and the step makes
 * the folders and proves them again.
 */
export function foldersAgain({ nodes = [], namespace }: Evidence): Mending {
  const refs = schedulable(nodes).map(({ metadata }) => ({ apiVersion: 'batch/v1', kind: 'Job', name: folderJobName(metadata.name), namespace }))
  return { ...touching(refs.map((ref): Touch => ({ step: 'storage', ref, make: noProof }))), steps: ['storage'] }
}

function noProof(live: KubernetesObject): Change[] {
  return [{ op: 'delete', freeing: true, live, why: 'the folders are not as it left them; step storage makes it again, and it the folders' }]
}
