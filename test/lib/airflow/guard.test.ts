import t from 'tap'
import { guardDowngrade, guardRelease, type Surety } from '../../../lib/airflow/guard.ts'
import { families } from '../../../lib/airflow/families.ts'
import { secretNames } from '../../../lib/airflow/keys.ts'
import { executors } from '../../../lib/config/schema.ts'
import type { Release, ReleaseWish } from '../../../lib/access.ts'
import { claim, release } from '../observe/objects.ts'

const names = secretNames('airflow')
const wish = (values: Record<string, unknown> = {}): ReleaseWish => ({ name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, timeoutSeconds: 1, values: { executor: 'KubernetesExecutor', fernetKeySecretName: names.fernetKey, ...values } })
const [official2] = families
const intent = (one: ReleaseWish) => ({ wish: one, family: official2, executor: String(one.values.executor) })
const safe: Surety = { secrets: [], externalDatabase: false, passwordGiven: false }
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })

const ids = (one: ReleaseWish, record?: Release, surety: Partial<Surety> = {}): string[] => guardRelease(intent(one), record, { ...safe, ...surety }).map(({ id }) => id)

void t.test('a first install with nothing in the way is let through', (t) => {
  t.same(ids(wish()), [])
  t.end()
})

void t.test('an executor that the chart does not take is refused with the nearest that it takes', (t) => {
  for (const executor of executors) t.same(ids(wish({ executor })), official2.executors.includes(executor) ? [] : ['executor-not-supported-by-chart'], executor)
  t.match(guardRelease(intent(wish({ executor: 'DaskExecutor' })), undefined, safe), [{ fix: [/CeleryExecutor/] }])
  t.match(guardRelease(intent(wish({ executor: 'SequentialExecutor' })), undefined, safe), [{ fix: [/LocalExecutor/] }])
  t.end()
})

void t.test('a release with keys of its own is not taken over, unless those keys are wanted', (t) => {
  t.same(ids(wish(), release({ values: { fernetKeySecretName: names.fernetKey } })), [])
  t.same(ids(wish(), release({ values: {} })), ['release-not-airstrips'])
  t.same(ids(wish(), release({ values: { fernetKeySecretName: 'theirs' } })), ['release-not-airstrips'])
  t.same(ids(wish({ fernetKeySecretName: 'theirs' }), release({ values: { fernetKeySecretName: 'theirs' } })), [])
  t.end()
})

void t.test('a database whose password nobody knows is not given a new one', (t) => {
  const databaseClaim = claim()
  t.same(ids(wish(), undefined, { databaseClaim }), ['postgres-pvc-old-password'])
  t.same(ids(wish(), undefined, { databaseClaim, passwordGiven: true }), [])
  for (const name of [names.postgresql, names.metadata, names.resultBackend]) t.same(ids(wish(), undefined, { databaseClaim, secrets: [undefined, secret(name)] }), [], name)
  t.same(ids(wish(), undefined, { databaseClaim, secrets: [secret(names.admin), secret(names.redis)] }), ['postgres-pvc-old-password'])
  t.end()
})

void t.test('an external database needs its password', (t) => {
  t.same(ids(wish(), undefined, { externalDatabase: true }), ['database-password-missing'])
  t.same(ids(wish(), undefined, { externalDatabase: true, passwordGiven: true }), [])
  t.same(ids(wish(), undefined, { externalDatabase: true, secrets: [secret(names.metadata)] }), [])
  t.end()
})

void t.test('all refusals come at once', (t) => {
  t.same(ids(wish({ executor: 'DaskExecutor' }), release({ values: {} }), { databaseClaim: claim() }), ['executor-not-supported-by-chart', 'release-not-airstrips', 'postgres-pvc-old-password'])
  t.end()
})

const database = (image: string, fields: Partial<Release> = {}): Release => release({
  values: { fernetKeySecretName: names.fernetKey },
  objects: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql', namespace: 'airflow' }, spec: { template: { spec: { containers: [{ name: 'postgresql', image, env: [{ name: 'POSTGRES_PASSWORD' }] }] } } } }],
  ...fields,
})
const tagged = (tag: string) => wish({ postgresql: { enabled: true, image: { tag } } })

void t.test('PostgreSQL is never started in another major version over the data of the present one', (t) => {
  const present = database('docker.io/bitnami/postgresql:11.12.0-debian-10-r44')
  t.same(ids(tagged('11'), present), [])
  t.same(ids(tagged('11.22.0'), present), [])
  t.same(ids(tagged('16.1.0'), present), ['postgres-major-version'])
  t.match(guardRelease(intent(tagged('16.1.0')), present, safe), [{ fix: [/imageTag: "11\.12\.0-debian-10-r44"/, /backup/] }])
  t.same(ids(wish({ postgresql: { enabled: false } }), present), [], 'the data stays where it is')
  t.end()
})

void t.test('what a chart of another version would bring is not left to chance', (t) => {
  const present = database('docker.io/bitnami/postgresql:16.1.0-debian-11-r15', { chart: { name: 'airflow', version: '1.10.0', appVersion: '2.6.2' } })
  t.same(ids(wish(), present), [], 'the same chart brings what it brought')
  t.same(ids(wish(), { ...present, values: { ...present.values, postgresql: { image: { tag: '16' } } } }), ['postgres-major-version'], 'unless a tag was said that is not said any more')
  t.same(ids({ ...wish(), chart: { reference: 'x', version: '1.22.0' } }, present), ['postgres-major-version'])
  t.same(ids({ ...tagged('16'), chart: { reference: 'x', version: '1.22.0' } }, present), [])
  t.end()
})

void t.test('a release of another maker\'s chart is not upgraded', (t) => {
  const theirs = release({ chart: { name: 'airflow', version: '8.7.1', appVersion: '2.5.3' }, values: {} })
  t.same(ids(wish(), theirs), ['release-of-another-chart'], 'and nothing else is said of it')
  t.end()
})

void t.test('Airflow goes back only where its database went before', (t) => {
  const runs = release({ chart: { name: 'airflow', version: '1.11.0', appVersion: '2.7.1' } })
  const found = (wanted: string, record = runs, airflow?: string): string[] => guardDowngrade(wanted, record, { stopped: {}, airflow }).map(({ id }) => id)
  t.same(found('2.6.2'), ['airflow-downgrade'])
  t.same([found('2.7.1'), found('2.8.0'), found('mine')], [[], [], []])
  t.same(found('2.6.2', { ...runs, values: { defaultAirflowTag: '2.6.2' } }), [], 'it runs that image already')
  t.same(found('2.6.2', runs, '2.6.2'), [], 'the dump of then was restored')
  t.same(found('2.5.1', runs, '2.6.2'), ['airflow-downgrade'], 'and that is not of this one')
  t.end()
})

void t.test('an upgrade that never came to its migrations may be taken back', (t) => {
  const hook = (phase: string) => ({ ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-upgrade'], deletePolicies: [], phase })
  const failed = (phase: string, base?: []): Release => release({ status: 'failed', chart: { name: 'airflow', version: '1.11.0', appVersion: '2.7.1' }, hooks: [hook(phase)], base })
  const found = (record: Release): string[] => guardDowngrade('2.6.2', record, { stopped: {} }).map(({ id }) => id)
  t.same(found(failed('Unknown', [])), [])
  t.same(found(failed('Failed', [])), ['airflow-downgrade'])
  t.same(found(failed('Failed')), [], 'a first install that never came to its migrations has nothing to lose')
  t.end()
})
