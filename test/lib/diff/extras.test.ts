import t from 'tap'
import { drift } from '../../../lib/diff/rules.ts'
import { patchOf, patched } from '../../../lib/diff/patch.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

type Fields = Record<string, unknown>

interface Written {
  manager: string
  fields: Fields
  time?: string
  subresource?: string
}

const statsd = { name: 'statsd', image: 'statsd:1', args: ['--a'], ports: [{ containerPort: 9125, protocol: 'UDP' }] }

/** A Deployment as Kubernetes 1.20 keeps it after Helm made it, cut to what matters. */
function deployment(fields: { labels?: Fields; metadata?: Fields; spec?: Fields; container?: Fields; containers?: unknown[]; pod?: Fields } = {}): KubernetesObject {
  const { labels = {}, metadata = {}, spec = {}, container = {}, containers, pod = {} } = fields
  const all = containers ?? [{ ...statsd, ...container }]
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'airflow-statsd', namespace: 'airflow', labels: { tier: 'airflow', ...labels }, ...metadata },
    spec: { replicas: 1, template: { spec: { containers: all, ...pod } }, ...spec },
  }
}

const want = deployment()

function written(object: KubernetesObject, ...writings: Written[]): KubernetesObject {
  const managedFields = writings.map(({ manager, fields, time = '2026-01-01T10:00:00Z', subresource }) => ({ manager, operation: 'Update', apiVersion: 'apps/v1', time, fieldsType: 'FieldsV1', fieldsV1: fields, ...(subresource === undefined ? {} : { subresource }) }))
  return { ...object, metadata: { ...object.metadata, managedFields } }
}

