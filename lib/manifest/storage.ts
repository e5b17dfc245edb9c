import type { KubernetesObject } from '../access.ts'
import { edited, loadManifest, pick } from './load.ts'

export interface StorageSpec {
  namespace: string
  /** Folder on the node; dags/ and logs/ lie in it. */
  path: string
  dagsSize: string
  logsSize: string
  image: string
}

/** Names of the claims; the chart is given them as existing. */
export const claims = { dags: 'airflow-local-dags-folder', logs: 'airflow-local-logs-folder' }

/** Namespace, class, and for each folder its volume and claim. */
export function storageObjects(spec: StorageSpec): KubernetesObject[] {
  const objects = loadManifest('storage')
  return [
    edited(pick(objects, 'Namespace'), { metadata: { name: spec.namespace } }),
    pick(objects, 'StorageClass'),
    ...pair(objects, spec, 'dags', spec.dagsSize),
    ...pair(objects, spec, 'logs', spec.logsSize),
  ]
}

/**
 * A volume is of the whole cluster, so its name and the label that its claim selects by carry the
 * namespace; for `airflow` they are those of the reference setup.
 */
function pair(objects: KubernetesObject[], { namespace, path }: StorageSpec, folder: 'dags' | 'logs', storage: string): KubernetesObject[] {
  const labels = { type: `${namespace}-${folder}` }
  const volume = edited(pick(objects, 'PersistentVolume', `airflow-local-${folder}-pv`), {
    metadata: { name: `${namespace}-local-${folder}-pv`, labels },
    spec: { capacity: { storage }, hostPath: { path: `${path}/${folder}` } },
  })
  const claim = edited(pick(objects, 'PersistentVolumeClaim', claims[folder]), {
    metadata: { namespace },
    spec: { resources: { requests: { storage } }, selector: { matchLabels: labels } },
  })
  return [volume, claim]
}

/** The Job that makes and proves the folders on one node. */
export function folderJob({ namespace, path, image }: StorageSpec, node: string): KubernetesObject {
  const job = pick(loadManifest('folders'), 'Job')
  const { template } = job.spec as { template: { spec: { initContainers: object[]; containers: object[]; volumes: object[] } } }
  const withImage = (containers: object[]): object[] => containers.map((container) => ({ ...container, image }))
  const { initContainers, containers, volumes } = template.spec
  return edited(job, {
    metadata: { name: folderJobName(node), namespace },
    spec: {
      template: {
        spec: {
          nodeName: node,
          initContainers: withImage(initContainers),
          containers: withImage(containers),
          volumes: volumes.map((volume) => edited(volume, { hostPath: { path } })),
        },
      },
    },
  })
}

/** A pod's name is the Job's with six characters more, and has 63. */
export function folderJobName(node: string): string {
  return `airstrip-folders-${node}`.slice(0, 57).replace(/[^a-z0-9]+$/, '')
}
