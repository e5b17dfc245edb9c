import t from 'tap'
import { judgePermissions, undeletable } from '../../../lib/preflight/permissions.ts'
import { findTraefik, groupOf, judgeTraefik, missingTraefik, type Traefik } from '../../../lib/preflight/traefik.ts'
import type { KubernetesObject, PolicyRule } from '../../../lib/access.ts'

const everything: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
const denied = (...rules: PolicyRule[]): string[] => judgePermissions({ rules, incomplete: false }).flatMap(({ evidence }) => evidence)

void t.test('an admin may do all, and nothing is said', (t) => {
  t.same(judgePermissions({ rules: [everything], incomplete: false }), [])
  t.end()
})

void t.test('a viewer is told every verb that is missing, at once', (t) => {
  const viewer: PolicyRule = { verbs: ['get', 'list', 'watch'], apiGroups: ['*'], resources: ['*'] }
  const [finding] = judgePermissions({ rules: [viewer], incomplete: false })
  t.match(finding, { id: 'permissions-denied', severity: 'error' })
  const evidence = finding?.evidence ?? []
  t.ok(evidence.some((line) => /^create, patch, .*delete.* secrets$/.test(line) || line.includes('secrets')))
  for (const resource of ['persistentvolumes', 'secrets', 'jobs', 'storageclasses', 'leases', 'ingressroutes']) t.ok(evidence.some((line) => line.includes(resource)), resource)
  t.notOk(evidence.some((line) => /\b(nodes|events|pods\/log)\b/.test(line)), 'what may be read is not named')
  t.end()
})

void t.test('a list of rules that is not whole makes it unknown, not denied', (t) => {
  t.match(judgePermissions({ rules: [], incomplete: true }), [{ id: 'permissions-unknown', severity: 'warning' }])
  t.end()
})

void t.test('a rule for one name is no rule for all, and a rule of one group none for another', (t) => {
  t.ok(denied({ ...everything, resourceNames: ['one'] }).length > 5)
  t.ok(denied({ ...everything, apiGroups: [''] }).some((line) => line.includes('(apps)')))
  t.end()
})

void t.test('of objects that are to go each kind that may not be deleted is named once', (t) => {
  const named = (apiVersion: string, kind: string, name: string): KubernetesObject => ({ apiVersion, kind, metadata: { name } })
  const objects = [named('v1', 'PersistentVolume', 'one'), named('v1', 'PersistentVolume', 'two'), named('storage.k8s.io/v1', 'StorageClass', 'airflow-storage'), named('networking.k8s.io/v1', 'NetworkPolicy', 'airflow'), named('networking.k8s.io/v1', 'Ingress', 'airflow')]
  const one: PolicyRule = { verbs: ['delete'], apiGroups: [''], resources: ['persistentvolumes'], resourceNames: ['one'] }
  const rest = ['storageclasses (storage.k8s.io)', 'networkpolicies (networking.k8s.io)', 'ingresses (networking.k8s.io)']
  t.same(undeletable(objects, { rules: [one], incomplete: false }), ['persistentvolumes', ...rest])
  t.same(undeletable(objects.slice(0, 1), { rules: [one], incomplete: false }), [], 'a rule for its name is enough')
  t.same(undeletable(objects, { rules: [everything], incomplete: false }), [])
  t.same(undeletable(objects, { rules: [], incomplete: true }), [], 'a list that is not whole denies nothing')
  t.end()
})

/** All but one verb on one resource. */
function without(verb: string, group: string, resource: string): string[] {
  const verbs = ['get', 'list', 'create', 'patch', 'update', 'delete'].filter((one) => one !== verb)
  const resources = ['nodes', 'events', 'pods', 'pods/log', 'namespaces', 'persistentvolumes', 'persistentvolumeclaims', 'secrets', 'configmaps', 'services', 'serviceaccounts', 'deployments', 'statefulsets', 'daemonsets', 'jobs', 'storageclasses', 'roles', 'rolebindings', 'clusterroles', 'clusterrolebindings', 'leases', 'customresourcedefinitions', 'middlewares', 'ingressroutes']
  return denied({ verbs: ['*'], apiGroups: ['*'], resources: resources.filter((one) => one !== resource) }, { verbs, apiGroups: [group], resources: [resource] })
}

void t.test('each write of airstrip and of Helm is asked for', (t) => {
  const table: [verb: string, group: string, resource: string, whose: string][] = [
    ['create', '', 'namespaces', 'step storage'],
    ['patch', '', 'persistentvolumes', 'step storage, a Released volume'],
    ['delete', 'batch', 'jobs', 'step storage, a folder made again'],
    ['create', '', 'secrets', 'step helm, keys'],
    ['update', '', 'secrets', 'Helm\'s own record, and a stale one marked failed'],
    ['patch', 'coordination.k8s.io', 'leases', 'step helm, who is at work'],
    ['list', 'apps', 'daemonsets', 'step prereq, Traefik'],
    ['patch', 'apps', 'statefulsets', 'Helm'],
    ['create', 'traefik.io', 'ingressroutes', 'step ingress'],
    ['create', 'storage.k8s.io', 'storageclasses', 'steps provisioner and storage'],
  ]
  for (const [verb, group, resource, whose] of table) t.ok(without(verb, group, resource).some((line) => line.includes(resource)), `${verb} ${resource}: ${whose}`)
  t.end()
})

