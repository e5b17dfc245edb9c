import t from 'tap'
import { withHelmMarks } from '../../lib/airflow/helm-marks.ts'
import { secretRefs } from '../../lib/airflow/keys.ts'
import { chartMark, operationLease } from '../../lib/airflow/operation.ts'
import { wishFor } from '../../lib/airflow/release.ts'
import { markedLease } from '../../lib/airflow/restored.ts'
import type { KubernetesObject, Release } from '../../lib/access.ts'
import { helm } from '../../steps/04-helm.ts'
import { clusterReader, type Cluster } from '../fakes/reader.ts'
import { claim, container, deployment, pod, release } from '../lib/observe/objects.ts'
import { changesOf, chart, config, family, place, told, type Sections } from './config.ts'

const spec = helm.spec(config())
const secrets: KubernetesObject[] = secretRefs(spec.keys, family).map(({ name }) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'airflow' }, data: { password: 'eA==', connection: 'eA==' } }))
const declared = deployment('airflow-scheduler', 1)
const scheduler = withHelmMarks(declared, { name: 'airflow', namespace: 'airflow' })
const installed = (fields: Partial<Release> = {}): Release => release({ values: wishFor(spec.release, family, 'KubernetesExecutor').values, description: chartMark(chart.fingerprint, 'home/1/x'), objects: [{ ...declared, status: undefined }], ...fields })
const lease = (holder: string): KubernetesObject => operationLease({ name: 'airflow', namespace: 'airflow' }, holder, 1800, new Date())

const check = (cluster: Cluster, sections?: Sections) => {
  const reader = clusterReader({ chart, ...place, ...cluster })
  return helm.check(helm.spec(config(sections)), reader)
}

void t.test('on a bare cluster keys are made and the release is installed, with the wanted executor at once', async (t) => {
  const found = await check({})
  t.same(told(found), [...secretRefs(spec.keys, family).map(({ name }) => `generate Secret airflow/${name}`), 'release Helm release airflow/airflow'])
  t.match(changesOf(found)[1], { op: 'release', why: 'it is not installed', want: { values: { executor: 'KubernetesExecutor' } } })
})

void t.test('no secret is in what is shown: values come into being when they are made', async (t) => {
  const found = await check({ secrets: { CANARY: 'canary-value' } }, { airflow: 'admin: {password: {env: CANARY}}' })
  t.notMatch(JSON.stringify(found), /canary-value/)
  const [generate] = changesOf(found)
  t.match(generate?.op === 'generate' && JSON.stringify(generate.make((count) => Buffer.alloc(count))), /canary-value/)
})

void t.test('a release as wanted is satisfied, and its keys are not even read from their places', async (t) => {
  const reader = clusterReader({ chart, objects: [...secrets, scheduler], release: installed() })
  t.match(await helm.check(helm.spec(config({ airflow: 'admin: {password: {env: UNSET}}' })), reader), { state: 'satisfied', evidence: ['airflow 1.10.0 (Airflow 2.6.2), revision 1'] })
  t.notOk(reader.asked.some((one) => one.startsWith('secret ')))
})

void t.test('a lost Secret is made again without touching the release', async (t) => {
  t.same(told(await check({ objects: [...secrets.slice(1), scheduler], release: installed() })), [`generate Secret airflow/${secrets[0]?.metadata.name ?? ''}`])
})

void t.test('a failed release is mended in place, and a new chart is a new wish', async (t) => {
  const failed = changesOf(await check({ objects: [...secrets, scheduler], release: installed({ status: 'failed', description: 'timed out waiting for the condition' }) }))
  t.match(failed, [{ op: 'release', why: /it is failed: timed out/, sameWish: true }])
  const edited = changesOf(await check({ objects: [...secrets, scheduler], release: installed({ description: chartMark('beef'.repeat(16), 'home/1/x') }) }))
  t.match(edited, [{ op: 'release', why: /chart at .* was changed/, sameWish: false }])
})

void t.test('what was deleted or changed by hand is put back without Helm', async (t) => {
  t.match(changesOf(await check({ objects: secrets, release: installed() })), [{ op: 'create', want: { kind: 'Deployment', metadata: scheduler.metadata }, why: 'it is part of the release and was deleted' }])
  const scaled = { ...scheduler, spec: { ...(scheduler.spec as object), replicas: 0 } }
  t.match(changesOf(await check({ objects: [...secrets, scaled], release: installed() })), [{ op: 'patch', patch: [{ op: 'test', path: '/spec/replicas', value: 0 }, { op: 'replace', path: '/spec/replicas', value: 1 }], why: 'spec.replicas differs' }])
})

