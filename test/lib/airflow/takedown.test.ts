import t from 'tap'
import { chartMark, operationLease } from '../../../lib/airflow/operation.ts'
import { objectsOf } from '../../../lib/changes.ts'
import type { KubernetesObject, Release } from '../../../lib/access.ts'
import type { Takedown } from '../../../lib/step.ts'
import { helm } from '../../../steps/04-helm.ts'
import { config } from '../../steps/config.ts'
import { clusterReader, type Cluster } from '../../fakes/reader.ts'
import { claim, deployment, pod, release, volume } from '../observe/objects.ts'

const spec = helm.spec(config())
const ours = { 'app.kubernetes.io/managed-by': 'airstrip' }
const names = ['airflow-airstrip-fernet-key', 'airflow-airstrip-postgresql']
const secrets: KubernetesObject[] = names.map((name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'airflow', labels: ours } }))
const lease = (holder: string): KubernetesObject => operationLease({ name: 'airflow', namespace: 'airflow' }, holder, 1800, new Date('2023-08-02T10:00:00Z'))
const labelled = (object: KubernetesObject, labels: Record<string, string>): KubernetesObject => ({ ...object, metadata: { ...object.metadata, labels } })
const database = labelled(claim({ volumeName: 'pvc-1' }, { phase: 'Bound' }), { 'app.kubernetes.io/instance': 'airflow' })
const disk = volume({ persistentVolumeReclaimPolicy: 'Delete', storageClassName: 'local-path', claimRef: { namespace: 'airflow', name: database.metadata.name } }, 'Bound', 'pvc-1')
const made = (fields: Partial<Release> = {}): Release => release({ description: chartMark('f00d'.repeat(16), 'home/1/x'), objects: [deployment('airflow-scheduler', 1)], ...fields })

const ask = (cluster: Cluster, data = false) => helm.takedown?.(spec, clusterReader(cluster), { data, goes: [], stays: [] })
const goes = (seen: Takedown | undefined): string[] => (seen?.state === 'ready' ? seen.goes.flatMap((change) => objectsOf(change).map((object) => `${change.op} ${object}`)) : [])
const stays = (seen: Takedown | undefined): string[] => (seen?.state === 'ready' ? seen.stays.map(({ object }) => object) : [])

void t.test('the release goes and its Lease; claims and keys stay', async (t) => {
  const seen = await ask({ release: made(), objects: [...secrets, lease(''), database, disk] })
  t.same(goes(seen), ['uninstall Helm release airflow/airflow', 'delete Lease airflow/airstrip-helm-airflow'])
  t.same(stays(seen), ['PersistentVolumeClaim airflow/data-airflow-postgresql-0', ...names.map((name) => `Secret airflow/${name}`)])
})

void t.test('with the data claims and keys go too, after the release and before the Lease', async (t) => {
  const seen = await ask({ release: made(), objects: [...secrets, lease(''), database, disk] }, true)
  t.same(goes(seen), ['uninstall Helm release airflow/airflow', 'delete PersistentVolumeClaim airflow/data-airflow-postgresql-0', ...names.map((name) => `delete Secret airflow/${name}`), 'delete Lease airflow/airstrip-helm-airflow'])
  t.same(stays(seen), [])
  const retained = { ...disk, spec: { ...(disk.spec as object), persistentVolumeReclaimPolicy: 'Retain' } }
  t.same(stays(await ask({ release: made(), objects: [database, retained] }, true)), ['PersistentVolume pvc-1'], 'a volume that is retained keeps its data')
})

void t.test('a volume that its provisioner has not taken away yet is waited for', async (t) => {
  const bound = await ask({ objects: [disk] }, true)
  t.match(bound, { leaving: [{ object: 'PersistentVolume pvc-1' }] })
  t.match(await ask({ objects: [{ ...disk, status: { phase: 'Failed' } }] }, true), { leaving: [] }, 'one that cannot be taken away is not')
  t.match(await ask({ objects: [disk] }), { leaving: [] })
})

void t.test('a release of others stays, and all that belongs to it', async (t) => {
  const theirs = made({ description: 'Install complete', values: { fernetKeySecretName: 'theirs' } })
  const seen = await ask({ release: theirs, objects: [...secrets, lease(''), database, disk] }, true)
  t.same(goes(seen), [])
  t.match(stays(seen), ['Helm release airflow/airflow', /PersistentVolumeClaim/, /Secret/, /Secret/])
})

void t.test('a failed release of ours is told by the Lease and the keys that it names, whatever Helm wrote over our mark', async (t) => {
  const failed = made({ status: 'failed', description: 'timed out', values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } })
  t.same(goes(await ask({ release: failed, objects: [lease('')] })), ['uninstall Helm release airflow/airflow', 'delete Lease airflow/airstrip-helm-airflow'])
  t.same(goes(await ask({ release: failed })), [])
})

void t.test('a living Helm is not disturbed, and what a dead one left is freed first', async (t) => {
  const working = made({ status: 'pending-upgrade', updatedAt: '2023-08-02T10:29:00Z' })
  t.match(await ask({ release: working, objects: [lease('home/1/x')], alive: { 'home/1/x': true } }), { state: 'blocked', findings: [{ id: 'helm-pending-lock' }] })
  const half = made({ status: 'uninstalling', description: 'Deletion in progress', values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } })
  t.same(goes(await ask({ release: half, objects: [lease('home/1/x')], alive: { 'home/1/x': false } })), ['unlock Helm release airflow/airflow', 'uninstall Helm release airflow/airflow', 'delete Lease airflow/airstrip-helm-airflow'])
})

void t.test('what Helm leaves goes as well: Jobs of hooks, and tasks that would run on', async (t) => {
  const job: KubernetesObject = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'airflow-create-user', namespace: 'airflow' } }
  const chartKey: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'airflow-fernet-key', namespace: 'airflow' } }
  const hooks = [job, chartKey].map((object) => ({ ref: { apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, namespace: 'airflow' }, events: [], deletePolicies: [], phase: 'Succeeded' }))
  const task = labelled(pod({ name: 'task-1', labels: {} }), { release: 'airflow', kubernetes_executor: 'True' })
  const bare = { ...task, metadata: { ...task.metadata, ownerReferences: [] } }
  const leaving = labelled(pod({ name: 'airflow-scheduler-x', labels: {} }), { release: 'airflow' })
  const ending = { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: 'now' } }
  const seen = await ask({ release: made({ hooks }), objects: [job, chartKey, bare, ending] })
  t.same(goes(seen), ['delete Job airflow/airflow-create-user', 'uninstall Helm release airflow/airflow', 'delete Pod airflow/task-1'])
  t.same(stays(seen), ['Secret airflow/airflow-fernet-key'], 'a key that the chart made is a key')
  t.match(seen, { leaving: [{ object: 'Pod airflow/airflow-scheduler-x', reason: 'is ending' }] })
})

void t.test('Secrets of the same name that are not ours, and claims of others, stay', async (t) => {
  const theirs = secrets.map((one) => labelled(one, {}))
  const other = claim({}, { phase: 'Bound' }, 'data-grafana-0')
  t.same(goes(await ask({ objects: [...theirs, other] }, true)), [])
})
