import t from 'tap'
import { freeStuck, lackingSets } from '../../../lib/airflow/stuck.ts'
import type { KubernetesObject } from '../../../lib/access.ts'

function set(ready: number, replicas = 1): KubernetesObject {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-triggerer', namespace: 'airflow', uid: 'set' }, spec: { replicas }, status: { readyReplicas: ready, updateRevision: 'new' } }
}

function pod(reason: string | undefined, revision = 'old', init = false): KubernetesObject {
  const statuses = [{ state: reason === undefined ? { running: {} } : { waiting: { reason } } }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'airflow-triggerer-0', namespace: 'airflow', labels: { 'controller-revision-hash': revision }, ownerReferences: [{ kind: 'StatefulSet', name: 'airflow-triggerer', uid: 'set', controller: true }] },
    status: init ? { initContainerStatuses: statuses } : { containerStatuses: statuses },
  }
}

const upgrade = { upgrade: true, patched: [] }
const calm = { upgrade: false, patched: [] }

const told = (changes: ReturnType<typeof freeStuck>): string[] => changes.map((change) => (change.op === 'delete' ? `delete ${change.live.kind} ${change.live.metadata.name}` : change.op))

void t.test('only sets that lack a pod are looked into', (t) => {
  t.same(lackingSets([set(1), undefined, { ...set(0), kind: 'Deployment' }]), [])
  t.equal(lackingSets([set(0), set(1, 2)]).length, 2)
  t.end()
})

void t.test('before an upgrade the set goes, and Helm makes it again', (t) => {
  t.same(told(freeStuck([set(0)], [pod('ImagePullBackOff', 'new', true)], upgrade)), ['delete StatefulSet airflow-triggerer'])
  t.same(told(freeStuck([set(0)], [pod('CrashLoopBackOff')], upgrade)), ['delete StatefulSet airflow-triggerer'])
  t.same(told(freeStuck([set(0)], [pod('Blocked')], upgrade)), ['delete StatefulSet airflow-triggerer'], 'one that the kubelet keeps and does not start')
  t.end()
})

void t.test('a set with a pod that is ready stays; its old, stuck pod goes', (t) => {
  t.same(told(freeStuck([set(1, 2)], [pod('ErrImagePull')], upgrade)), ['delete Pod airflow-triggerer-0'])
  t.end()
})

void t.test('without an upgrade only a pod of an older revision goes', (t) => {
  t.same(told(freeStuck([set(0)], [pod('ImagePullBackOff', 'old')], calm)), ['delete Pod airflow-triggerer-0'])
  t.same(freeStuck([set(0)], [pod('ImagePullBackOff', 'new')], calm), [])
  t.end()
})

void t.test('a set whose hand edit is undone stays, and every stuck pod of it goes', (t) => {
  const mending = { upgrade: false, patched: ['airflow-triggerer'] }
  t.same(told(freeStuck([set(0)], [pod('ImagePullBackOff', 'new')], mending)), ['delete Pod airflow-triggerer-0'])
  t.same(freeStuck([set(0)], [pod(undefined, 'new')], mending), [])
  t.end()
})

void t.test('a pod that runs and is not ready keeps its set as well from its next revision, as by an edited probe', (t) => {
  // The lab: airflow-postgresql-0 with `pg_isready -p 5499`, after the StatefulSet was put right.
  const lame = (revision: string) => {
    const one = pod(undefined, revision)
    return { ...one, status: { ...(one.status as object), phase: 'Running', conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }] } }
  }
  const mending = { upgrade: false, patched: ['airflow-triggerer'] }
  t.match(freeStuck([set(0)], [lame('new')], mending), [{ op: 'delete', why: /runs and is not ready, and its StatefulSet would wait for it/ }])
  t.same(told(freeStuck([set(0)], [lame('old')], calm)), ['delete Pod airflow-triggerer-0'], 'also when it was put right before')
  t.same(freeStuck([set(0)], [lame('new')], calm), [], 'of the newest revision it is a start')
  t.same(freeStuck([set(0)], [lame('new')], upgrade), [], 'and before an upgrade nobody knows')
  t.end()
})

void t.test('what is only starting is left alone', (t) => {
  t.same(freeStuck([set(0)], [pod('PodInitializing'), pod('ContainerCreating'), pod(undefined)], upgrade), [])
  t.same(freeStuck([set(0)], [], upgrade), [])
  t.end()
})

function unschedulable(claim: string): KubernetesObject {
  const one = pod(undefined)
  return { ...one, spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }] }, status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] } }
}

function claim(name: string, volumeName?: string): KubernetesObject {
  const phase = volumeName === undefined ? 'Pending' : 'Bound'
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'airflow' }, spec: volumeName === undefined ? {} : { volumeName }, status: { phase } }
}

void t.test('a claim that was never bound is made again with its set; one that has a volume is never touched', (t) => {
  const own = 'data-airflow-triggerer-0'
  t.same(told(freeStuck([set(0)], [unschedulable(own), claim(own)], upgrade)), ['delete StatefulSet airflow-triggerer', `delete PersistentVolumeClaim ${own}`])
  t.same(told(freeStuck([set(0)], [unschedulable(own), claim(own, 'pvc-1')], upgrade)), ['delete StatefulSet airflow-triggerer'])
  t.same(told(freeStuck([set(0)], [unschedulable('airflow-local-logs-folder'), claim('airflow-local-logs-folder'), claim(own)], upgrade)), ['delete StatefulSet airflow-triggerer'], 'nor one that the set did not make, or the pod does not use')
  t.same(freeStuck([set(0)], [{ ...unschedulable(own), metadata: { ...pod(undefined).metadata, labels: { 'controller-revision-hash': 'new' } } }, claim(own)], calm), [], 'nor without an upgrade')
  t.end()
})