void t.test('what an autoscaler or the configuration leaves open is not put back', async (t) => {
  const scaled = { ...scheduler, spec: { ...(scheduler.spec as object), replicas: 3 } }
  const autoscaler: KubernetesObject = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'more', namespace: 'airflow' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'airflow-scheduler' } } }
  t.match(await check({ objects: [...secrets, scaled, autoscaler], release: installed() }), { state: 'satisfied' })
  t.match(await check({ objects: [...secrets, scaled], release: installed() }, { diff: 'ignore: [{kind: Deployment, path: /spec/replicas, reason: scaled at night}]' }), { state: 'satisfied' })
})

void t.test('the executor of a release that runs is left to step executor', async (t) => {
  const celery = installed({ values: wishFor(spec.release, family, 'CeleryExecutor').values })
  t.match(await check({ objects: [...secrets, scheduler], release: celery }), { state: 'satisfied' })
  const redis = withHelmMarks({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-redis', namespace: 'airflow' }, spec: { replicas: 1 } }, { name: 'airflow', namespace: 'airflow' })
  const failed = { ...celery, status: 'failed', objects: [...celery.objects, redis], base: celery.objects }
  const { executor } = installed().values
  t.match(changesOf(await check({ objects: [...secrets, scheduler, redis], rendered: { objects: celery.objects, hooks: [] }, release: failed })), [{ op: 'release', want: { values: { executor } } }, { op: 'delete', live: { metadata: { name: 'airflow-redis' } } }], 'but one that failed and is not wanted any more is not tried again')
  t.match(changesOf(await check({ objects: [...secrets, scheduler], rendered: { objects: celery.objects, hooks: [] }, release: { ...failed, objects: [...celery.objects, redis], base: [...celery.objects, redis] } })), [{ op: 'release', want: { values: { executor: 'CeleryExecutor' } } }], 'one that ran with it keeps it, whatever its upgrade failed of')
  const broken = clusterReader({ objects: [scheduler, redis], release: { ...celery, objects: [...celery.objects, redis] } })
  t.match(await helm.verify(spec, broken), { state: 'done' }, 'nor is what step executor will take away waited for')
})

void t.test('what a run that is gone left behind is freed first and then made whole', async (t) => {
  const pending = installed({ status: 'pending-install' })
  const found = await check({ objects: [...secrets, scheduler, lease('home/7/x')], release: pending, alive: { 'home/7/x': false } })
  t.same(changesOf(found).map(({ op }) => op), ['unlock', 'release'])
  // Its Helm may live although it had not written a record yet.
  const early = await check({ objects: [...secrets, lease('home/7/x')], alive: { 'home/7/x': false } })
  t.same(changesOf(early).map(({ op }) => op), ['unlock', 'release'])
})

void t.test('what a living Helm holds is blocked', async (t) => {
  const pending = installed({ status: 'pending-upgrade', updatedAt: '2023-08-02T10:29:00Z' })
  t.match(await check({ objects: [...secrets, lease('attic/7/x')], release: pending }), { state: 'blocked', findings: [{ id: 'helm-pending-lock' }] })
})

void t.test('what would lose data is blocked before Helm is asked for anything', async (t) => {
  const reader = clusterReader({ chart, objects: [claim()] })
  t.match(await helm.check(spec, reader), { state: 'blocked', findings: [{ id: 'postgres-pvc-old-password' }] })
  t.notOk(reader.asked.some((one) => one.startsWith('render')))
  t.match(await check({ release: release({ values: {} }) }), { state: 'blocked', findings: [{ id: 'release-not-airstrips' }] })
})

void t.test('before Airflow becomes another one its database is dumped, first of all', async (t) => {
  const database: KubernetesObject = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql', namespace: 'airflow' }, spec: { replicas: 1, template: { spec: { containers: [{ name: 'postgresql', env: [{ name: 'POSTGRES_PASSWORD' }] }] } } }, status: { readyReplicas: 1 } }
  const runs = installed({ objects: [{ ...declared, status: undefined }, { ...database, status: undefined }] })
  const live = withHelmMarks(database, { name: 'airflow', namespace: 'airflow' })
  const newer = 'image: {tag: 2.7.1}'
  const found = changesOf(await check({ objects: [...secrets, scheduler, live], rendered: { objects: [], hooks: [] }, release: runs }, { airflow: newer }))
  t.match(found, [{ op: 'backup', why: /2\.6\.2 becomes 2\.7\.1/, wish: { airflow: '2.6.2', place: { pod: 'airflow-postgresql-0' } } }, { op: 'release' }])
  const other = changesOf(await check({ objects: [...secrets, scheduler, live], rendered: { objects: [], hooks: [] }, release: runs }, { airflow: 'values: {webserver: {replicas: 2}}' }))
  t.same(other.map(({ op }) => op), ['release'], 'not where it stays the same')
  t.match(await check({ objects: [...secrets, scheduler], release: installed() }, { airflow: newer }), { changes: [{ op: 'release' }], warnings: [{ id: 'database-not-dumped' }] })
  const never = installed({ status: 'failed', objects: runs.objects })
  t.same(changesOf(await check({ objects: [...secrets, scheduler, live], rendered: { objects: [], hooks: [] }, release: never }, { airflow: newer })).map(({ op }) => op), ['release'], 'a first install that failed has nothing to lose')
})

void t.test('an older Airflow is refused before anything is touched, and let through when its dump was restored', async (t) => {
  const runs = installed({ chart: { name: 'airflow', version: '1.11.0', appVersion: '2.7.1' } })
  t.match(await check({ objects: [...secrets, scheduler], release: runs }), { state: 'blocked', findings: [{ id: 'airflow-downgrade' }] })
  const restored = markedLease({ name: 'airflow', namespace: 'airflow' }, undefined, { stopped: { 'Deployment/airflow-scheduler': 1 }, airflow: '2.6.2' }, new Date())
  const stopped = { ...scheduler, spec: { ...(scheduler.spec as object), replicas: 0 } }
  t.match(changesOf(await check({ objects: [...secrets, stopped, restored], release: runs })), [{ op: 'release' }])
  t.equal(changesOf(await check({ objects: [...secrets, stopped, restored], release: runs })).length, 1, 'Helm starts what was stopped, in the new version at once')
  const scaledByOthers = { ...declared, status: undefined, spec: { ...(declared.spec as object), replicas: undefined } }
  t.match(changesOf(await check({ objects: [...secrets, stopped, restored], release: { ...runs, objects: [scaledByOthers] } })), [{ op: 'release' }, { op: 'patch', why: /a restore/ }])
})

void t.test('what a restore that was killed had stopped is started, though its replicas are nobody\'s to put back', async (t) => {
  const left = markedLease({ name: 'airflow', namespace: 'airflow' }, undefined, { stopped: { 'Deployment/airflow-scheduler': 3 } }, new Date())
  const stopped = { ...scheduler, spec: { ...(scheduler.spec as object), replicas: 0 } }
  const found = changesOf(await check({ objects: [...secrets, stopped, left], release: installed() }, { diff: 'ignore: [{kind: Deployment, path: /spec/replicas, reason: scaled at night}]' }))
  t.match(found, [{ op: 'patch', patch: [{ value: 0 }, { value: 3 }] }, { op: 'patch', live: { kind: 'Lease' } }])
})

void t.test('it is verified by its own objects', async (t) => {
  const look = (objects: KubernetesObject[], one: Release) => helm.verify(spec, clusterReader({ objects, release: one }))
  t.match(await look([scheduler], installed()), { state: 'done' })
  t.match(await look([deployment('airflow-scheduler', 0)], installed()), { state: 'waiting', on: [{ object: 'Deployment airflow/airflow-scheduler' }] })
})

void t.test('while the database is dumped before an upgrade, the release of before is not judged: the upgrade may be what mends it', async (t) => {
  const missing = { waiting: { reason: 'CreateContainerConfigError', message: 'couldn\'t find key connection in Secret airflow/airflow-metadata' } }
  const broken = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: missing })] } })
  const replicaSet: KubernetesObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-6d5b9c7f9', namespace: 'airflow', uid: 'uid-airflow-scheduler-6d5b9c7f9', ownerReferences: [{ kind: 'Deployment', name: 'airflow-scheduler', uid: 'uid-airflow-scheduler', controller: true }] } }
  const objects = [lease(''), deployment('airflow-scheduler', 0), replicaSet, broken]
  const look = (status: string, updatedAt: string, since?: Date) => helm.verify(spec, clusterReader({ objects, release: installed({ status, updatedAt }) }), since)
  const began = new Date('2023-08-02T10:28:00.250Z')
  t.match(await look('deployed', '2023-07-01T10:00:00Z', began), { state: 'waiting', on: [{ object: 'Helm release airflow/airflow', reason: 'Helm has not begun yet; the record is deployed' }] })
  t.match(await look('pending-upgrade', '2023-07-01T10:00:00Z', began), { state: 'waiting' }, 'nor is what a Helm of before has left')
  t.match(await look('deployed', '2023-07-01T10:00:00Z'), { state: 'failed', findings: [{ id: 'container-config-error' }] }, 'where nothing is being made it is judged')
  for (const status of ['pending-upgrade', 'deployed']) t.match(await look(status, '2023-08-02T10:29:10.5Z', began), { state: 'failed', findings: [{ id: 'container-config-error' }] }, `and so is what the new Helm has made: ${status}`)
})
