import t from 'tap'
import { restartsOf, editedConfigs } from '../../../lib/airflow/stale-config.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Change } from '../../../lib/step.ts'
import { now, pod, workload } from '../observe/objects.ts'

const editedAt = '2023-08-02T10:00:00Z'
const [before, after] = ['2023-08-02T09:00:00Z', '2023-08-02T10:00:00Z']

const config = (kind = 'ConfigMap', name = 'airflow-config', managers: [string, string][] = [['helm', '2023-08-02T08:00:00Z'], ['kubectl-edit', editedAt]]): KubernetesObject => ({
  apiVersion: 'v1', kind, metadata: { name, namespace: 'airflow', managedFields: managers.map(([manager, time]) => ({ manager, time, fieldsV1: { 'f:data': {} } })) },
})
const putBack = (live: KubernetesObject): Change => ({ op: 'patch', live, patch: [{ op: 'replace', path: '/data/a', value: 'b' }], why: 'edited' })

const reader = (spec: object, annotations: object | undefined = { 'checksum/x': '1' }): KubernetesObject => workload('Deployment', 'airflow-scheduler', {}, { template: { metadata: { annotations }, spec } })
const mounts = { volumes: [{ name: 'config', configMap: { name: 'airflow-config' } }], containers: [{ name: 'scheduler' }] }
const began = (startTime: string) => pod({ status: { phase: 'Running', startTime } })
const restarts = (change: Change, deployment: KubernetesObject, pods: KubernetesObject[], besides: Change[] = [], upgrade = false) =>
  restartsOf(editedConfigs([change]), [undefined, deployment], pods, { changes: [change, ...besides], upgrade }, now)

void t.test('what began with an edited ConfigMap begins anew where that is put back', (t) => {
  t.match(restarts(putBack(config()), reader(mounts), [began(after)]), [{
    op: 'patch', live: { metadata: { name: 'airflow-scheduler' } }, why: /began with the edited ConfigMap airflow-config/,
    patch: [{ op: 'add', path: '/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt', value: now.toISOString() }],
  }])
  t.same(restarts(putBack(config()), reader(mounts), [began(before)]), [], 'what has run since before has read what was agreed to')
  for (const status of [{ state: { running: { startedAt: after } } }, { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { startedAt: after } } }]) {
    t.equal(restarts(putBack(config()), reader(mounts), [pod({ status: { phase: 'Running', startTime: before, containerStatuses: [status] } })]).length, 1, 'a container that was started again in its old pod')
  }
  t.same(restarts(putBack(config()), reader({ containers: [{ name: 'x' }] }), [began(after)]), [], 'and who does not read it is left alone')
  t.same(restarts(putBack(config('ConfigMap', 'airflow-config', [['helm', after], ['airstrip', after]])), reader(mounts), [began(after)]), [], 'Helm\'s own writing is no edit')
  t.end()
})

void t.test('wherever a pod takes it from', (t) => {
  const map = putBack(config('ConfigMap', 'x'))
  const secret = putBack(config('Secret', 'x'))
  for (const [change, spec] of [
    [map, { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'x' } }] } }] }],
    [map, { containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'x' } }] }] }],
    [map, { initContainers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'x', key: 'a' } } }] }] }],
    [secret, { volumes: [{ name: 'v', secret: { secretName: 'x' } }] }],
    [secret, { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'x' } }] } }] }],
    [secret, { containers: [{ name: 'c', envFrom: [{ secretRef: { name: 'x' } }] }] }],
    [secret, { containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'a' } } }] }] }],
  ] as [Change, object][]) {
    t.equal(restarts(change, reader(spec), [began(after)]).length, 1, JSON.stringify(spec))
    t.same(restarts(change === map ? secret : map, reader(spec), [began(after)]), [], 'and not for one of the other kind with its name')
  }
  t.end()
})

void t.test('a pod that was made while its account gave no token is made anew', (t) => {
  const account: KubernetesObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'airflow-scheduler', namespace: 'airflow', managedFields: [
    { manager: 'helm', time: before, fieldsV1: { 'f:metadata': {} } }, { manager: 'kubectl-patch', time: editedAt, fieldsV1: { 'f:automountServiceAccountToken': {} } }, { manager: 'kube-controller-manager', time: before, fieldsV1: { 'f:secrets': {} } },
  ] } }
  const change = (path: string): Change => ({ op: 'patch', live: account, patch: [{ op: 'replace', path, value: true }], why: 'edited' })
  const runsAs = reader({ serviceAccountName: 'airflow-scheduler', containers: [{ name: 'scheduler' }] })
  const made = (creationTimestamp: string): KubernetesObject => { const one = began(before); return { ...one, metadata: { ...one.metadata, creationTimestamp } } }
  t.match(restarts(change('/automountServiceAccountToken'), runsAs, [made(after)]), [{ op: 'patch', why: /ServiceAccount airflow-scheduler/ }])
  t.same(restarts(change('/automountServiceAccountToken'), runsAs, [made(before)]), [], 'one that is older has its token')
  t.same(restarts(change('/metadata/annotations/a'), runsAs, [made(after)]), [], 'of an annotation pods know nothing')
  t.same(restarts(change('/automountServiceAccountToken'), reader({ serviceAccountName: 'other' }), [made(after)]), [])
  t.end()
})

void t.test('what writes it again and again does not have Airflow begin anew each time', (t) => {
  const by = (manager: string, time: string): KubernetesObject => {
    const deployment = reader(mounts, { 'kubectl.kubernetes.io/restartedAt': time })
    const fieldsV1 = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } } } } }
    return { ...deployment, metadata: { ...deployment.metadata, managedFields: [{ manager, time, fieldsV1 }] } }
  }
  t.same(restarts(putBack(config()), by('airstrip', '2023-08-02T10:10:00Z'), [began(after)]), [])
  t.equal(restarts(putBack(config()), by('airstrip', '2023-08-02T08:10:00Z'), [began(after)]).length, 1, 'an hour later it is another edit')
  t.equal(restarts(putBack(config()), by('kubectl-rollout', '2023-08-02T10:10:00Z'), [began(after)]).length, 1, 'a person\'s own restart is what it was read with')
  t.end()
})

void t.test('nobody begins twice, and no template loses what Helm gives it', (t) => {
  const deployment = reader(mounts)
  const edited: Change = { op: 'patch', live: deployment, patch: [{ op: 'remove', path: '/spec/template/spec/nodeSelector' }], why: 'edited' }
  t.same(restarts(putBack(config()), deployment, [began(after)], [edited]), [], 'whose template is put back begins anew anyway')
  const bare = reader(mounts)
  delete (bare.spec as { template: { metadata: { annotations?: object } } }).template.metadata.annotations
  t.match(restarts(putBack(config()), bare, [began(after)]), [{ patch: [{ path: '/spec/template/metadata/annotations', value: { 'kubectl.kubernetes.io/restartedAt': now.toISOString() } }] }])
  t.same(restarts(putBack(config()), bare, [began(after)], [], true), [], 'an upgrade may bring annotations of its own')
  t.end()
})