// ---- Traefik

const crd = (group: string): KubernetesObject => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `ingressroutes.${group}` } })
const [us, io] = [crd('traefik.containo.us'), crd('traefik.io')]

function workload(image: string, args: string[] = []): KubernetesObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'traefik', namespace: 'traefik' }, spec: { template: { spec: { containers: [{ name: 'sidecar', image: 'x/y:1' }, { name: 'traefik', image, args }] } } } }
}

void t.test('the group is the one that the running Traefik reads', (t) => {
  const table: [string, KubernetesObject[], string | undefined][] = [
    ['traefik:2.9.10', [us, io], 'traefik.containo.us'],
    ['traefik:v2.10.4', [us, io], 'traefik.io'],
    ['traefik:2.10.4', [us], 'traefik.containo.us'],
    ['docker.io/library/traefik:v3.0.0', [us, io], 'traefik.io'],
    ['registry.example.org:5000/traefik:v3.1', [us], undefined],
    ['traefik:2.9', [io], undefined],
    ['traefik:latest', [us, io], 'traefik.io'],
    ['traefik@sha256:abc', [us], 'traefik.containo.us'],
  ]
  for (const [image, crds, group] of table) t.equal(groupOf(findTraefik(crds, [workload(image)])), group, `${image} ${crds.length}`)
  t.equal(groupOf(findTraefik([], [workload('traefik:2.9')])), undefined)
  t.end()
})

void t.test('whether it runs is told by its pods', (t) => {
  // A Deployment whose only pod cannot pull its image: no availableReplicas at all.
  const status = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, unavailableReplicas: 1 }
  t.equal(findTraefik([us], [{ ...workload('docker.io/library/traefik:v9'), status }]).running, false)
  t.equal(findTraefik([us], [{ ...workload('traefik:v2.9.10'), status: { replicas: 1, availableReplicas: 1 } }]).running, true)
  t.end()
})

void t.test('Traefik is known by its image wherever that was mirrored, as K3s\' own is', (t) => {
  for (const image of ['rancher/mirrored-library-traefik:2.10.5', 'ghcr.io/traefik/traefik:v2.10.5', 'docker.io/library/traefik:2.10.5']) t.match(findTraefik([io], [workload(image)]), { workload: /traefik/, version: '2.10.5' }, image)
  t.end()
})

void t.test('an image that only has the name in it is not Traefik', (t) => {
  for (const image of ['traefik-forward-auth:2', 'x/traefik-auth:1', 'nginx:traefik']) t.equal(findTraefik([io], [workload(image)]).workload, undefined, image)
  t.end()
})

void t.test('resolvers are read from its arguments, each once', (t) => {
  const args = ['--certificatesresolvers.letsencrypt.acme.email=x', '--certificatesResolvers.letsencrypt.acme.storage=y', '--certificatesresolvers.other.acme.tlschallenge', '--entrypoints.websecure.address=:443']
  t.same(findTraefik([io], [workload('traefik:2.10', args)]).resolvers, ['letsencrypt', 'other'])
  t.end()
})

void t.test('each thing that Traefik lacks is told, and a good one is not', (t) => {
  const good: Traefik = { groups: ['traefik.io'], workload: 'traefik/traefik', version: '3.0.0', resolvers: ['letsencrypt'] }
  const ids = (fields: Partial<Traefik>, resolver = 'letsencrypt'): string[] => judgeTraefik({ ...good, ...fields }, resolver).map(({ id, severity }) => `${id} ${severity}`)
  t.same(ids({}), [])
  t.same(ids({ resolvers: [] }), [], 'a file may name them')
  t.same(ids({ groups: [] }), ['traefik-missing warning'])
  t.same(ids({ workload: undefined, version: undefined }), ['traefik-not-running warning'])
  t.same(ids({ groups: ['traefik.containo.us'] }), ['traefik-crd-group-mismatch error'])
  t.same(ids({ groups: ['traefik.containo.us'], running: false }), [], 'a version that never ran, as of an image that is not there')
  t.same(ids({}, 'own'), ['certresolver-missing warning'])
  t.match(missingTraefik({ ...good, groups: [] }), { id: 'traefik-missing', severity: 'error' })
  t.match(missingTraefik({ ...good, groups: ['traefik.containo.us'] }), { id: 'traefik-crd-group-mismatch', severity: 'error' })
  t.end()
})
