import t from 'tap'
import { differences } from '../../../lib/diff/compare.ts'
import { parseQuantity, sameQuantity } from '../../../lib/diff/quantity.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

function object(fields: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', ...metadata }, ...fields }
}

const paths = (want: Record<string, unknown>, live: Record<string, unknown>): string[] => differences(object(want), object(live)).map(({ path }) => path)

void t.test('only what is wanted is compared: a server may add, not take away', (t) => {
  t.same(paths({ data: { a: '1' } }, { data: { a: '1', b: '2' }, immutable: true }), [])
  t.same(paths({ data: { a: '1', b: '2' } }, { data: { a: '1' } }), ['data.b'])
  t.same(paths({ data: { a: '1' } }, {}), ['data'], 'where there is nothing at all the whole of it is told once')
  t.same(paths({ spec: { a: { b: { c: 1 } } } }, { spec: { a: { b: { c: 2 } } } }), ['spec.a.b.c'])
  t.end()
})

void t.test('a difference carries both sides', (t) => {
  t.same(differences(object({ spec: { replicas: 1 } }), object({ spec: { replicas: 0 } })), [{ path: 'spec.replicas', names: ['spec', 'replicas'], at: ['spec', 'replicas'], want: 1, live: 0 }])
  t.end()
})

void t.test('of the metadata labels and annotations count, and status never', (t) => {
  const want = object({ status: { phase: 'Bound' } }, { labels: { a: 'b' }, annotations: { c: 'd' }, resourceVersion: '1' })
  t.same(differences(want, object({ status: { phase: 'Pending' } }, { labels: { a: 'b', e: 'f' }, annotations: { c: 'd' }, resourceVersion: '2', uid: 'u' })), [])
  t.same(differences(want, object({}, { labels: { a: 'x' } })).map(({ path }) => path), ['metadata.labels.a', 'metadata.annotations'])
  t.end()
})

void t.test('a zero value is the same written or left out, and is not the same as another', (t) => {
  for (const zero of [0, false, '', null, [], {}, { a: '' }, [].concat()]) t.same(paths({ spec: { field: zero } }, { spec: {} }), [], JSON.stringify(zero))
  t.same(paths({ spec: { hostNetwork: false } }, { spec: { hostNetwork: true } }), ['spec.hostNetwork'])
  t.same(paths({ spec: { replicas: 0 } }, { spec: { replicas: 1 } }), ['spec.replicas'])
  t.same(paths({ spec: { replicas: 1 } }, { spec: {} }), ['spec.replicas'])
  t.same(paths({ spec: { storageClassName: 'x' } }, { spec: { storageClassName: '' } }), ['spec.storageClassName'])
  t.end()
})

void t.test('lists of named things are compared by name, whatever their order', (t) => {
  const containers = (...names: string[]) => ({ spec: { containers: names.map((name) => ({ name, image: `image-of-${name}` })) } })
  t.same(paths(containers('a', 'b'), containers('b', 'a')), [])
  t.same(paths(containers('a'), containers('sidecar', 'a')), [])
  t.same(paths(containers('a', 'b'), containers('a')), ['spec.containers[b]'])
  t.same(paths({ spec: { containers: [{ name: 'a', image: 'x' }] } }, containers('a')), ['spec.containers[a].image'])
  t.end()
})

void t.test('lists of anything else are compared in their order and whole', (t) => {
  t.same(paths({ args: ['a', 'b'] }, { args: ['a', 'b'] }), [])
  t.same(paths({ args: ['a', 'b'] }, { args: ['b', 'a'] }), ['args[0]', 'args[1]'])
  t.same(paths({ args: ['a'] }, { args: ['a', 'b'] }), ['args'])
  t.same(paths({ args: ['a'] }, { args: 'a' }), ['args'])
  t.same(paths({ mounts: [{ name: 'v', path: '/a' }, { name: 'v', path: '/b' }] }, { mounts: [{ name: 'v', path: '/a' }, { name: 'v', path: '/c' }] }), ['mounts[1].path'])
  t.end()
})

void t.test('a list that is said to be empty must be', (t) => {
  t.same(paths({ tolerations: [] }, { tolerations: [{ key: 'x' }] }), ['tolerations'])
  t.same(paths({ tolerations: [] }, { tolerations: [] }), [])
  t.same(paths({ tolerations: [] }, {}), [])
  t.end()
})

void t.test('a thing of another kind is a difference', (t) => {
  t.same(paths({ spec: { a: { b: 1 } } }, { spec: { a: 'text' } }), ['spec.a'])
  t.same(paths({ spec: { a: 'text' } }, { spec: { a: { b: 1 } } }), ['spec.a'])
  t.same(paths({ spec: { port: 80 } }, { spec: { port: '80' } }), ['spec.port'])
  t.end()
})

void t.test('quantities are the same in whatever unit, where quantities are', (t) => {
  t.same(paths({ spec: { resources: { requests: { cpu: 0.5, memory: '1024Mi' } } } }, { spec: { resources: { requests: { cpu: '500m', memory: '1Gi' } } } }), [])
  t.same(paths({ spec: { capacity: { storage: '10Gi' } } }, { spec: { capacity: { storage: '10G' } } }), ['spec.capacity.storage'])
  t.same(paths({ spec: { version: '1.10' } }, { spec: { version: '1.1' } }), ['spec.version'], 'elsewhere a word is a word')
  t.end()
})

void t.test('a Secret is written as text and read in base64', (t) => {
  const want: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, stringData: { password: 'hunter2' } }
  const live = (password: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { password: Buffer.from(password).toString('base64'), other: 'eA==' } })
  t.same(differences(want, live('hunter2')), [])
  t.same(differences(want, live('hunter3')).map(({ path }) => path), ['data.password'])
  t.same(paths({ stringData: { a: 'b' } }, { data: { a: 'Yg==' } }), ['stringData'], 'only a Secret is')
  t.end()
})

void t.test('a quantity is a number in the base unit, and anything else is none', (t) => {
  const table: [unknown, number | undefined][] = [['500m', 0.5], ['2', 2], [2, 2], ['1Ki', 1024], ['1k', 1000], ['1.5Gi', 1.5 * 2 ** 30], ['1e3', 1000], ['16318120Ki', 16_318_120 * 1024], ['0', 0],
    ['', undefined], ['abc', undefined], ['1 Gi', undefined], ['Gi', undefined], ['-1', undefined], [undefined, undefined], [null, undefined], [{}, undefined], ['1GiB', undefined]]
  for (const [text, value] of table) t.equal(parseQuantity(text), value, JSON.stringify(text))
  for (const path of ['spec.resources.limits.cpu', 'spec.capacity.storage', 'spec.resources.requests']) t.equal(sameQuantity(path, '1', '1000m'), true, path)
  for (const path of ['spec.cpu', 'metadata.labels.limit', 'spec.minReadySeconds']) t.equal(sameQuantity(path, '1', '1000m'), false, path)
  t.end()
})

void t.test('every unit that the configuration takes for a size is known', (t) => {
  for (const unit of ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'k', 'M', 'G', 'T', 'P', 'E']) t.ok((parseQuantity(`1${unit}`) ?? 0) >= 1000, unit)
  t.end()
})
