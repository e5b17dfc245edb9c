import t from 'tap'
import { folderJob, storageObjects } from '../../lib/manifest/storage.ts'
import type { FolderFacts, KubernetesObject } from '../../lib/access.ts'
import { storage } from '../../steps/03-storage.ts'
import { clusterReader, type Cluster } from '../fakes/reader.ts'
import { recordingWriter } from '../fakes/writer.ts'
import { masterTaint, node } from '../lib/observe/objects.ts'
import { changesOf, config, told } from './config.ts'

const spec = storage.spec(config())
const home = node()
const wanted = storageObjects(spec)
const job: KubernetesObject = { ...folderJob(spec, 'home'), status: { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] } }
const usable: FolderFacts = { exists: true, uid: 50_000, gid: 0, mode: 0o2775 }
const folders = { '/srv/airflow/dags': usable, '/srv/airflow/logs': usable }

/** What is there when all is well, with parts of it replaced or taken away. */
function there(change: (object: KubernetesObject) => KubernetesObject | undefined = (object) => object): KubernetesObject[] {
  return [home, ...[...wanted, job].flatMap((object) => change(object) ?? [])]
}
const only = (kind: string, fields: object) => (object: KubernetesObject): KubernetesObject => (object.kind === kind ? { ...object, ...fields } : object)
const check = (objects: KubernetesObject[], more: Cluster = {}) => storage.check(spec, clusterReader({ objects, folders, ...more }))

void t.test('on a bare cluster everything is made, the folders last', async (t) => {
  t.same(told(await check([home])), [...wanted.map(({ kind, metadata }) => `create ${kind} ${metadata.namespace === undefined ? '' : 'airflow/'}${metadata.name}`), 'create Job airflow/airstrip-folders-home'])
})

