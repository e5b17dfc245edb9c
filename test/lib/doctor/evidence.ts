/** A reader that answers from a list, and evidence made by hand. */
import { emptyEvidence, type Evidence } from '../../../lib/doctor/evidence.ts'
import { keepers } from '../../../lib/doctor/collect/keep.ts'
import type { KubernetesObject, ListQuery, LogQuery, Reader, Release } from '../../../lib/access.ts'
import { node, now } from '../observe/objects.ts'

export const long = '2023-08-02T09:00:00Z'

export function evidence(parts: Partial<Evidence> = {}): Evidence {
  const kept = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, Array.isArray(part) ? part.map(collected) : part])) as Partial<Evidence>
  return { ...emptyEvidence(now, 'airflow', 'airflow'), nodes: [node()], classes: [], volumes: [], ...kept }
}

const { plain, middleware } = keepers({})

/** As collection leaves it: a rule that reads what is not kept finds nothing here either. */
function collected(part: unknown): unknown {
  const { kind, metadata } = (typeof part === 'object' && part !== null ? part : {}) as Partial<KubernetesObject>
  // Of these only the keys are kept, and tests write them as such; what has no kind is no object of Kubernetes'.
  if (kind === undefined || metadata === undefined || ['Secret', 'ConfigMap', 'CustomResourceDefinition'].includes(kind)) return part
  return (kind === 'Middleware' ? middleware : plain)(part as KubernetesObject)
}

const kinds: Record<string, string> = {
  'pods': 'Pod', 'persistentvolumeclaims': 'PersistentVolumeClaim', 'events': 'Event',
  'deployments.apps': 'Deployment', 'statefulsets.apps': 'StatefulSet', 'daemonsets.apps': 'DaemonSet', 'jobs.batch': 'Job',
  'nodes': 'Node', 'storageclasses.storage.k8s.io': 'StorageClass', 'persistentvolumes': 'PersistentVolume',
  'replicasets.apps': 'ReplicaSet', 'services': 'Service', 'endpoints': 'Endpoints', 'configmaps': 'ConfigMap', 'secrets': 'Secret',
  'serviceaccounts': 'ServiceAccount', 'roles.rbac.authorization.k8s.io': 'Role', 'rolebindings.rbac.authorization.k8s.io': 'RoleBinding', 'networkpolicies.networking.k8s.io': 'NetworkPolicy', 'resourcequotas': 'ResourceQuota',
  'horizontalpodautoscalers.autoscaling': 'HorizontalPodAutoscaler',
  'ingressroutes.traefik.io': 'IngressRoute', 'middlewares.traefik.io': 'Middleware', 'ingressroutes.traefik.containo.us': 'none', 'middlewares.traefik.containo.us': 'none',
  'customresourcedefinitions.apiextensions.k8s.io': 'CustomResourceDefinition', 'leases.coordination.k8s.io': 'Lease',
  'validatingwebhookconfigurations.admissionregistration.k8s.io': 'ValidatingWebhookConfiguration',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': 'MutatingWebhookConfiguration',
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
      const unknown = query.resources.find((resource) => kinds[resource] === undefined)
      if (unknown !== undefined) return Promise.reject(new Error(`unscripted: list of ${unknown}`))
      const wanted = query.resources.map((resource) => kinds[resource])
      const here = objects.filter(({ kind, metadata }) => wanted.includes(kind) && (query.namespace === undefined || (metadata.namespace ?? query.namespace) === query.namespace))
      return Promise.resolve(here.map(query.keep ?? ((object) => object)))
    },
    get: (refs) => Promise.resolve(refs.map((ref) => objects.find(({ kind, metadata }) => kind === ref.kind && metadata.name === ref.name))),
    unreachable: () => Promise.resolve(undefined),
    clockAhead: () => Promise.resolve(undefined),
    versions: () => Promise.resolve({ server: 'v1.22.8', kubectl: 'v1.22.8', helm: 'v3.9.4' }),
    release: () => (forbidden.includes('secrets') ? Promise.reject(new Error('secrets is forbidden')) : Promise.resolve(release)),
    logs: (query) => {
      asked.push(query)
      if (!logs) return Promise.reject(new Error(`unscripted: logs of ${query.pod}`))
      return Promise.resolve(logs(query))
    },
    usage: () => Promise.resolve(undefined),
    alive: () => Promise.resolve(undefined),
    now: () => now,
  }
  return { reader: scripted as Reader, asked }
}
