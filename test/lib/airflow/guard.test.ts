import t from 'tap'
import { guardRelease, type Surety } from '../../../lib/airflow/guard.ts'
import { officialExecutors } from '../../../lib/airflow/executors.ts'
import { secretNames } from '../../../lib/airflow/keys.ts'
import { executors } from '../../../lib/config/schema.ts'
import type { Release, ReleaseWish } from '../../../lib/access.ts'
import { claim, release } from '../observe/objects.ts'

const names = secretNames('airflow')
const wish = (values: Record<string, unknown> = {}): ReleaseWish => ({ name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, timeoutSeconds: 1, values: { executor: 'KubernetesExecutor', fernetKeySecretName: names.fernetKey, ...values } })
const safe: Surety = { secrets: [], externalDatabase: false, passwordGiven: false }
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } })

const ids = (one: ReleaseWish, record?: Release, surety: Partial<Surety> = {}): string[] => guardRelease(one, record, { ...safe, ...surety }).map(({ id }) => id)

void t.test('a first install with nothing in the way is let through', (t) => {
  t.same(ids(wish()), [])
  t.end()
})

void t.test('an executor that the chart does not take is refused with the nearest that it takes', (t) => {
  for (const executor of executors) t.same(ids(wish({ executor })), officialExecutors.includes(executor) ? [] : ['executor-not-supported-by-chart'], executor)
  t.match(guardRelease(wish({ executor: 'DaskExecutor' }), undefined, safe), [{ fix: [/CeleryExecutor/] }])
  t.match(guardRelease(wish({ executor: 'SequentialExecutor' }), undefined, safe), [{ fix: [/LocalExecutor/] }])
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
