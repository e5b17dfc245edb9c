import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { merged } from '../../../lib/observe/causes.ts'
import { faults, rank } from '../../../lib/observe/faults.ts'
import { failed } from '../../../lib/observe/observation.ts'
import { observeRelease, type ReleaseView } from '../../../lib/observe/release.ts'
import type { KubernetesObject, ReleaseHook } from '../../../lib/access.ts'
import { claim, container, context, crashed, deployment, event, inManifest, job, pod, release, statefulSet, storageClass, unplaced } from './objects.ts'

const unbound = 'no persistent volumes available for this claim and no storage class is set'
const dataClaim = claim()
const postgres = statefulSet('airflow-postgresql', 0)
const postgresPod = pod({
  name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {},
  spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] },
  status: unplaced('0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.'),
})
const scheduler = deployment('airflow-scheduler', 0)
const schedulerPod = pod({
  status: { phase: 'Pending', initContainerStatuses: [crashed(6, {}, { name: 'wait-for-airflow-migrations' })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] },
})
const migrations = job({ active: 1 })
const hook: ReleaseHook = {
  ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' },
  events: ['post-install', 'post-upgrade'], deletePolicies: ['before-hook-creation', 'hook-succeeded'], phase: 'Running',
}
const tried = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] })

function view(objects: KubernetesObject[], parts: Partial<ReleaseView> = {}): ReleaseView {
  return { ...context(), objects, hooks: [], release: release({ objects: objects.map(inManifest) }), ...parts }
}

function installing(objects: KubernetesObject[], parts: Partial<ReleaseView> = {}, status = 'pending-install', phase = 'Running'): ReleaseView {
  const record = release({ status, description: 'Initial install underway', objects: objects.map(inManifest), hooks: [{ ...hook, phase }] })
  return view(objects, { hooks: [migrations], release: record, ...parts })
}

void t.test('a deployed release whose objects are ready is done, with evidence', (t) => {
  const look = observeRelease(view([statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]))
  t.match(look, { state: 'done', evidence: [/deployed, revision 1/, /postgresql: 1 ready/, /scheduler: 1 available/] })
  t.end()
})

void t.test('a definition of the chart that is there is looked at, for Helm does not wait for its names', (t) => {
  const definition = (status: string): KubernetesObject => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.org' }, status: { conditions: [{ type: 'NamesAccepted', status, message: '"Widget" is already in use' }, { type: 'Established', status }] } })
  const one = deployment('airflow-scheduler', 1)
  t.match(observeRelease(view([definition('False'), one])), { state: 'failed', findings: [{ id: 'crd-names-conflict' }] })
  t.match(observeRelease(view([definition('True'), one])), { state: 'done', evidence: [/deployed/, /widgets\.example\.org is established/, /available/] })
  t.match(observeRelease({ ...view([definition('True'), one]), objects: [one] }), { state: 'done' }, 'and one that nobody handed in is not called missing')
  t.end()
})

void t.test('the reference\'s failure is one cause: the claim, not its pod, not the hook, not the record', (t) => {
  const events = [event(dataClaim, 'FailedBinding', unbound, { type: 'Normal' })]
  const look = observeRelease(installing([postgres, scheduler], { claims: [dataClaim], pods: [postgresPod, schedulerPod], events }))
  t.match(look, { state: 'failed', settleMs: 10_000, findings: [{ id: 'pvc-no-usable-storageclass' }] })
  t.same(look.state === 'failed' && look.findings.length, 1)
  t.match(look.state === 'failed' && look.on.map(({ object }) => object), ['StatefulSet airflow/airflow-postgresql', 'Deployment airflow/airflow-scheduler', 'Job airflow/airflow-run-airflow-migrations'])
  t.end()
})

void t.test('the same install on a slow machine is waited for, with a reason for each object', (t) => {
  const slow = claim({ storageClassName: 'local-path' })
  const look = observeRelease(installing([postgres, scheduler], { claims: [slow], classes: [storageClass('local-path')], pods: [postgresPod, schedulerPod] }))
  t.match(look, {
    state: 'waiting',
    on: [
      { object: 'StatefulSet airflow/airflow-postgresql', reason: /0\/1 ready; Pod airflow\/airflow-postgresql-0 is not placed/ },
      { object: 'Deployment airflow/airflow-scheduler', reason: /wait-for-airflow-migrations: CrashLoopBackOff/ },
      { object: 'Job airflow/airflow-run-airflow-migrations', reason: '0/1 completed' },
      { object: 'Helm release airflow/airflow', reason: 'is pending-install' },
    ],
  })
  t.end()
})

void t.test('no record, and a record that is only pending, are waited for', (t) => {
  t.match(observeRelease(view([], { release: undefined })), { state: 'waiting' })
  t.match(observeRelease(installing([], { hooks: [] }, 'pending-upgrade', 'Unknown')), { state: 'waiting', on: [{ reason: 'is pending-upgrade' }] })
  t.end()
})

