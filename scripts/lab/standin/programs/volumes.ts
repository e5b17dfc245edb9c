import type { Meta } from './kube.ts'

export interface Claim {
  metadata: Meta & { namespace: string; uid: string }
  spec: {
    accessModes?: string[]
    storageClassName?: string
    volumeName?: string
    volumeMode?: string
    selector?: object
    resources?: { requests?: { storage?: string } }
  }
  status?: { phase?: string }
}

export interface StorageClass {
  metadata: Meta
  provisioner: string
  reclaimPolicy?: string
  volumeBindingMode?: string
}

export interface Volume {
  metadata: Meta
  spec: {
    persistentVolumeReclaimPolicy: string
    hostPath?: { path: string }
    local?: { path: string }
    capacity: { storage: string }
    volumeMode: string
    nodeAffinity?: { required?: { nodeSelectorTerms: { matchExpressions: { values: string[] }[] }[] } }
  }
  status?: { phase?: string }
}

const SELECTED = 'volume.kubernetes.io/selected-node'
const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'

export const nodeOf = (claim: Claim): string | undefined => claim.metadata.annotations?.[SELECTED]

/** The class, where this claim is this provisioner's work now: with WaitForFirstConsumer only once a pod has a node. */
export function wants(claim: Claim, classes: StorageClass[], provisioner: string): StorageClass | undefined {
  if (claim.status?.phase !== 'Pending' || claim.spec.volumeName || claim.metadata.deletionTimestamp !== undefined) return undefined
  const found = classes.find(({ metadata }) => metadata.name === claim.spec.storageClassName)
  if (found?.provisioner !== provisioner) return undefined
  return found.volumeBindingMode === 'WaitForFirstConsumer' && nodeOf(claim) === undefined ? undefined : found
}

/** The real one's three reasons to say no, in its words. */
export function refusal(claim: Claim): string | undefined {
  if (claim.spec.selector !== undefined) return 'claim.Spec.Selector is not supported'
  if (claim.spec.accessModes?.some(mode => mode !== 'ReadWriteOnce')) return 'Only support ReadWriteOnce access mode'
  if (nodeOf(claim) === undefined) return 'configuration error, no node was specified'
  return undefined
}

export function volumeFor(claim: Claim, storageClass: StorageClass, at: { name: string; path: string; hostname: string }): object {
  const { name, namespace, uid, resourceVersion } = claim.metadata
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: at.name, annotations: { [PROVISIONED_BY]: storageClass.provisioner } },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.storage },
      accessModes: claim.spec.accessModes,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: 'Filesystem',
      hostPath: { path: at.path, type: 'DirectoryOrCreate' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [at.hostname] }] }] },
      },
    },
  }
}

export function isReleased(volume: Volume, provisioner: string): boolean {
  return volume.metadata.annotations?.[PROVISIONED_BY] === provisioner
    && volume.status?.phase === 'Released'
    && volume.spec.persistentVolumeReclaimPolicy === 'Delete'
    && volume.metadata.deletionTimestamp === undefined
}

export function folderOf(volume: Volume): { path: string; node: string } {
  const node = volume.spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions[0]?.values[0]
  const path = (volume.spec.hostPath ?? volume.spec.local)?.path
  if (node === undefined) throw new Error(`failed to delete volume ${volume.metadata.name}: cannot find affinited node`)
  if (path === undefined) throw new Error(`failed to delete volume ${volume.metadata.name}: no path set`)
  return { path, node }
}
