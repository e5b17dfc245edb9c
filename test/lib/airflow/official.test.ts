import t from 'tap'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { familyOf } from '../../../lib/airflow/families.ts'
import { executorOf, wishFor } from '../../../lib/airflow/release.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import type { Config } from '../../../lib/config/schema.ts'

const official2 = familyOf({ version: '1.10.0', appVersion: '2.6.2' })
const base = 'storage: {path: /srv/airflow}\n'
const ingress = (more = ''): string => `ingress: {host: home.example.org, certResolver: letsencrypt${more}}\n`

function config(airflow = '', more = ''): Config {
  return parseConfig(`${base}${ingress(more)}airflow: {${airflow}}\n`, 'airstrip.yaml')
}

function values(airflow = '', more = '', executor = 'KubernetesExecutor'): Record<string, unknown> {
  return wishFor(airflowSpec(config(airflow, more)).release, official2, executor).values
}

void t.test('no password is a value: the chart\'s own defaults are emptied, the rest is by name of a Secret', (t) => {
  const text = JSON.stringify(values('admin: {password: {env: CANARY_ADMIN}}, database: {password: {env: CANARY_DATABASE}}'))
  t.notMatch(text, /CANARY/)
  t.match(JSON.parse(text), {
    fernetKeySecretName: 'airflow-airstrip-fernet-key',
    webserverSecretKeySecretName: 'airflow-airstrip-webserver-secret-key',
    webserver: { defaultUser: { password: '' } },
    data: { metadataConnection: { pass: '' }, metadataSecretName: 'airflow-airstrip-metadata', resultBackendSecretName: 'airflow-airstrip-result-backend', brokerUrlSecretName: 'airflow-airstrip-broker-url' },
    redis: { passwordSecretName: 'airflow-airstrip-redis-password' },
    postgresql: { enabled: true, image: { tag: '11' }, auth: { existingSecret: 'airflow-airstrip-postgresql', username: 'airflow', database: 'airflow' } },
  })
  t.end()
})

void t.test('the first user is made with a password from a file of the pod', (t) => {
  const { createUserJob } = values('admin: {username: joe, firstName: "Zoë", lastName: "O\'Neill", email: joe@example.org, role: Op}') as { createUserJob: { args: string[]; extraVolumes: unknown[]; extraVolumeMounts: { mountPath: string }[] } }
  t.same(createUserJob.args.slice(3), ['--', '-r', 'Op', '-u', 'joe', '-e', 'joe@example.org', '-f', 'Zoë', '-l', 'O\'Neill'], 'names are words of their own, never part of the script')
  t.match(createUserJob.extraVolumes, [{ secret: { secretName: 'airflow-airstrip-admin' } }])
  t.match(createUserJob.args[2], `${createUserJob.extraVolumeMounts[0]?.mountPath ?? 'none'}/password`)
  t.end()
})

void t.test('the executor is the one that is asked for, and DAGs and logs come from the two claims', (t) => {
  t.match(values('', '', 'CeleryExecutor'), {
    executor: 'CeleryExecutor',
    dags: { persistence: { enabled: true, existingClaim: 'airflow-local-dags-folder' } },
    logs: { persistence: { enabled: true, existingClaim: 'airflow-local-logs-folder' } },
  })
  t.end()
})

void t.test('the prefix is handled once: base_url has it exactly where Traefik does not take it away', (t) => {
  const url = (more: string): unknown => (values('', more) as { config: { webserver: { base_url: string } } }).config.webserver.base_url
  t.equal(url(''), 'https://home.example.org')
  t.equal(url(', prefix: mount'), 'https://home.example.org/airflow')
  t.equal(url(', prefix: mount, path: /team/flow'), 'https://home.example.org/team/flow')
  t.match(values(), { config: { webserver: { enable_proxy_fix: 'True' } } })
  t.end()
})

void t.test('a person\'s own values win, deep inside too, and leave their neighbours alone', (t) => {
  const made = values('values: {webserver: {replicas: 2}, dags: {gitSync: {enabled: true}, persistence: {enabled: false}}, config: {core: {parallelism: 4}}, triggerer: {enabled: false}, postgresql: {image: {tag: "12"}}}')
  t.match(made, {
    webserver: { replicas: 2, defaultUser: { password: '' } },
    dags: { gitSync: { enabled: true }, persistence: { enabled: false, existingClaim: 'airflow-local-dags-folder' } },
    config: { core: { parallelism: 4 }, webserver: { enable_proxy_fix: 'True' } },
    triggerer: { enabled: false },
    postgresql: { enabled: true, image: { tag: '12' } },
  })
  t.end()
})

void t.test('an image of one\'s own carries its version without what comes behind it', (t) => {
  t.match(values('image: {repository: registry.example.org/flow, tag: 2.6.2-python3.10}'), { defaultAirflowRepository: 'registry.example.org/flow', defaultAirflowTag: '2.6.2-python3.10', airflowVersion: '2.6.2' })
  t.notOk('defaultAirflowTag' in values())
  t.match(values('image: {tag: prod}'), { defaultAirflowTag: 'prod', airflowVersion: undefined }, 'from one that says nothing the chart could make nothing')
  t.end()
})

void t.test('a database of one\'s own switches the bundled one off', (t) => {
  const made = values('database: {external: db.example.org, password: {env: X}}')
  t.same(made.postgresql, { enabled: false })
  t.equal(airflowSpec(config('database: {external: db.example.org, port: 6432, sslmode: require, password: {env: X}}')).keys.database.host, 'db.example.org')
  t.end()
})

void t.test('the same configuration gives the same values', (t) => {
  t.strictSame(values(), values())
  t.end()
})

void t.test('a wish for another executor differs in the executor alone', (t) => {
  const { release } = airflowSpec(config())
  const [one, other] = [wishFor(release, official2, 'CeleryExecutor'), wishFor(release, official2, 'KubernetesExecutor')]
  t.strictSame({ ...one, values: { ...one.values, executor: '' } }, { ...other, values: { ...other.values, executor: '' } })
  t.equal(executorOf({ values: one.values }), 'CeleryExecutor')
  t.equal(executorOf({ values: {} }), 'CeleryExecutor', 'the chart\'s default')
  t.end()
})