void t.test('what the try before left behind does not end the try that begins', (t) => {
  const broken = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] } })
  const record = release({ status: 'failed', objects: [inManifest(postgres)] })
  t.match(observeRelease(view([postgres], { release: record, pods: [broken], workingSince: '2023-08-02T10:29:00.000000Z' })), { state: 'waiting', on: [{ reason: /has not begun/ }] })
  t.match(observeRelease(view([postgres], { release: record, pods: [broken] })), { state: 'failed', findings: [{ id: 'image-not-found' }] })
  t.end()
})

void t.test('what Helm has done counts at once, though the Lease is still held for a moment', (t) => {
  const broken = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] } })
  const record = release({ updatedAt: '2023-08-02T10:28:01.123456789Z', objects: [inManifest(postgres)] })
  t.match(observeRelease(view([postgres], { release: record, pods: [broken], workingSince: '2023-08-02T10:28:00.123000Z' })), { state: 'failed', findings: [{ id: 'image-not-found' }] })
  t.end()
})

void t.test('a hook\'s Job counts only once Helm has begun it in this revision', (t) => {
  t.match(observeRelease(installing([], { hooks: [tried] }, 'pending-upgrade', 'Unknown')), { state: 'waiting', on: [{ object: 'Helm release airflow/airflow' }] })
  t.match(observeRelease(installing([], { hooks: [tried] }, 'pending-upgrade', 'Running')), { state: 'failed', settleMs: 0, findings: [{ id: 'job-failed' }] })
  t.match(observeRelease(installing([], { hooks: [] }, 'pending-install', 'Running')), { state: 'waiting', on: [{ reason: 'is about to be made' }, {}] })
  t.match(observeRelease(installing([], { hooks: [tried] }, 'failed', 'Unknown')), { state: 'failed', findings: [{ id: 'job-failed' }] }, 'one that Helm was waiting for when it was ended')
  t.match(observeRelease(installing([deployment('airflow-scheduler', 1)], { hooks: [tried] }, 'failed', '')), { findings: [{ id: 'helm-release-failed' }] }, 'one that was not begun is of an earlier try')
  t.match(observeRelease(installing([deployment('airflow-scheduler', 1)], { hooks: [tried] }, 'deployed', 'Failed')), { state: 'done' }, 'and never after it was deployed')
  t.end()
})

void t.test('a failed migrations Job is swallowed by a failed database, and told beside any other cause', (t) => {
  const events = [event(dataClaim, 'FailedBinding', unbound)]
  const swallowed = observeRelease(installing([postgres], { claims: [dataClaim], pods: [postgresPod], events, hooks: [tried] }))
  t.same(swallowed.state === 'failed' && swallowed.findings.map(({ id }) => id), ['pvc-no-usable-storageclass'])
  const image = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] } })
  const beside = observeRelease(installing([statefulSet('airflow-postgresql', 1), scheduler], { pods: [image], hooks: [tried] }))
  t.same(beside.state === 'failed' && beside.findings.map(({ id }) => id), ['image-not-found', 'job-failed'], 'causes first')
  t.end()
})

void t.test('a component that crashes while the database or the migrations are on their way is waited for', (t) => {
  const crashing = pod({ status: { containerStatuses: [crashed(6, {})] } })
  const look = (objects: KubernetesObject[], parts: Partial<ReleaseView> = {}) => observeRelease(view(objects, { pods: [crashing], ...parts }))
  t.match(look([postgres, scheduler]), { state: 'waiting', on: [{ object: /postgresql/ }, { object: /scheduler/, reason: /keeps crashing/ }] })
  t.match(observeRelease(installing([statefulSet('airflow-postgresql', 1), scheduler], { pods: [crashing] })), { state: 'waiting' })
  t.match(look([statefulSet('airflow-postgresql', 1), scheduler]), { state: 'failed', findings: [{ id: 'crash-loop' }] })
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: { containerStatuses: [crashed(6, {}, { name: 'postgresql' })] } })
  const both = look([postgres, scheduler], { pods: [crashing, database] })
  t.same(both.state === 'failed' && both.findings.map(({ title }) => title), ['Container postgresql of StatefulSet airflow-postgresql keeps crashing'])
  t.end()
})

void t.test('a record that says failed is named only when nothing else is', (t) => {
  const text = 'Release "airflow" failed: failed post-install: 1 error occurred:\n\t* timed out waiting for the condition\n\n'
  const record = release({ status: 'failed', description: text })
  t.match(observeRelease(view([], { release: record })), { state: 'failed', settleMs: 120_000, findings: [{ id: 'post-install-hook-timeout' }] })
  // Helm 4.0 and 4.2, pkg/kube/statuswait.go
  for (const description of [
    'Release "airflow" failed: failed post-install: resource not ready, name: airflow-run-airflow-migrations, kind: Job, status: InProgress\ncontext deadline exceeded',
    'Upgrade "airflow" failed: post-upgrade hooks failed: resource Job/airflow/airflow-run-airflow-migrations not ready. status: InProgress, message: Job in progress\ncontext deadline exceeded',
  ]) t.match(observeRelease(view([], { release: release({ status: 'failed', description }) })), { findings: [{ id: 'post-install-hook-timeout' }] }, description.slice(0, 40))
  t.match(observeRelease(view([], { release: release({ status: 'failed', description: 'timed out waiting for the condition' }) })), { findings: [{ id: 'helm-release-failed' }] })
  t.end()
})

