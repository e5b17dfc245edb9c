/** Whether an object of the release's namespace is there, by what was listed. */
import type { Evidence } from './evidence.ts'

/** By its kind: where it is among the evidence, and how its list is named there when it could not be read. */
const places: Record<string, { list: (evidence: Evidence) => readonly { name: string }[] | undefined; resource: string }> = {
  Deployment: { list: named('workloads', 'Deployment'), resource: 'deployments.apps' },
  StatefulSet: { list: named('workloads', 'StatefulSet'), resource: 'statefulsets.apps' },
  DaemonSet: { list: named('workloads', 'DaemonSet'), resource: 'daemonsets.apps' },
  Job: { list: named('jobs', 'Job'), resource: 'jobs.batch' },
  Service: { list: named('services', 'Service'), resource: 'services' },
  ServiceAccount: { list: named('serviceAccounts', 'ServiceAccount'), resource: 'serviceaccounts' },
  Role: { list: named('roles', 'Role'), resource: 'roles.rbac' },
  RoleBinding: { list: named('roles', 'RoleBinding'), resource: 'rolebindings.rbac' },
  ConfigMap: { list: named('configMaps', 'ConfigMap'), resource: 'configmaps' },
  PersistentVolumeClaim: { list: named('claims', 'PersistentVolumeClaim'), resource: 'persistentvolumeclaims' },
  NetworkPolicy: { list: named('networkPolicies', 'NetworkPolicy'), resource: 'networkpolicies' },
  Secret: { list: ({ secrets }) => secrets, resource: 'secrets' },
}

type Listed = 'workloads' | 'jobs' | 'services' | 'serviceAccounts' | 'roles' | 'configMaps' | 'claims' | 'networkPolicies'

function named(part: Listed, kind: string) {
  return (evidence: Evidence) => evidence[part]?.filter((object) => object.kind === kind).map(({ metadata: { name } }) => ({ name }))
}

/** Undefined where nobody looked, or nobody could. */
export function lives(evidence: Evidence, kind: string, name: string): boolean | undefined {
  const place = places[kind]
  const list = place?.list(evidence)
  if (place === undefined || list === undefined) return undefined
  if (evidence.unknown.some((line) => line.startsWith(place.resource) && line.includes(`in ${evidence.namespace} could not be read`))) return undefined
  return list.some((one) => one.name === name)
}
