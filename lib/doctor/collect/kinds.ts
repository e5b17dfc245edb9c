/** The kinds that are listed whole: of the release's namespace and of the cluster. */
import type { Reader } from '../../access.ts'
import { traefikGroups } from '../../preflight/traefik.ts'
import { type Scope, type Found, type Kind, listKinds, merged } from './collector.ts'
import { type Keepers, keepers } from './keep.ts'

export async function collectNamespace(reader: Reader, scope: Scope): Promise<Found> {
  return listKinds(reader, namespaced(keepers(scope)), { namespace: scope.namespace })
}

function namespaced(keep: Keepers): Kind[] {
  return [
    { resource: 'pods', part: 'pods', keep: keep.pod },
    { resource: 'persistentvolumeclaims', part: 'claims', keep: keep.plain },
    { resource: 'events', part: 'events', keep: keep.event },
    { resource: 'deployments.apps', part: 'workloads', keep: keep.workload },
    { resource: 'statefulsets.apps', part: 'workloads', keep: keep.workload },
    { resource: 'daemonsets.apps', part: 'workloads', keep: keep.workload },
    { resource: 'replicasets.apps', part: 'replicaSets', keep: keep.workload },
    { resource: 'jobs.batch', part: 'jobs', keep: keep.workload },
    { resource: 'services', part: 'services', keep: keep.plain },
    { resource: 'endpoints', part: 'endpoints', keep: keep.plain },
    { resource: 'configmaps', part: 'configMaps', keep: keep.keysOnly },
    { resource: 'serviceaccounts', part: 'serviceAccounts', keep: keep.nameOnly },
    { resource: 'roles.rbac.authorization.k8s.io', part: 'roles', keep: keep.plain },
    { resource: 'rolebindings.rbac.authorization.k8s.io', part: 'roles', keep: keep.plain },
    { resource: 'networkpolicies.networking.k8s.io', part: 'networkPolicies', keep: keep.plain },
    { resource: 'resourcequotas', part: 'quotas', keep: keep.plain },
    { resource: 'horizontalpodautoscalers.autoscaling', part: 'autoscalers', keep: keep.plain },
    ...traefikGroups.map((group): Kind => ({ resource: `middlewares.${group}`, part: 'routes', keep: keep.middleware })),
  ]
}

export async function collectCluster(reader: Reader, scope: Scope): Promise<Found> {
  const keep = keepers(scope)
  const kinds: Kind[] = [
    { resource: 'nodes', part: 'nodes', keep: keep.plain },
    { resource: 'storageclasses.storage.k8s.io', part: 'classes', keep: keep.plain },
    { resource: 'persistentvolumes', part: 'volumes', keep: keep.plain },
    { resource: 'customresourcedefinitions.apiextensions.k8s.io', part: 'definitions', keep: keep.definition },
    ...traefikGroups.map((group): Kind => ({ resource: `ingressroutes.${group}`, part: 'routes', keep: keep.plain })),
    { resource: 'validatingwebhookconfigurations.admissionregistration.k8s.io', part: 'webhooks', keep: keep.plain },
    { resource: 'mutatingwebhookconfigurations.admissionregistration.k8s.io', part: 'webhooks', keep: keep.plain },
  ]
  const [lists, [own]] = await Promise.all([listKinds(reader, kinds, {}), reader.get([{ apiVersion: 'v1', kind: 'Namespace', name: scope.namespace }])])
  return merged<Found>(lists, own === undefined ? {} : { ownNamespace: keep.plain(own) })
}
