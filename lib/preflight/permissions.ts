import type { KubernetesObject, Permissions, PolicyRule } from '../access.ts'
import type { Finding } from '../step.ts'
import { error, warning } from './facts.ts'
import { traefikGroups } from './traefik.ts'

interface Need {
  group: string
  resources: string[]
  verbs: string[]
}

const look = ['get', 'list']
const change = ['get', 'list', 'create', 'patch', 'delete']

/** Everything that the later steps and the chart read or write. */
const needs: readonly Need[] = [
  { group: '', resources: ['nodes', 'events'], verbs: look },
  // One that cannot start keeps its StatefulSet from making the corrected one.
  { group: '', resources: ['pods'], verbs: [...look, 'delete'] },
  { group: '', resources: ['pods/log'], verbs: ['get'] },
  { group: '', resources: ['namespaces', 'persistentvolumes'], verbs: ['get', 'list', 'create', 'patch'] },
  { group: '', resources: ['persistentvolumeclaims', 'configmaps', 'services', 'serviceaccounts'], verbs: change },
  // Helm updates its own record, and so does what frees a stale one.
  { group: '', resources: ['secrets'], verbs: [...change, 'update'] },
  { group: 'apps', resources: ['daemonsets', 'replicasets'], verbs: look },
  { group: 'apps', resources: ['deployments', 'statefulsets'], verbs: change },
  { group: 'batch', resources: ['jobs'], verbs: change },
  { group: 'storage.k8s.io', resources: ['storageclasses'], verbs: ['get', 'list', 'create', 'patch'] },
  { group: 'rbac.authorization.k8s.io', resources: ['roles', 'rolebindings'], verbs: change },
  { group: 'rbac.authorization.k8s.io', resources: ['clusterroles', 'clusterrolebindings'], verbs: ['get', 'create', 'patch'] },
  { group: 'coordination.k8s.io', resources: ['leases'], verbs: ['get', 'create', 'patch'] },
  // Whose replicas an autoscaler sets is not put back.
  { group: 'autoscaling', resources: ['horizontalpodautoscalers'], verbs: look },
  { group: 'apiextensions.k8s.io', resources: ['customresourcedefinitions'], verbs: look },
]

/** Every denied verb at once, before anything is written. */
export function judgePermissions({ rules, incomplete }: Permissions): Finding[] {
  const denied = needs.flatMap((need) => deniedOf(need, rules))
  if (!traefikGroups.some((group) => allows(rules, group, 'ingressroutes', 'create') && allows(rules, group, 'middlewares', 'create'))) {
    denied.push('create middlewares, ingressroutes (traefik.io)')
  }
  if (denied.length === 0) return []
  const text = { evidence: denied, why: 'Later steps would stop half way.', fix: ['Use the cluster admin\'s kubeconfig (kubeadm: /etc/kubernetes/admin.conf), or have these verbs granted.'] as [string] }
  return incomplete
    ? [warning('permissions-unknown', { title: 'The cluster could not list all permissions; these are not among those it listed', ...text })]
    : [error('permissions-denied', { title: `The kubeconfig's user lacks ${denied.length} permissions`, ...text })]
}

/**
 * Resources of which these objects cannot be deleted, as `persistentvolumes` or `jobs (batch)`. A list
 * of rules that is not whole denies nothing.
 */
export function undeletable(objects: readonly KubernetesObject[], { rules, incomplete }: Permissions): string[] {
  if (incomplete) return []
  const denied = objects.flatMap(({ apiVersion, kind, metadata: { name } }) => {
    const group = apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : ''
    const resource = resourceOf(kind)
    return allows(rules, group, resource, 'delete', name) ? [] : [inGroup(resource, group)]
  })
  return [...new Set(denied)]
}

/** Of every kind that airstrip and the charts make, and as the API server builds the names of custom ones, too. */
function resourceOf(kind: string): string {
  const word = kind.toLowerCase()
  if (word.endsWith('s')) return `${word}es`
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`
}

function inGroup(resource: string, group: string): string {
  return group === '' ? resource : `${resource} (${group})`
}

function deniedOf({ group, resources, verbs }: Need, rules: readonly PolicyRule[]): string[] {
  return resources.flatMap((resource) => {
    const missing = verbs.filter((verb) => !allows(rules, group, resource, verb))
    return missing.length === 0 ? [] : [`${missing.join(', ')} ${inGroup(resource, group)}`]
  })
}

/** Of one with this name, or of any. */
function allows(rules: readonly PolicyRule[], group: string, resource: string, verb: string, name?: string): boolean {
  const has = (list: readonly string[] | undefined, word: string): boolean => list !== undefined && (list.includes('*') || list.includes(word))
  const covers = ({ resourceNames = [] }: PolicyRule): boolean => resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name))
  return rules.some((rule) => covers(rule) && has(rule.verbs, verb) && has(rule.apiGroups, group) && has(rule.resources, resource))
}
