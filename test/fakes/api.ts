/**
 * An API server that is a list of objects: it tells its kinds, and serves lists, single objects and
 * refusals as a real one does. A question that nobody foresaw fails and prints itself.
 */
import type { Answer, Ask, Question } from '../../lib/cluster/api.ts'
import type { KubernetesObject, PolicyRule } from '../../lib/access.ts'

export interface FakeApi {
  objects?: readonly KubernetesObject[]
  version?: string
  rules?: readonly PolicyRule[]
  /** Resources that may not be read. */
  forbidden?: readonly string[]
  /** What a question is answered with instead, by its method and path. */
  instead?: readonly { when: RegExp; answers: Answer | Answer[] }[]
  /** Objects in one part of a list, however many were asked for. */
  part?: number
}

/** Resource names by the version that the server prefers of their group. */
const served: Record<string, Record<string, string>> = {
  'v1': { pods: 'Pod', events: 'Event', nodes: 'Node', namespaces: 'Namespace', secrets: 'Secret', configmaps: 'ConfigMap', services: 'Service', serviceaccounts: 'ServiceAccount', persistentvolumes: 'PersistentVolume', persistentvolumeclaims: 'PersistentVolumeClaim' },
  'apps/v1': { deployments: 'Deployment', replicasets: 'ReplicaSet', statefulsets: 'StatefulSet', daemonsets: 'DaemonSet' },
  'batch/v1': { jobs: 'Job', cronjobs: 'CronJob' },
  'autoscaling/v1': { horizontalpodautoscalers: 'HorizontalPodAutoscaler' },
  'storage.k8s.io/v1': { storageclasses: 'StorageClass' },
  'apiextensions.k8s.io/v1': { customresourcedefinitions: 'CustomResourceDefinition' },
  'rbac.authorization.k8s.io/v1': { roles: 'Role', rolebindings: 'RoleBinding', clusterroles: 'ClusterRole', clusterrolebindings: 'ClusterRoleBinding' },
  'coordination.k8s.io/v1': { leases: 'Lease' },
  'traefik.containo.us/v1alpha1': { ingressroutes: 'IngressRoute', middlewares: 'Middleware' },
}
const clusterWide = ['nodes', 'namespaces', 'persistentvolumes', 'storageclasses', 'customresourcedefinitions', 'clusterroles', 'clusterrolebindings']

export function fakeApi(cluster: FakeApi = {}): { ask: Ask; asked: string[]; questions: Question[] } {
  const questions: Question[] = []
  const asked: string[] = []
  const used = new Map<unknown, number>()
  const ask: Ask = (question) => {
    const line = `${question.method} ${question.path}`
    questions.push(question)
    asked.push(line)
    const special = cluster.instead?.find(({ when }) => when.test(line))
    if (special === undefined) return Promise.resolve().then(() => answerOf(cluster, question))
    const answers = Array.isArray(special.answers) ? special.answers : [special.answers]
    const index = used.get(special) ?? 0
    used.set(special, index + 1)
    return Promise.resolve(answers[Math.min(index, answers.length - 1)] ?? { status: 500, text: 'no answers' })
  }
  return { ask, asked, questions }
}

const json = (value: unknown): Answer => ({ status: 200, text: JSON.stringify(value) })

export function refusalOf(status: number, reason: string, message: string): Answer {
  return { status, text: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status }) }
}

const notFound = (what: string): Answer => refusalOf(404, 'NotFound', `${what} not found`)

function answerOf(cluster: FakeApi, question: Question): Answer {
  const { pathname, searchParams } = new URL(question.path, 'http://localhost')
  if (question.method === 'POST') return json({ status: { resourceRules: cluster.rules ?? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], incomplete: false } })
  if (pathname === '/version') return json({ gitVersion: cluster.version ?? 'v1.22.8' })
  if (pathname === '/apis') return json({ kind: 'APIGroupList', groups: groups() })
  const [, root = '', rest = ''] = /^\/(?:api|apis)\/(v1|[^/]+\/[^/]+)(?:\/(.+))?$/.exec(pathname) ?? []
  if (root === '') throw new Error(`unscripted question: ${question.method} ${question.path}`)
  const kinds = served[root]
  if (kinds === undefined) return { status: 404, text: '404 page not found\n' }
  if (rest === '') return json({ kind: 'APIResourceList', groupVersion: root, resources: resourcesOf(kinds) })
  return objectsAt(cluster, root, kinds, rest, searchParams)
}

function groups(): unknown[] {
  return Object.keys(served).filter((version) => version !== 'v1').map((groupVersion) => ({ name: groupVersion.split('/')[0], preferredVersion: { groupVersion } }))
}

function resourcesOf(kinds: Record<string, string>): unknown[] {
  return Object.entries(kinds).flatMap(([name, kind]) => {
    const namespaced = !clusterWide.includes(name)
    return [{ name, kind, namespaced, verbs: ['get', 'list', 'delete'] }, { name: `${name}/status`, kind, namespaced, verbs: ['get'] }]
  })
}

function objectsAt(cluster: FakeApi, root: string, kinds: Record<string, string>, rest: string, words: URLSearchParams): Answer {
  const [, namespace, resource = '', name] = /^(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?$/.exec(rest) ?? []
  const kind = kinds[resource]
  if (kind === undefined) return { status: 404, text: '404 page not found\n' }
  if (cluster.forbidden?.includes(resource) === true) return refusalOf(403, 'Forbidden', `${resource} is forbidden: User "joe" cannot list resource "${resource}"`)
  const group = root.split('/')[0]
  const all = (cluster.objects ?? []).filter((object) => object.kind === kind && object.apiVersion.split('/')[0] === group && (namespace === undefined || object.metadata.namespace === namespace))
  if (name === undefined) return listOf(root, kind, all.filter((object) => isSelected(object, words)), words, cluster.part)
  const found = all.find(({ metadata }) => metadata.name === decodeURIComponent(name))
  return found === undefined ? notFound(`${resource} "${name}"`) : json(found)
}

/** As a real server, which does not repeat in each item what the list says. */
function listOf(root: string, kind: string, objects: readonly KubernetesObject[], words: URLSearchParams, part?: number): Answer {
  const limit = Math.min(Number(words.get('limit') ?? Infinity), words.has('limit') ? (part ?? Infinity) : Infinity)
  const from = Number(words.get('continue') ?? 0)
  const next = from + limit
  const items = objects.slice(from, next).map((object) => ({ ...object, apiVersion: undefined, kind: undefined }))
  return json({ kind: `${kind}List`, apiVersion: root, metadata: next < objects.length ? { continue: String(next) } : {}, items })
}

function isSelected({ type, metadata }: KubernetesObject, words: URLSearchParams): boolean {
  const labels = metadata.labels ?? {}
  const holds = (term: string): boolean => {
    const [, key = '', operator, value] = /^([^!=]+)(!=|=)(.*)$/.exec(term) ?? []
    return operator === '!=' ? labels[key] !== value : labels[key] === value
  }
  const field = words.get('fieldSelector')
  if (field !== null && field !== 'type!=helm.sh/release.v1') throw new Error(`unscripted field selector: ${field}`)
  return (field === null || type !== 'helm.sh/release.v1') && (words.get('labelSelector') ?? '').split(',').filter((term) => term !== '').every(holds)
}
