/** A reader that answers from a list, and evidence made by hand. */
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject, ListQuery, LogQuery, Reader, Release } from '../../../lib/access.ts'
import { node, now } from '../observe/objects.ts'

export const long = '2023-08-02T09:00:00Z'

export function evidence(parts: Partial<Evidence> = {}): Evidence {
  return {
    at: now.toISOString(), namespace: 'airflow', release: 'airflow',
    pods: [], claims: [], events: [], workloads: [], jobs: [], nodes: [node()], classes: [], volumes: [],
    logs: [], looked: [], unknown: [], ...parts,
  }
}

const kinds: Record<string, string> = {
  'pods': 'Pod', 'persistentvolumeclaims': 'PersistentVolumeClaim', 'events': 'Event',
  'deployments.apps': 'Deployment', 'statefulsets.apps': 'StatefulSet', 'daemonsets.apps': 'DaemonSet', 'jobs.batch': 'Job',
  'nodes': 'Node', 'storageclasses.storage.k8s.io': 'StorageClass', 'persistentvolumes': 'PersistentVolume',
}

export interface Script {
  objects?: KubernetesObject[]
  release?: Release | undefined
  logs?: (query: LogQuery) => string | undefined
  /** Resources that this user may not list. */
  forbidden?: string[]
}

/** Any call that is not scripted fails, and says which it was. */
export function reader({ objects = [], release, logs, forbidden = [] }: Script): { reader: Reader; asked: (ListQuery | LogQuery)[] } {
  const asked: (ListQuery | LogQuery)[] = []
  const scripted: Partial<Reader> = {
    list: (query) => {
      asked.push(query)
      const no = query.resources.find((resource) => forbidden.includes(resource))
      if (no !== undefined) return Promise.reject(new Error(`${no} is forbidden: User "me" cannot list resource\nmore`))
      const wanted = query.resources.map((resource) => kinds[resource])
      return Promise.resolve(objects.filter(({ kind }) => wanted.includes(kind)))
    },
    release: () => (forbidden.includes('secrets') ? Promise.reject(new Error('secrets is forbidden')) : Promise.resolve(release)),
    logs: (query) => {
      asked.push(query)
      if (!logs) return Promise.reject(new Error(`unscripted: logs of ${query.pod}`))
      return Promise.resolve(logs(query))
    },
    now: () => now,
  }
  return { reader: scripted as Reader, asked }
}
