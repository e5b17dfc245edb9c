import t from 'tap'
import { ingressObjects, type IngressSpec } from '../../../lib/manifest/ingress.ts'
import { edited, loadManifest, pick } from '../../../lib/manifest/load.ts'
import { claims, folderJob, storageObjects, type StorageSpec } from '../../../lib/manifest/storage.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

const spec: StorageSpec = { namespace: 'data-team', path: '/mnt/flow', dagsSize: '2Gi', logsSize: '20Gi', image: 'busybox:1' }
const way: IngressSpec = { namespace: 'airflow', route: 'airflow-webserver', service: 'airflow-webserver', host: 'home.example.org', path: '/airflow', prefix: 'strip', certResolver: 'letsencrypt', entryPoint: 'websecure' }
const named = (objects: KubernetesObject[]): string[] => objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`)

void t.test('with the reference\'s values the objects are those of manifests/ as they stand', (t) => {
  const sorted = (objects: KubernetesObject[]): KubernetesObject[] => objects.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
  t.strictSame(sorted(storageObjects({ ...spec, namespace: 'airflow', path: '/srv/airflow', dagsSize: '1Gi', logsSize: '10Gi' })), sorted(loadManifest('storage')))
  t.strictSame(ingressObjects(way, 'traefik.containo.us'), loadManifest('ingress'))
  t.end()
})

void t.test('namespace, folder and sizes are placed where they belong', (t) => {
  const objects = storageObjects(spec)
  t.same(named(objects), ['Namespace data-team', 'StorageClass airflow-storage', 'PersistentVolume data-team-local-dags-pv', `PersistentVolumeClaim data-team/${claims.dags}`, 'PersistentVolume data-team-local-logs-pv', `PersistentVolumeClaim data-team/${claims.logs}`])
  t.match(objects[2]?.spec, { hostPath: { path: '/mnt/flow/dags', type: 'Directory' }, capacity: { storage: '2Gi' }, accessModes: ['ReadOnlyMany'], persistentVolumeReclaimPolicy: 'Retain' })
  t.match(objects[4]?.spec, { hostPath: { path: '/mnt/flow/logs' }, capacity: { storage: '20Gi' }, accessModes: ['ReadWriteMany'] })
  t.match(objects[5]?.spec, { resources: { requests: { storage: '20Gi' } }, selector: { matchLabels: { type: 'data-team-logs' } } })
  t.match(objects[4]?.metadata.labels, { type: 'data-team-logs' })
  t.end()
})

void t.test('the Job of a node runs there, on that folder, with that image, once per node', (t) => {
  const job = folderJob(spec, 'attic')
  t.match(job, { metadata: { name: 'airstrip-folders-attic', namespace: 'data-team' }, spec: { template: { spec: { nodeName: 'attic', initContainers: [{ image: 'busybox:1' }], containers: [{ image: 'busybox:1' }], volumes: [{ hostPath: { path: '/mnt/flow', type: 'DirectoryOrCreate' } }] } } } })
  for (const node of ['a', 'node.example.org', 'n'.repeat(253), `${'n'.repeat(39)}.-x`]) t.match(folderJob(spec, node).metadata.name, /^[a-z0-9]([a-z0-9.-]{0,55}[a-z0-9])?$/, node)
  t.end()
})

void t.test('host and path are in the rule, and the rest where Traefik looks for it', (t) => {
  const [middleware, route] = ingressObjects({ ...way, path: '/team/flow', certResolver: 'own', entryPoint: 'secure' }, 'traefik.io')
  t.match(middleware, { apiVersion: 'traefik.io/v1alpha1', kind: 'Middleware', spec: { stripPrefix: { prefixes: ['/team/flow'] } } })
  t.match(route, { apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', spec: { entryPoints: ['secure'], tls: { certResolver: 'own' }, routes: [{ match: 'Host(`home.example.org`) && PathPrefix(`/team/flow`)', middlewares: [{ name: 'airflow-webserver' }], services: [{ name: 'airflow-webserver', port: 8080 }] }] } })
  t.end()
})

void t.test('a prefix that Airflow has itself is not taken away', (t) => {
  const [route, ...rest] = ingressObjects({ ...way, prefix: 'mount' }, 'traefik.io')
  t.same(rest, [])
  t.match(route?.spec, { routes: [{ middlewares: [] }] }, 'and none is named that is not there')
  t.end()
})

void t.test('what is put in is never read as YAML, whatever it is', (t) => {
  const hostile = 'x\nkind: Secret\n--- {a: &b [*b]} `'
  const value = edited(pick(loadManifest('storage'), 'StorageClass'), { metadata: { name: hostile }, provisioner: hostile })
  t.equal(value.metadata.name, hostile)
  t.equal(value.provisioner, hostile)
  t.equal(value.kind, 'StorageClass')
  t.end()
})

void t.test('an edit merges sections, replaces lists whole, and leaves the original alone', (t) => {
  const original = { a: { b: 1, c: 2 }, list: [1, 2], text: 'x' }
  t.strictSame(edited(original, { a: { b: 3 }, list: [9], more: { d: 1 } }), { a: { b: 3, c: 2 }, list: [9], text: 'x', more: { d: 1 } })
  t.strictSame(original, { a: { b: 1, c: 2 }, list: [1, 2], text: 'x' })
  t.strictSame(edited({ a: { b: 1 } }, { a: null }), { a: null })
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  edited({}, JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>)
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  t.end()
})

void t.test('what manifests/ does not have is told', (t) => {
  t.throws(() => pick(loadManifest('storage'), 'PersistentVolume', 'nowhere'), /manifests\/ has no PersistentVolume nowhere/)
  t.end()
})
