import t from 'tap'
import { snapshot } from '../../../lib/cluster/snapshot.ts'
import type { KubernetesObject, Reader } from '../../../lib/access.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'

const map = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow' } })
const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name, namespace: 'airflow' })

void t.test('the same question is asked once', async (t) => {
  const reader = clusterReader({ objects: [], versions: { server: 'v1.22.8', kubectl: 'v1.22.0', helm: 'v3.9.4' } })
  const look = snapshot(reader)
  await Promise.all([look.list({ resources: ['nodes'] }), look.list({ resources: ['nodes'] }), look.list({ resources: ['pods'] }), look.versions(), look.versions()])
  await look.list({ resources: ['nodes'] })
  t.same(reader.asked.sort(), ['list nodes ', 'list pods ', 'versions'])
})

void t.test('a new look asks again', async (t) => {
  const reader = clusterReader()
  await snapshot(reader).list({ resources: ['nodes'] })
  await snapshot(reader).list({ resources: ['nodes'] })
  t.equal(reader.asked.length, 2)
})

void t.test('an object is fetched once, whoever else wants it at the same moment', async (t) => {
  const reader = clusterReader({ objects: [map('a'), map('b'), map('c')] })
  const look = snapshot(reader)
  const [one, two] = await Promise.all([look.get([ref('a'), ref('missing'), ref('b')]), look.get([ref('b'), ref('c'), ref('a')])])
  t.same(one, [map('a'), undefined, map('b')])
  t.same(two, [map('b'), map('c'), map('a')])
  t.match(reader.asked, [/^get .*a .*missing .*b$/, /^get \S*c$/])
})

void t.test('a kind is listed once, alone or among others', async (t) => {
  const reader = clusterReader({ objects: [map('a')] })
  const look = snapshot(reader)
  await Promise.all([look.list({ resources: ['pods', 'events'], namespace: 'airflow' }), look.list({ resources: ['events'], namespace: 'airflow' }), look.list({ resources: ['events'] })])
  t.same(reader.asked.sort(), ['list events ', 'list events airflow', 'list pods airflow'])
})

void t.test('a fetch that is refused is refused to all who asked, and made again in a new look', async (t) => {
  let calls = 0
  const reader: Reader = { ...clusterReader(), get: (refs) => (calls++ === 0 ? Promise.reject(new Error('refused')) : Promise.resolve(refs.map(() => undefined))) }
  const look = snapshot(reader)
  const both = await Promise.all([caught(look.get([ref('a'), ref('c')])), caught(look.get([ref('a')]))])
  t.match(both, [{ message: 'refused' }, { message: 'refused' }])
  t.same(await snapshot(reader).get([ref('a')]), [undefined])
})

void t.test('what was fetched a moment ago is not fetched again', async (t) => {
  const reader = clusterReader({ objects: [map('a'), map('b')] })
  const look = snapshot(reader)
  await look.get([ref('a')])
  t.same(await look.get([ref('a'), ref('b')]), [map('a'), map('b')])
  t.match(reader.asked, [/ConfigMap\|airflow\|a$/, /^get \|ConfigMap\|airflow\|b$/])
})

void t.test('it has nothing that could write', (t) => {
  t.same(Object.keys(snapshot(clusterReader())).filter((name) => /apply|create|remove|patch|upgrade|unlock|delete/.test(name)), [])
  t.end()
})
