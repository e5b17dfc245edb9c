import t from 'tap'
import { familyOf } from '../../../lib/airflow/families.ts'
import { makeSecrets, secretNames } from '../../../lib/airflow/keys.ts'
import { executorOf, wishFor } from '../../../lib/airflow/release.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { fernetSecretOf } from '../../../lib/airflow/values.ts'
import { parseConfig } from '../../../lib/config/load.ts'

const family = familyOf({ version: '8.7.1', appVersion: '2.5.3', home: 'https://github.com/airflow-helm/charts/tree/main/charts/airflow' })
const spec = (airflow = '', ingress = '') => airflowSpec(parseConfig(`storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: letsencrypt${ingress}}\nairflow: {${airflow}}\n`, 'airstrip.yaml'))
const values = (airflow = '', executor = 'KubernetesExecutor', ingress = ''): Record<string, unknown> => wishFor(spec(airflow, ingress).release, family, executor).values

void t.test('keys that everybody knows are emptied and come by reference, passwords too', (t) => {
  const made = values('admin: {password: {env: CANARY}}')
  t.notMatch(JSON.stringify(made), /CANARY/)
  t.match(made, {
    airflow: {
      fernetKey: '', webserverSecretKey: '',
      extraEnv: [
        { name: 'AIRFLOW__CORE__FERNET_KEY', valueFrom: { secretKeyRef: { name: 'airflow-airstrip-fernet-key', key: 'fernet-key' } } },
        { name: 'AIRFLOW__WEBSERVER__SECRET_KEY', valueFrom: { secretKeyRef: { name: 'airflow-airstrip-webserver-secret-key', key: 'webserver-secret-key' } } },
      ],
      users: [{ username: 'admin', password: '${AIRSTRIP_ADMIN_PASSWORD}' }],
      usersTemplates: { AIRSTRIP_ADMIN_PASSWORD: { kind: 'secret', name: 'airflow-airstrip-admin', key: 'password' } },
    },
    pgbouncer: { livenessProbe: { enabled: false } },
    postgresql: { postgresqlUsername: 'airflow', existingSecret: 'airflow-airstrip-community-postgresql', existingSecretKey: 'postgresql-password' },
  })
  t.equal(fernetSecretOf(made), 'airflow-airstrip-fernet-key')
  t.equal(executorOf({ values: made }), 'KubernetesExecutor')
  t.end()
})

void t.test('every reference leads to a key that is made', (t) => {
  const names = secretNames('airflow')
  const made = new Map(makeSecrets(spec().keys, family, [], {}, (count) => Buffer.alloc(count, 7)).map(({ metadata, stringData }) => [metadata.name, Object.keys(stringData as object)]))
  t.same([...made.keys()].sort(), family.keys.map((key) => names[key]).sort())
  t.same(made.get(names.communityPostgresql), ['postgresql-password', 'postgresql-postgres-password'])
  t.same(made.get(names.redis), ['password'])
  t.end()
})

void t.test('a lost Secret of the database is not made with another password while the present one is there', (t) => {
  const [postgresql] = makeSecrets(spec().keys, family, [], { database: 'old password' }, (count) => Buffer.alloc(count, 7)).filter(({ metadata }) => metadata.name === secretNames('airflow').communityPostgresql)
  t.match(postgresql, { stringData: { 'postgresql-password': 'old password' } })
  t.end()
})

void t.test('Redis, workers and Flower are there exactly where Celery is', (t) => {
  t.match(values('', 'KubernetesExecutor'), { airflow: { executor: 'KubernetesExecutor' }, workers: { enabled: false }, redis: { enabled: false }, flower: { enabled: false } })
  for (const executor of ['CeleryExecutor', 'CeleryKubernetesExecutor']) {
    t.match(values('', executor), { airflow: { executor }, workers: { enabled: true }, redis: { enabled: true, existingSecret: 'airflow-airstrip-redis-password', existingSecretPasswordKey: 'password' } }, executor)
  }
  t.end()
})

void t.test('the claims of the storage step are used, and nothing cleans a folder that others write', (t) => {
  t.match(values('', 'CeleryExecutor'), {
    dags: { persistence: { enabled: true, existingClaim: 'airflow-local-dags-folder', accessMode: 'ReadOnlyMany' } },
    logs: { persistence: { enabled: true, existingClaim: 'airflow-local-logs-folder', accessMode: 'ReadWriteMany' } },
    scheduler: { logCleanup: { enabled: false } },
    workers: { logCleanup: { enabled: false } },
  })
  t.end()
})

void t.test('the prefix is handled once, and a database of one\'s own switches the bundled one off', (t) => {
  const config = (made: Record<string, unknown>): unknown => (made.airflow as { config: unknown }).config
  t.match(config(values()), { AIRFLOW__WEBSERVER__BASE_URL: 'https://home.example.org', AIRFLOW__WEBSERVER__ENABLE_PROXY_FIX: 'True' })
  t.match(config(values('', 'KubernetesExecutor', ', prefix: mount')), { AIRFLOW__WEBSERVER__BASE_URL: 'https://home.example.org/airflow' })
  t.match(values('database: {external: db.example.org, port: 6432, sslmode: require, password: {env: X}}'), {
    postgresql: { enabled: false },
    externalDatabase: { host: 'db.example.org', port: 6432, user: 'airflow', database: 'airflow', passwordSecret: 'airflow-airstrip-community-postgresql', properties: '?sslmode=require' },
  })
  t.end()
})

void t.test('variables of a person\'s own come beside ours, and a key that they name takes the place of ours', (t) => {
  const names = (airflow: string): unknown => (values(`values: {airflow: ${airflow}}`).airflow as { extraEnv: { name: string; valueFrom?: unknown }[] }).extraEnv.map(({ name, valueFrom }) => (valueFrom === undefined ? name : [name, (valueFrom as { secretKeyRef: { name: string } }).secretKeyRef.name]))
  const [fernet, web] = [['AIRFLOW__CORE__FERNET_KEY', 'airflow-airstrip-fernet-key'], ['AIRFLOW__WEBSERVER__SECRET_KEY', 'airflow-airstrip-webserver-secret-key']]
  t.same(names('{extraEnv: [{name: A, value: b}]}'), [fernet, web, 'A'])
  t.same(names('{extraEnv: [{name: AIRFLOW__CORE__FERNET_KEY, valueFrom: {secretKeyRef: {name: mine, key: value}}}]}'), [web, ['AIRFLOW__CORE__FERNET_KEY', 'mine']])
  t.same(names('{podAnnotations: {a: b}}'), [fernet, web])
  t.end()
})