const inContainer = (fields: Fields): Fields => ({ 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"statsd"}': fields } } } } })
const found = (live: KubernetesObject): unknown[] => drift(want, live).map(({ path, live: value }) => [path, value])

void t.test('what a person added is told as the managed fields have it', (t) => {
  const env = [{ name: 'FOO', value: 'bar' }]
  const table: [string, KubernetesObject, unknown[]][] = [
    ['a label', written(deployment({ labels: { foo: 'bar' } }), { manager: 'kubectl-label', fields: { 'f:metadata': { 'f:labels': { 'f:foo': {} } } } }), [['metadata.labels.foo', 'bar']]],
    ['the first annotation', written(deployment({ metadata: { annotations: { note: 'x' } } }), { manager: 'kubectl-annotate', fields: { 'f:metadata': { 'f:annotations': { '.': {}, 'f:note': {} } } } }), [['metadata.annotations.note', 'x']]],
    ['an owner', written(deployment({ metadata: { ownerReferences: [{ kind: 'ConfigMap', name: 'x', uid: 'u' }] } }), { manager: 'kubectl-patch', fields: { 'f:metadata': { 'f:ownerReferences': { '.': {}, 'k:{"uid":"u"}': { '.': {}, 'f:kind': {}, 'f:name': {} } } } } }), [['metadata.ownerReferences', [{ kind: 'ConfigMap', name: 'x', uid: 'u' }]]]],
    ['the first variable', written(deployment({ container: { env } }), { manager: 'kubectl-set', fields: inContainer({ 'f:env': { '.': {}, 'k:{"name":"FOO"}': { '.': {}, 'f:name': {}, 'f:value': {} } } }) }), [['spec.template.spec.containers[statsd].env', env]]],
    ['a number that a server would leave out', written(deployment({ spec: { minReadySeconds: 5 } }), { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:minReadySeconds': {} } } }), [['spec.minReadySeconds', 5]]],
    ['a list that is one thing', written(deployment({ pod: { tolerations: [{ key: 'x' }] } }), { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:template': { 'f:spec': { 'f:tolerations': {} } } } } }), [['spec.template.spec.tolerations', [{ key: 'x' }]]]],
  ]
  for (const [what, live, wanted] of table) t.same(found(live), wanted, what)
  t.end()
})

void t.test('an item that somebody added goes whole, with what the server filled in', (t) => {
  const sidecar = { name: 'side', image: 'side:1', terminationMessagePath: '/dev/termination-log', resources: {} }
  const live = written(deployment({ containers: [sidecar, statsd] }), { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"side"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } } } } })
  t.same(found(live), [['spec.template.spec.containers[side]', sidecar]])
  const port = { containerPort: 80, protocol: 'TCP' }
  const ports = written(deployment({ container: { ports: [...statsd.ports, port] } }), { manager: 'kubectl-edit', fields: inContainer({ 'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } } }) })
  t.same(drift(want, ports).map(({ path, live: value }) => [path, value]), [['spec.template.spec.containers[statsd].ports[80/TCP]', port]])
  t.end()
})

void t.test('what servers and controllers write is not told, whoever made the object', (t) => {
  const quiet = ['helm', 'airstrip', 'kube-controller-manager', 'kubelet'].map((manager) => written(deployment({ spec: { minReadySeconds: 5 } }), { manager, fields: { 'f:spec': { 'f:minReadySeconds': {} } } }))
  for (const live of quiet) t.same(found(live), [])
  const filled = deployment({ spec: { revisionHistoryLimit: 10, progressDeadlineSeconds: 600 }, container: { terminationMessagePath: '/dev/termination-log', imagePullPolicy: 'IfNotPresent' }, pod: { dnsPolicy: 'ClusterFirst', restartPolicy: 'Always' } })
  const byHand = written(filled, { manager: 'kubectl-create', fields: { 'f:spec': { 'f:revisionHistoryLimit': {}, 'f:progressDeadlineSeconds': {}, 'f:replicas': {}, 'f:template': { 'f:spec': { 'f:dnsPolicy': {}, 'f:restartPolicy': {}, 'f:containers': { 'k:{"name":"statsd"}': { '.': {}, 'f:image': {}, 'f:terminationMessagePath': {}, 'f:imagePullPolicy': {} } } } } } } })
  t.same(found(byHand), [], 'an object that was made again by hand has its defaults from there')
  const changed = deployment({ spec: { revisionHistoryLimit: 3 } })
  t.same(found(written(changed, { manager: 'kubectl-create', fields: { 'f:spec': { 'f:revisionHistoryLimit': {} } } })), [['spec.revisionHistoryLimit', 3]], 'and another value is no default')
  t.end()
})

void t.test('a status, a restart and a revision are nobody\'s edit', (t) => {
  const live = deployment({ metadata: { annotations: { 'deployment.kubernetes.io/revision': '3' } } })
  t.same(found(written({ ...live, status: { replicas: 1 } }, { manager: 'odd', fields: { 'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } }, 'f:status': { 'f:replicas': {} } } })), [])
  const restarted: KubernetesObject = { ...deployment(), spec: { replicas: 1, template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } }, spec: { containers: [statsd] } } } }
  t.same(found(written(restarted, { manager: 'kubectl-rollout', fields: { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { '.': {}, 'f:kubectl.kubernetes.io/restartedAt': {} } } } } } })), [])
  t.end()
})

void t.test('managed fields that are gone, damaged or of the status leave only what is declared', (t) => {
  const live = deployment({ labels: { foo: 'bar' }, spec: { replicas: 2 } })
  for (const managedFields of [undefined, [], 'x', [{ manager: 'kubectl-edit' }], [{ manager: 'kubectl-edit', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:bar': {} } }, 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{broken': {} } } } } } }]]) {
    t.same(drift(want, { ...live, metadata: { ...live.metadata, managedFields } }).map(({ path }) => path), ['spec.replicas'], JSON.stringify(managedFields))
  }
  t.same(found(written(deployment({ labels: { foo: 'bar' } }), { manager: 'odd', subresource: 'status', fields: { 'f:metadata': { 'f:labels': { 'f:foo': {} } } } })), [])
  t.end()
})

void t.test('rules of a person hold for what is declared and for what was added, by kind, name, place and writer', (t) => {
  const live = written(deployment({ labels: { foo: 'bar' }, spec: { replicas: 3 }, container: { image: 'statsd:2' } }), { manager: 'kubectl-label', fields: { 'f:metadata': { 'f:labels': { 'f:foo': {} } } } })
  const left = (rule: object): string[] => drift(want, live, [{ reason: 'test', ...rule }]).map(({ path }) => path)
  const [replicas, image, label] = ['spec.replicas', 'spec.template.spec.containers[statsd].image', 'metadata.labels.foo']
  t.same(left({ path: '/spec/replicas' }), [image, label])
  t.same(left({ path: '/spec/template/spec/containers/statsd/image' }), [replicas, label])
  t.same(left({ path: '/spec/template/spec/containers/*/image' }), [replicas, label])
  t.same(left({ path: '/**/image' }), [replicas, label])
  t.same(left({ path: '/spec' }), [label], 'and all below a place')
  t.same(left({ path: '/spe' }), [replicas, image, label], 'but not what only begins like it')
  t.same(left({ manager: 'kubectl-label' }), [replicas, image])
  t.same(left({ kind: 'Deployment', name: 'airflow-statsd', namespace: 'airflow' }), [])
  for (const other of [{ kind: 'Service' }, { name: 'other' }, { namespace: 'other' }]) t.equal(left(other).length, 3)
  t.end()
})

void t.test('undone, the object is as it was wanted, wherever in a list something was added', (t) => {
  const items = ['a', 'b', 'c', 'd'].map((name) => ({ name, value: name }))
  const keyed = Object.fromEntries(['a', 'b', 'd'].map((name) => [`k:{"name":"${name}"}`, { '.': {}, 'f:name': {}, 'f:value': {} }]))
  const declared = deployment({ container: { env: [{ name: 'c', value: 'c' }] } })
  const live = written(deployment({ container: { env: items }, labels: { foo: 'bar' } }), { manager: 'kubectl-set', fields: { ...inContainer({ 'f:env': keyed }), 'f:metadata': { 'f:labels': { 'f:foo': {} } } } })
  const patch = patchOf(drift(declared, live))
  t.same(patched(live, patch).spec, declared.spec)
  t.same(patched(live, patch).metadata.labels, declared.metadata.labels)
  t.same(patch.filter(({ op }) => op === 'remove').map(({ path }) => path), [
    '/spec/template/spec/containers/0/env/3', '/spec/template/spec/containers/0/env/1', '/spec/template/spec/containers/0/env/0', '/metadata/labels/foo',
  ], 'from the end, so that every index means what it meant')
  t.ok(patch.every(({ op }, index) => op !== 'remove' || patch[index - 1]?.op === 'test'), 'and nothing is taken away that was not seen')
  t.end()
})

void t.test('what was added to a list that is one thing to the server is told all the same', (t) => {
  const subject = (name: string): Fields => ({ kind: 'ServiceAccount', name, namespace: 'airflow' })
  const binding = (...names: string[]): KubernetesObject => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'launcher' }, subjects: names.map(subject) })
  const bound = written(binding('worker', 'default'), { manager: 'kubectl-patch', fields: { 'f:subjects': {} } })
  t.same(drift(binding('worker'), bound).map(({ path, want: wish }) => [path, wish]), [['subjects', [subject('worker')]]], 'a subject too many')
  t.same(drift(binding('worker'), written(binding('default'), { manager: 'kubectl-patch', fields: { 'f:subjects': {} } })).map(({ path }) => path), ['subjects'], 'another subject')

  const service = { name: 'webserver', port: 8080 }
  const route = (own: Fields): KubernetesObject => ({ apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', metadata: { name: 'webserver' }, spec: { routes: [{ match: 'Host(`x`)', services: [{ ...service, ...own }] }] } })
  const byHand = { manager: 'kubectl-patch', fields: { 'f:spec': { 'f:routes': {} } } }
  t.same(drift(route({}), written(route({ weight: 3 }), byHand)).map(({ path, live, at }) => [path, live, at.join('/')]), [['spec.routes[0].services[webserver].weight', 3, 'spec/routes/0/services/0/weight']])
  t.same(drift(route({}), written(route({ weight: 3 }), { ...byHand, manager: 'airstrip' })), [], 'what airstrip wrote got more from the server')

  const selector = (own: Fields): KubernetesObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'webserver' }, spec: { selector: { tier: 'airflow', ...own } } })
  t.same(drift(selector({}), written(selector({ more: 'yes' }), { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:selector': {} } } })).map(({ path }) => path), ['spec.selector.more'], 'a map that is one thing')
  t.end()
})

void t.test('one volume mounted twice is two mounts', (t) => {
  const [logs, again] = [{ name: 'logs', mountPath: '/opt/airflow/logs' }, { name: 'logs', mountPath: '/again' }]
  const mounting = (...volumeMounts: unknown[]): KubernetesObject => deployment({ container: { volumeMounts } })
  const live = written(mounting(again, logs), { manager: 'kubectl-patch', fields: inContainer({ 'f:volumeMounts': { 'k:{"mountPath":"/again"}': { '.': {}, 'f:mountPath': {}, 'f:name': {} } } }) })
  const told = drift(mounting(logs), live)
  t.same(told.map(({ path, live: value }) => [path, value]), [['spec.template.spec.containers[statsd].volumeMounts[/again]', again]])
  t.same(patched(live, patchOf(told)).spec, mounting(logs).spec)
  t.end()
})

void t.test('what one hand added and another changed is told once, and can be undone', (t) => {
  const side = { name: 'side', image: 'side:2' }
  const live = written(
    deployment({ containers: [statsd, side] }),
    { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"side"}': { '.': {}, 'f:name': {} } } } } } } },
    { manager: 'kubectl-set', fields: { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"side"}': { 'f:image': {} } } } } } } },
  )
  t.same(found(live), [['spec.template.spec.containers[side]', side]])
  t.same(patched(live, patchOf(drift(want, live))).spec, want.spec)
  t.end()
})

void t.test('a port is known by its number: one that was renamed, or changed, is no other', (t) => {
  const service = (ports: unknown[]): KubernetesObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'airflow' }, spec: { ports } })
  const declared = service([{ name: 'airflow-ui', port: 8080, protocol: 'TCP' }])
  t.same(drift(declared, service([{ name: 'web', port: 8080, protocol: 'TCP' }])).map(({ path, want: wish }) => [path, wish]), [['spec.ports[8080/TCP].name', 'airflow-ui']])
  const moved = written(service([{ name: 'airflow-ui', port: 9090, protocol: 'TCP' }]), { manager: 'kubectl-edit', fields: { 'f:spec': { 'f:ports': { 'k:{"port":9090,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {}, 'f:protocol': {} } } } } })
  t.same(patched(moved, patchOf(drift(declared, moved))).spec, declared.spec)
  t.end()
})

void t.test('finalizers, and what a cluster tells of a namespace by its labels, are not taken away', (t) => {
  const space: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'airflow', labels: { ours: 'yes' } } }
  const live = written({ ...space, metadata: { ...space.metadata, labels: { ours: 'yes', 'pod-security.kubernetes.io/enforce': 'privileged' }, finalizers: ['controller.cattle.io/namespace-auth'] } }, { manager: 'rancher', fields: { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"controller.cattle.io/namespace-auth"': {} }, 'f:labels': { 'f:pod-security.kubernetes.io/enforce': {} } } } })
  t.same(drift(space, live), [])
  t.same(drift(space, { ...live, metadata: { ...live.metadata, labels: {} } }).map(({ path }) => path), ['metadata.labels.ours'], 'what is declared is still held')
  t.end()
})

void t.test('a no that was taken away is a difference where leaving it out means something else', (t) => {
  const secure = deployment({ container: { securityContext: { runAsUser: 0, allowPrivilegeEscalation: false, privileged: false } } })
  t.same(drift(secure, deployment({ container: { securityContext: { readOnlyRootFilesystem: true } } })).map(({ path }) => path.split('.').at(-1)), ['runAsUser', 'allowPrivilegeEscalation'])
  t.end()
})

void t.test('of a list that was added whole, an entry that may stay stays', (t) => {
  const env = [{ name: 'FOO', value: '1' }, { name: 'BAR', value: '2' }]
  const live = written(deployment({ container: { env } }), { manager: 'kubectl-set', fields: inContainer({ 'f:env': { '.': {}, 'k:{"name":"FOO"}': { '.': {}, 'f:name': {} }, 'k:{"name":"BAR"}': { '.': {}, 'f:name': {} } } }) })
  const rule = (name: string): { path: string; reason: string } => ({ path: `/**/env/${name}`, reason: 'ours' })
  const told = drift(want, live, [rule('FOO')])
  t.same(told.map(({ path }) => path), ['spec.template.spec.containers[statsd].env[BAR]'])
  t.same((patched(live, patchOf(told)).spec as { template: { spec: { containers: unknown[] } } }).template.spec.containers, [{ ...statsd, env: [env[0]] }])
  t.same(drift(want, live, [rule('FOO'), rule('BAR')]), [])
  t.same(drift(want, live, [rule('OTHER')]).map(({ path }) => path), ['spec.template.spec.containers[statsd].env'], 'and where none may, it goes whole')
  t.end()
})