void t.test('a claim of the release that nobody uses yet holds nothing up', (t) => {
  const idle = claim({ storageClassName: 'local-path' }, { phase: 'Pending' }, 'airflow-logs')
  t.match(observeRelease(view([idle], { classes: [storageClass('local-path')] })), { state: 'done', evidence: [/deployed/, /first consumer/] })
  t.end()
})

void t.test('an object of the manifest that is gone is waited for, in its namespace', (t) => {
  const record = release({ objects: [inManifest(scheduler)] })
  t.match(observeRelease(view([], { release: record })), { state: 'waiting', on: [{ object: 'Deployment airflow/airflow-scheduler', reason: 'does not exist' }] })
  t.end()
})

void t.test('a Job with a time to live that has done its work and gone is not waited for, once Helm has made it', (t) => {
  const brief = { ...inManifest(migrations), spec: { ttlSecondsAfterFinished: 300 } }
  const look = (status: string, object: KubernetesObject) => observeRelease(view([], { release: release({ status, objects: [object] }) }))
  t.match(look('deployed', brief), { state: 'done' })
  t.match(look('pending-install', brief), { state: 'waiting', on: [{ object: 'Job airflow/airflow-run-airflow-migrations', reason: 'does not exist' }, {}] }, 'before that it may still be to come')
  t.match(look('deployed', inManifest(migrations)), { state: 'waiting', on: [{ reason: 'does not exist' }] }, 'and one without is missing')
  t.end()
})

void t.test('full nodes, which may empty, wait behind a cause that is certain', (t) => {
  const full = pod({ spec: { nodeName: undefined }, status: unplaced('0/1 nodes are available: 1 Insufficient cpu.') })
  const look = observeRelease(view([postgres, scheduler], { claims: [dataClaim], pods: [postgresPod, full] }))
  t.same(look.state === 'failed' && [look.settleMs, look.findings.map(({ id }) => id)], [10_000, ['pvc-no-usable-storageclass']])
  t.match(observeRelease(view([scheduler], { pods: [full] })), { state: 'failed', settleMs: 120_000 })
  t.end()
})

void t.test('a pull that only waits for its next answer is told on beside another cause, so that what is held is held on', (t) => {
  const image = 'docker.io/bitnami/postgresql:16.1.0'
  const one = pod({ ...{ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {} }, spec: { containers: [{ name: 'postgresql', image }] }, status: { phase: 'Pending', containerStatuses: [container({ name: 'postgresql', image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
  const config = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "a" not found' } } })] } })
  const said = event(one, 'Failed', `Failed to pull image "${image}": rpc error: code = NotFound desc = not found`, { lastTimestamp: '2023-08-02T10:27:00Z' })
  const next = event(one, 'Pulling', `Pulling image "${image}"`, { type: 'Normal', lastTimestamp: '2023-08-02T10:29:50Z' })
  const ids = (events: KubernetesObject[]) => { const look = observeRelease(installing([postgres, scheduler], { pods: [one, config], events })); return look.state === 'failed' && look.findings.map(({ id }) => id) }
  t.same(ids([said, next]), ['bitnami-image-removed', 'container-config-error'])
  t.end()
})

void t.test('one cause on many objects is one finding with the evidence of all', (t) => {
  const look = (name: string) => failed(claim({}, {}, name), 'static-pv-mismatch', { title: 'same', evidence: [name], why: '', fix: ['same', name] })
  t.match(merged([look('a'), look('b'), look('a')]), [{ evidence: ['a', 'b'], fix: ['same', 'a', 'b'] }])
  t.end()
})

void t.test('every fault has a rule, a settle time, a place among the causes and a test', (t) => {
  const folders = ['.', '../doctor', '../preflight', '../airflow', '../../steps'].map((name) => `${import.meta.dirname}/${name}`)
  const tests = folders.flatMap((folder) => readdirSync(folder).map((file) => readFileSync(`${folder}/${file}`, 'utf8'))).join('\n')
  for (const [id, { rule, settleMs }] of Object.entries(faults)) {
    t.ok(rule.endsWith('.') && settleMs >= 0 && tests.includes(`'${id}`), id)
  }
  t.ok(rank('node-not-ready') < rank('pvc-no-usable-storageclass') && rank('job-failed') < rank('unheard-of'))
  t.end()
})
