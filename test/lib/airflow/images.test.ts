import t from 'tap'
import { keepingLegacyImages, legacyImage } from '../../../lib/airflow/bitnami.ts'
import { fullName, imagesOf, lackingImages, lookUpImages } from '../../../lib/airflow/images.ts'
import type { KubernetesObject, ReleaseWish } from '../../../lib/access.ts'
import { clusterReader, type Cluster } from '../../fakes/reader.ts'

const template = (...images: string[]) => ({ template: { spec: { initContainers: [{ image: images[0] }], containers: images.slice(1).map((image) => ({ image })) } } })
const object = (kind: string, spec: object): KubernetesObject => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'x' }, spec })
const rendered = {
  objects: [object('Deployment', template('apache/airflow:2.6.2', 'apache/airflow:2.6.2')), object('StatefulSet', template('docker.io/bitnami/postgresql:11', 'docker.io/bitnami/postgresql:11'))],
  hooks: [object('CronJob', { jobTemplate: { spec: template('redis:7', 'quay.io/prometheus/statsd-exporter:v0.22.8') } })],
}
const node = (...names: string[]): KubernetesObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: names.join() }, status: { images: names.map((name) => ({ names: [name] })) } })
const wish: ReleaseWish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, timeoutSeconds: 1, values: { postgresql: { enabled: true, image: { tag: '11' } } } }
const look = (cluster: Cluster) => {
  const reader = clusterReader(cluster)
  return lookUpImages(wish, rendered, reader).then((found) => ({ ...found, asked: reader.asked.filter((one) => one.startsWith('images')) }))
}

void t.test('every image of every container is found once, those of hooks and of jobs in jobs too', (t) => {
  t.same(imagesOf(rendered).sort(), ['apache/airflow:2.6.2', 'docker.io/bitnami/postgresql:11', 'quay.io/prometheus/statsd-exporter:v0.22.8', 'redis:7'])
  t.end()
})

void t.test('an image has one full name', (t) => {
  const table: [string, string][] = [['redis:7', 'docker.io/library/redis:7'], ['redis', 'docker.io/library/redis:latest'], ['apache/airflow:2', 'docker.io/apache/airflow:2'], ['localhost/x', 'localhost/x:latest'], ['my.host:5000/a/b', 'my.host:5000/a/b:latest'], ['quay.io/x@sha256:ab', 'quay.io/x@sha256:ab']]
  for (const [image, full] of table) t.equal(fullName(image), full)
  t.end()
})

void t.test('what is on every node needs no registry', (t) => {
  const nodes = [node('docker.io/library/redis:7', 'docker.io/apache/airflow:2.6.2'), node('docker.io/apache/airflow:2.6.2')]
  t.same(lackingImages(['redis:7', 'apache/airflow:2.6.2'], nodes), ['redis:7'])
  t.same(lackingImages(['redis:7'], []), ['redis:7'])
  t.end()
})

const everything = node('docker.io/apache/airflow:2.6.2', 'docker.io/bitnami/postgresql:11', 'docker.io/library/redis:7', 'quay.io/prometheus/statsd-exporter:v0.22.8')
const allBut = node('docker.io/apache/airflow:2.6.2', 'docker.io/library/redis:7', 'quay.io/prometheus/statsd-exporter:v0.22.8')

void t.test('no registry is asked for what is there', async (t) => {
  t.same(await look({ objects: [everything] }), { wish, findings: [], asked: [] })
})

void t.test('an image of which the registry says that there is none ends it, one that cannot be asked about does not', async (t) => {
  const { findings } = await look({ registry: { 'redis:7': 'absent', 'docker.io/bitnami/postgresql:11': 'there' } })
  t.match(findings, [{ id: 'image-not-found', severity: 'error', title: 'Image redis:7 does not exist' }, { id: 'image-registry-unreachable', severity: 'warning', title: '2 images were not looked up' }])
})

void t.test('a vanished Bitnami image is taken from where the same tag is kept, and only where it has vanished', async (t) => {
  const gone = await look({ objects: [allBut], registry: { 'docker.io/bitnami/postgresql:11': 'absent', 'docker.io/bitnamilegacy/postgresql:11': 'there' } })
  t.same(gone.wish.values, { postgresql: { enabled: true, image: { tag: '11', repository: 'bitnamilegacy/postgresql' } } })
  t.match(gone.findings, [{ id: 'bitnami-image-removed', severity: 'warning' }])
  const there = await look({ objects: [allBut], registry: { 'docker.io/bitnami/postgresql:11': 'there' } })
  t.same(there.wish.values, wish.values)
  const nowhere = await look({ objects: [allBut], registry: { 'docker.io/bitnami/postgresql:11': 'absent', 'docker.io/bitnamilegacy/postgresql:11': 'absent' } })
  t.match(nowhere.findings, [{ id: 'bitnami-image-removed', severity: 'error' }])
  t.same(nowhere.wish.values, wish.values)
})

void t.test('what was replaced stays so, unless the person names a repository or takes the part away', (t) => {
  const had = { postgresql: { image: { repository: 'bitnamilegacy/postgresql', tag: '11' } }, redis: { image: { repository: 'bitnamilegacy/redis' } } }
  t.match(keepingLegacyImages(wish, had).values, { postgresql: { image: { tag: '11', repository: 'bitnamilegacy/postgresql' } } })
  const own = { ...wish, values: { postgresql: { image: { repository: 'mine/postgresql' } }, redis: { enabled: false } } }
  t.same(keepingLegacyImages(own, had), own)
  t.same(keepingLegacyImages(wish, undefined), wish)
  t.same(keepingLegacyImages(wish, { postgresql: { image: { repository: 'other/postgresql' } } }), wish)
  t.end()
})

void t.test('only Bitnami\'s own names are known elsewhere, with their tag', (t) => {
  t.match(legacyImage('docker.io/bitnami/postgresql:16.1.0-debian-11-r15'), { part: 'postgresql', image: 'docker.io/bitnamilegacy/postgresql:16.1.0-debian-11-r15' })
  t.match(legacyImage('bitnami/redis:5.0.7'), { image: 'docker.io/bitnamilegacy/redis:5.0.7' })
  for (const image of ['ghcr.io/bitnami/postgresql:11', 'bitnamilegacy/postgresql:11', 'bitnami/os-shell:1', 'bitnami/postgresql-repmgr:1']) t.equal(legacyImage(image), undefined, image)
  t.end()
})
