import t from 'tap'
import type { KubernetesObject } from '../../lib/access.ts'
import { provisioner } from '../../steps/02-provisioner.ts'
import { clusterReader, type Cluster } from '../fakes/reader.ts'
import { deployment, storageClass } from '../lib/observe/objects.ts'
import { changesOf, config, told } from './config.ts'

const namespace: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'local-path-storage' } }
const plain: KubernetesObject = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'local-path' }, provisioner: 'rancher.io/local-path', volumeBindingMode: 'WaitForFirstConsumer' }
const workload: KubernetesObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'local-path-provisioner', namespace: 'local-path-storage' }, spec: { replicas: 1 } }
const manifest = [namespace, workload, plain]
const own = { ...plain, metadata: { ...plain.metadata, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } }
const running = { ...deployment('local-path-provisioner', 1), metadata: { ...deployment('x', 1).metadata, name: 'local-path-provisioner', namespace: 'local-path-storage' } }

const spec = provisioner.spec(config())
const check = (cluster: Cluster) => provisioner.check(spec, clusterReader({ manifest, ...cluster }))

void t.test('on a bare cluster everything of the manifest is made, and its class is the default', async (t) => {
  const found = await check({})
  t.same(told(found), ['create Namespace local-path-storage', 'create Deployment local-path-storage/local-path-provisioner', 'create StorageClass local-path'])
  t.match(changesOf(found)[2], { want: { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } } })
})

void t.test('what is there as wanted is left alone', async (t) => {
  t.match(await check({ objects: [namespace, running, own] }), { state: 'satisfied' })
})

void t.test('a namespace that goes is waited for, since nothing can be made in it', async (t) => {
  const going = { ...namespace, metadata: { ...namespace.metadata, deletionTimestamp: '2023-08-02T10:00:00Z' } }
  t.match(await check({ objects: [going, own] }), { state: 'waiting', on: [{ object: 'Namespace local-path-storage', reason: /being deleted|Terminating/ }] })
})

void t.test('a class that is not the default any more is made it again', async (t) => {
  t.same(told(await check({ objects: [namespace, running, plain] })), ['update StorageClass local-path'])
})

void t.test('a default class of the cluster\'s own is left alone, and nothing is downloaded for it', async (t) => {
  const reader = clusterReader({ objects: [storageClass('longhorn', {}, true)] })
  t.match(await provisioner.check(spec, reader), { state: 'satisfied', evidence: [/longhorn is the cluster's own default/] })
  t.match(await provisioner.verify(spec, reader), { state: 'done' })
  t.notOk(reader.asked.some((one) => one.startsWith('manifest')))
})

void t.test('so is the local-path that K3s brings', async (t) => {
  const bundled = { ...own, metadata: { ...own.metadata, labels: { 'objectset.rio.cattle.io/hash': 'x' } } }
  t.match(await provisioner.check(spec, clusterReader({ objects: [bundled] })), { state: 'satisfied' })
})

void t.test('two defaults are blocked, with the one to take away', async (t) => {
  t.match(await check({ objects: [own, storageClass('fast', {}, true)] }), { state: 'blocked', findings: [{ id: 'two-default-storageclasses', fix: [/fast/] }] })
})

void t.test('it is verified by its Deployment', async (t) => {
  t.match(await provisioner.verify(spec, clusterReader({ manifest, objects: [running, own] })), { state: 'done' })
  t.match(await provisioner.verify(spec, clusterReader({ manifest, objects: [own] })), { state: 'waiting', on: [{ object: 'Deployment local-path-storage/local-path-provisioner', reason: 'does not exist' }] })
})
