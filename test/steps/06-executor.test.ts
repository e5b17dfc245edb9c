import t from 'tap'
import { wishFor } from '../../lib/airflow/release.ts'
import { withHelmMarks } from '../../lib/airflow/helm-marks.ts'
import type { KubernetesObject, Release } from '../../lib/access.ts'
import { executor } from '../../steps/06-executor.ts'
import { clusterReader } from '../fakes/reader.ts'
import { deployment, release, statefulSet } from '../lib/observe/objects.ts'
import { changesOf, chart, config, family, place } from './config.ts'

const spec = executor.spec(config())
const running = (name: string, objects: KubernetesObject[] = []): Release => release({ values: wishFor(spec.release, family, name).values, objects })
const check = (one: Release | undefined, appVersion?: string) => executor.check(spec, clusterReader({ ...place, release: one, chart: { ...chart, appVersion: appVersion ?? chart.appVersion } }))

void t.test('a release with the wanted executor is satisfied', async (t) => {
  t.match(await check(running('KubernetesExecutor')), { state: 'satisfied' })
})

void t.test('a release with another one is moved, and nothing but the executor changes', async (t) => {
  const [change, ...rest] = changesOf(await check(running('CeleryExecutor')))
  t.same(rest, [])
  t.match(change, { op: 'release', why: 'executor CeleryExecutor becomes KubernetesExecutor' })
  const had = running('CeleryExecutor').values
  t.strictSame(change?.op === 'release' && change.want.values, { ...had, executor: 'KubernetesExecutor' })
})

void t.test('alone it changes Airflow\'s version as carefully as step helm', async (t) => {
  const database: KubernetesObject = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql' }, spec: { template: { spec: { containers: [{ name: 'postgresql', env: [{ name: 'POSTGRES_PASSWORD' }] }] } } } }
  t.same(changesOf(await check(running('CeleryExecutor', [database]), '2.10.5')).map(({ op }) => op), ['backup', 'release'])
  t.match(await check(running('CeleryExecutor', [database]), '1.0.0'), { state: 'blocked', findings: [{ id: 'airflow-downgrade' }] })
})

void t.test('an executor that the chart refuses is refused before Helm is asked, with the nearest that works', async (t) => {
  const wanted = { ...spec, release: { ...spec.release, executor: 'DaskExecutor' } }
  const seen = await executor.check(wanted, clusterReader({ chart, release: running('CeleryExecutor') }))
  t.match(seen, { state: 'blocked', findings: [{ id: 'executor-not-supported-by-chart', fix: ['Write airflow.executor: CeleryExecutor'] }] })
})

void t.test('a release that does not say runs the chart\'s default', async (t) => {
  t.match(changesOf(await check(release({ values: {} }))), [{ why: 'executor CeleryExecutor becomes KubernetesExecutor' }])
})

void t.test('without a release there is nothing to move yet', async (t) => {
  t.match(await check(undefined), { state: 'waiting', on: [{ object: 'Helm release airflow/airflow', reason: 'is not installed yet' }] })
})

const scheduler = deployment('airflow-scheduler', 1)
const moved = running('KubernetesExecutor', [{ ...scheduler, status: undefined }])
const verify = (objects: KubernetesObject[], one = moved) => executor.verify(spec, clusterReader({ chart, release: one, objects }))

void t.test('it is done when the release works and Redis and workers are gone', async (t) => {
  t.match(await verify([scheduler]), { state: 'done', evidence: [/^KubernetesExecutor runs the tasks; Redis and Celery workers are gone/] })
})

void t.test('what must be gone and is not is waited for', async (t) => {
  const worker: KubernetesObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'airflow-worker-0', namespace: 'airflow' } }
  t.match(await verify([scheduler, statefulSet('airflow-redis', 1), worker]), {
    state: 'waiting',
    on: [{ object: 'Pod airflow/airflow-worker-0', reason: 'is still there; KubernetesExecutor does not use it' }, { object: 'StatefulSet airflow/airflow-redis' }],
  })
})

void t.test('with Celery they stay', async (t) => {
  const celery = executor.spec(config({ airflow: 'executor: CeleryExecutor' }))
  const objects = [scheduler, statefulSet('airflow-redis', 1)]
  t.match(await executor.verify(celery, clusterReader({ chart, release: running('CeleryExecutor', [{ ...scheduler, status: undefined }]), objects })), { state: 'done' })
})

void t.test('what a revision that failed has made of Celery, and Helm does not know any more, goes', async (t) => {
  const redis = withHelmMarks(statefulSet('airflow-redis', 0), { name: 'airflow', namespace: 'airflow' })
  const look = (objects: KubernetesObject[]) => executor.check(spec, clusterReader({ chart, release: moved, objects: [scheduler, ...objects] }))
  t.match(changesOf(await look([redis])), [{ op: 'delete', live: { metadata: { name: 'airflow-redis' } } }])
  t.match(await look([statefulSet('airflow-redis', 1)]), { state: 'satisfied' }, 'somebody else\'s does not')
  t.match(await look([]), { state: 'satisfied' })
})