void t.test('without a node that takes pods nothing is claimed to be proven', async (t) => {
  t.match(await check([node({ unschedulable: true })]), { state: 'blocked', findings: [{ id: 'no-schedulable-node', evidence: ['Node home is cordoned'], fix: [/^kubectl uncordon home && npx tsx run\.ts apply$/] }] })
  const tainted = node({ taints: [{ key: 'dedicated', value: 'airflow', effect: 'NoSchedule' }, { key: 'soft', effect: 'PreferNoSchedule' }] })
  const [pressed, both] = [node({ taints: [{ key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' }] }), node({ unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }, { key: 'gpu', effect: 'NoSchedule' }] })]
  t.match(await check([pressed]), { state: 'blocked', findings: [{ evidence: [/disk-pressure/], fix: [/^kubectl describe node home #/] }] }, 'what Kubernetes sets comes back at once')
  t.match(await check([both]), { state: 'blocked', findings: [{ evidence: [/cordoned/, /gpu/], fix: [/^kubectl uncordon home && kubectl taint nodes home gpu:NoSchedule- && npx/] }] })
  t.match(await check([tainted]), { state: 'blocked', findings: [{ evidence: ['Node home has the taint dedicated=airflow:NoSchedule'], fix: [/^kubectl taint nodes home dedicated:NoSchedule- && npx tsx run\.ts apply$/] }] })
})

void t.test('what is there as wanted is satisfied', async (t) => {
  t.match(await check(there()), { state: 'satisfied' })
})

void t.test('what was deleted by hand comes back, alone', async (t) => {
  t.same(told(await check(there((object) => (object.metadata.name === 'airflow-local-logs-folder' ? undefined : object)))), ['create PersistentVolumeClaim airflow/airflow-local-logs-folder'])
})

void t.test('a namespace that is on its way out is waited for, and nothing is made in it', async (t) => {
  const leaving = there(only('Namespace', { metadata: { name: 'airflow', deletionTimestamp: '2023-08-02T10:00:00Z' } }))
  t.same(await check(leaving), { state: 'waiting', on: [{ object: 'Namespace airflow', reason: 'is being deleted' }] })
})

void t.test('a claim that is on its way out is waited for, with the reason that it stays', async (t) => {
  const leaving = there((object) => (object.kind === 'PersistentVolumeClaim' ? { ...object, metadata: { ...object.metadata, deletionTimestamp: '2023-08-02T10:00:00Z' } } : object))
  t.match(await check(leaving), { state: 'waiting', on: [{ object: 'PersistentVolumeClaim airflow/airflow-local-dags-folder', reason: /stays until no pod uses it; the folder on the node is kept/ }, {}] })
})

void t.test('a Released volume is freed for its next claim, and only for the claim that was seen', async (t) => {
  const released = there((object) => (object.metadata.name === 'airflow-local-logs-pv' ? { ...object, spec: { ...(object.spec as object), claimRef: { name: 'airflow-local-logs-folder', namespace: 'airflow', uid: 'old-uid' } }, status: { phase: 'Released' } } : object))
  const found = await check(released)
  t.same(told(found), ['patch PersistentVolume airflow-local-logs-pv'])
  t.match(changesOf(found), [{ patch: [{ op: 'test', path: '/spec/claimRef/uid', value: 'old-uid' }, { op: 'remove', path: '/spec/claimRef' }] }])
})

void t.test('a volume that was deleted and is kept by its claim is told, and keeps no run from going on', async (t) => {
  const deleted = there((object) => (object.metadata.name === 'airflow-local-logs-pv' ? { ...object, metadata: { ...object.metadata, deletionTimestamp: '2023-08-02T10:00:00Z' }, spec: { ...(object.spec as object), claimRef: { uid: 'uid-of-logs' } }, status: { phase: 'Bound' } }
    : object.metadata.name === 'airflow-local-logs-folder' ? { ...object, metadata: { ...object.metadata, uid: 'uid-of-logs' } } : object))
  t.match(await check(deleted), { state: 'satisfied', warnings: [{ id: 'volume-terminating', title: /airflow-local-logs-pv was deleted/ }] })
  const both = deleted.map((object) => (object.kind === 'PersistentVolumeClaim' ? { ...object, metadata: { ...object.metadata, deletionTimestamp: '2023-08-02T10:00:00Z' } } : object))
  t.match(await check(both), { state: 'waiting' })
})

void t.test('a volume that is bound keeps its claim', async (t) => {
  const bound = there((object) => (object.kind === 'PersistentVolume' ? { ...object, spec: { ...(object.spec as object), claimRef: { uid: 'u' } }, status: { phase: 'Bound' } } : object))
  t.match(await check(bound), { state: 'satisfied' })
})

void t.test('volumes of another folder are blocked, since they cannot be changed', async (t) => {
  const elsewhere = [home, ...storageObjects({ ...spec, path: '/mnt' }), job]
  t.match(await check(elsewhere), { state: 'blocked', findings: [{ id: 'immutable-field' }, { id: 'immutable-field' }] })
})

void t.test('folders that Airflow cannot use are made again, where they can be seen', async (t) => {
  const table: [string, FolderFacts | undefined, RegExp | undefined][] = [
    ['/srv/airflow/logs', { exists: false }, /logs is not there/],
    ['/srv/airflow/dags', { exists: false }, /dags is not there/],
    ['/srv/airflow/logs', { exists: true, uid: 0, gid: 0, mode: 0o755 }, /logs cannot be written by uid 50000/],
    ['/srv/airflow/dags', { exists: true, uid: 1000, gid: 1000, mode: 0o700 }, /dags cannot be read by uid 50000/],
    ['/srv/airflow/dags', { exists: true, uid: 1000, gid: 1000, mode: 0o755 }, undefined],
    ['/srv/airflow/logs', undefined, undefined],
  ]
  for (const [path, facts, why] of table) {
    const found = changesOf(await check(there(), { folders: { ...folders, [path]: facts } }))
    if (why === undefined) t.same(found, [], `${path} ${JSON.stringify(facts)}`)
    else t.match(found, [{ op: 'replace', why }])
  }
})

void t.test('a Job that failed, or was for another folder, is run again: deleted and made, not changed', async (t) => {
  t.match(changesOf(await check(there(only('Job', { status: { conditions: [{ type: 'Failed', status: 'True' }] } })))), [{ op: 'replace', why: 'its last try failed' }])
  const other = { ...job, spec: folderJob({ ...spec, path: '/mnt' }, 'home').spec }
  const found = await check([home, ...wanted, other])
  t.match(changesOf(found), [{ op: 'replace', why: /volumes\[base\]\.hostPath\.path/ }])
  const writer = recordingWriter()
  if (found.state === 'drifted') await storage.apply(found.changes, writer)
  t.same(writer.acts.map(({ verb }) => verb), ['remove', 'apply'])
})

void t.test('every node that pods may run on gets its folders, and no other', async (t) => {
  const nodes = [node(), node({}, 'attic'), node({ taints: [masterTaint] }, 'master')]
  t.same(told(await check([...there().slice(1), ...nodes])), ['create Job airflow/airstrip-folders-attic'])
})

void t.test('it is done when the volumes can be had, the claims wait for their first pod, and the Job has proven the folders', async (t) => {
  const classed = there((object) => {
    if (object.kind === 'PersistentVolume') return { ...object, status: { phase: 'Available' } }
    return object.kind === 'PersistentVolumeClaim' ? { ...object, status: { phase: 'Pending' } } : object
  })
  t.match(await storage.verify(spec, clusterReader({ objects: classed })), { state: 'done', evidence: [/^\/srv\/airflow\/dags and \/srv\/airflow\/logs, proven as uid 50000 on home$/] })
  t.match(await storage.verify(spec, clusterReader({ objects: classed.filter(({ kind }) => kind !== 'Job') })), { state: 'waiting', on: [{ object: 'Job airflow/airstrip-folders-home' }] })
})

void t.test('folders that could not be made are a failure that names the Job', async (t) => {
  const broken = there((object) => (object.kind === 'Job' ? { ...object, status: { failed: 3, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } } : { ...object, status: { phase: 'Bound' } }))
  t.match(await storage.verify(spec, clusterReader({ objects: broken })), { state: 'failed', findings: [{ id: 'job-failed' }] })
})
