import t from 'tap'
import { dropped } from '../../../lib/diff/three-way.ts'
import { unifiedDiff } from '../../../lib/diff/view.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

const object = (kind: string, fields: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubernetesObject => ({ apiVersion: 'v1', kind, metadata: { name: 'x', namespace: 'airflow', ...metadata }, ...fields })
const encoded = (text: string): string => Buffer.from(text).toString('base64')
const changed = (diff: string): string[] => diff.split('\n').filter((line) => /^[-+](?![-+])/.test(line)).map((line) => line.replace(/\s+/g, ' '))

void t.test('only what changes is shown, in sorted YAML, without what a server adds', (t) => {
  const before = object('ConfigMap', { data: { b: '2', a: '1' }, status: { x: 1 } }, { uid: 'u', resourceVersion: '7', generation: 3, creationTimestamp: 'then', managedFields: [{}] })
  const after = object('ConfigMap', { data: { a: '1', b: '3' } })
  const diff = unifiedDiff('ConfigMap airflow/x', before, after)
  t.match(diff, /^--- live: ConfigMap airflow\/x\n\+\+\+ wanted: ConfigMap airflow\/x\n@@/)
  t.same(changed(diff), ['- b: "2"', '+ b: "3"'])
  t.end()
})

void t.test('what comes or goes is shown whole', (t) => {
  t.ok(changed(unifiedDiff('x', undefined, object('ConfigMap', { data: { a: '1' } }))).every((line) => line.startsWith('+')))
  t.ok(changed(unifiedDiff('x', object('ConfigMap', { data: { a: '1' } }), undefined)).every((line) => line.startsWith('-')))
  t.end()
})

void t.test('a Secret shows that a value changes, and neither what it was nor what it becomes', (t) => {
  const before = object('Secret', { data: { password: encoded('canary-old'), user: encoded('canary-same') } })
  const after = object('Secret', { stringData: { password: 'canary-new', user: 'canary-same', more: 'canary-more' } })
  const diff = unifiedDiff('x', before, after)
  t.same(changed(diff), ['- password: ••••••', '+ more: ••••••', '+ password: ••••••'])
  for (const secret of ['canary-old', 'canary-new', 'canary-same', 'canary-more']) t.notOk(diff.includes(secret) || diff.includes(encoded(secret)), secret)
  t.end()
})

void t.test('kubectl\'s own copy of a Secret is masked with it', (t) => {
  const copy = { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"stringData":{"password":"canary"}}' } }
  t.notMatch(unifiedDiff('x', object('Secret', { data: {} }, copy), object('Secret', { data: { a: 'eA==' } })), /canary/)
  t.end()
})

void t.test('a variable whose name says secret is masked, another is not', (t) => {
  const pod = (value: string): KubernetesObject => object('Pod', { spec: { containers: [{ name: 'a', env: [{ name: 'AIRFLOW__CORE__FERNET_KEY', value: `${value}-1` }, { name: 'DB_PASSWORD', value: `${value}-2` }, { name: 'AIRFLOW__CORE__SQL_ALCHEMY_CONN', value: `${value}-3` }, { name: 'LEVEL', value }] }] } })
  const diff = unifiedDiff('x', pod('canary'), pod('other'))
  t.notMatch(diff, /canary-\d|other-\d/)
  t.match(diff, /value: canary/)
  t.equal(changed(diff).length, 8, 'and all four changes are there')
  t.end()
})

void t.test('values of a release are masked by their key', (t) => {
  const release = (values: object): KubernetesObject => object('HelmRelease', { values })
  const numbers = unifiedDiff('x', release({ data: { metadataConnection: { pass: 87654321 } }, pgbouncer: { ssl: { key: 'canary-5' } } }), release({ extraSecrets: { mine: { data: 'canary: 6', stringData: 'canary: 7' } } }))
  t.notMatch(numbers, /canary|87654321/)
  const diff = unifiedDiff('x', release({ data: { metadataConnection: { pass: 'canary-1' } }, webserver: { defaultUser: { password: 'canary-2' } }, fernetKey: 'canary-3', env: [{ name: 'API_TOKEN', value: 'canary-4' }] }), release({ fernetKeySecretName: 'visible', replicas: 2 }))
  t.notMatch(diff, /canary/)
  t.match(diff, /fernetKeySecretName: visible/)
  t.end()
})

void t.test('what an upgrade takes away: fields of the old manifest that the new one has not', (t) => {
  const old = object('Deployment', { spec: { a: 1, b: { c: 1, d: 2 }, env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }] } }, { labels: { tier: 'x', gone: 'y' } })
  const want = object('Deployment', { spec: { a: 2, b: { c: 1 }, env: [{ name: 'B', value: '2' }] } }, { labels: { tier: 'x' } })
  const live = object('Deployment', { spec: { a: 1, b: { c: 1, d: 2, e: 3 }, env: [{ name: 'byhand', value: 'x' }, { name: 'A', value: '1' }, { name: 'B', value: '2' }] } }, { labels: { tier: 'x', gone: 'y', byhand: 'z' } })
  t.same(dropped(old, want, live).map(({ path, at }) => `${path} /${at.join('/')}`), ['metadata.labels.gone /metadata/labels/gone', 'spec.b.d /spec/b/d', 'spec.env[A] /spec/env/1'])
  t.same(dropped(old, old, live), [])
  t.end()
})
