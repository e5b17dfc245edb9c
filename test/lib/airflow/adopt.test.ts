import t from 'tap'
import { adoptedConfig } from '../../../lib/airflow/adopted-config.ts'
import { adoption, adoptionRefs, droppedValues, guardAdoption } from '../../../lib/airflow/adopt.ts'
import { familyOf } from '../../../lib/airflow/families.ts'
import { makeSecrets, secretNames } from '../../../lib/airflow/keys.ts'
import { wishFor } from '../../../lib/airflow/release.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import type { KubernetesObject, Release } from '../../../lib/access.ts'
import { release } from '../observe/objects.ts'

const official = familyOf({ version: '1.10.0', appVersion: '2.6.2' })
const community = familyOf({ version: '8.7.1', appVersion: '2.5.3' })
const secret = (name: string, data: Record<string, string>): KubernetesObject => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'airflow' }, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])) })
const specOf = (airflow: string) => airflowSpec(parseConfig(`storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: le}\nairflow: {${airflow}}\n`, 'airstrip.yaml'))

/** As `helm install airflow apache-airflow/airflow` leaves them, chart 1.10.0. */
const byHand: Release = release({ values: {} })
const theirs = [
  secret('airflow-fernet-key', { 'fernet-key': 'theirs-fernet' }),
  secret('airflow-webserver-secret-key', { 'webserver-secret-key': 'theirs-web' }),
  secret('airflow-airflow-metadata', { connection: 'postgresql://postgres:p%40ss@airflow-postgresql.airflow:5432/postgres?sslmode=disable' }),
  secret('airflow-postgresql', { 'postgres-password': 'p@ss' }),
  secret('airflow-redis-password', { password: 'theirs-redis' }),
]

void t.test('keys and passwords of a release that was installed by hand are found where its chart put them', (t) => {
  t.ok(adoptionRefs(byHand, official).some(({ name }) => name === 'airflow-fernet-key'))
  t.same(adoption(byHand, official, theirs), {
    given: { fernetKey: 'theirs-fernet', webserverSecretKey: 'theirs-web', superuser: 'p@ss', redis: 'theirs-redis', database: 'p@ss', admin: 'admin' },
    connected: { user: 'postgres', name: 'postgres', host: 'airflow-postgresql.airflow', port: 5432, sslmode: 'disable', password: 'p@ss' },
  })
  t.end()
})

void t.test('Secrets that the values name come before those that the chart would make', (t) => {
  const named = release({ values: { fernetKeySecretName: 'mine', data: { metadataSecretName: 'mine-too' } } })
  const { given, connected } = adoption(named, official, [secret('airflow-fernet-key', { 'fernet-key': 'old' }), secret('mine', { 'fernet-key': 'new' }), secret('mine-too', { connection: 'postgresql://a:b@db.example.org:5432/c' })])
  t.equal(given.fernetKey, 'new')
  t.match(connected, { user: 'a', name: 'c', host: 'db.example.org', password: 'b' })
  t.end()
})

void t.test('what is made of them has not one key or password changed', (t) => {
  const { keys } = specOf('database: {user: postgres, name: postgres}')
  const { given } = adoption(byHand, official, theirs)
  const made = new Map(makeSecrets(keys, official, [], given, (count) => Buffer.alloc(count, 1)).map(({ metadata, stringData }) => [metadata.name, stringData as Record<string, string>]))
  const names = secretNames('airflow')
  t.match(made.get(names.fernetKey), { 'fernet-key': 'theirs-fernet' })
  t.match(made.get(names.webserverSecretKey), { 'webserver-secret-key': 'theirs-web' })
  t.match(made.get(names.postgresql), { 'password': 'p@ss', 'postgres-password': 'p@ss' })
  t.match(made.get(names.metadata), { connection: 'postgresql://postgres:p%40ss@airflow-postgresql.airflow:5432/postgres?sslmode=disable' })
  t.match(made.get(names.redis), { password: 'theirs-redis' })
  t.match(made.get(names.broker), { connection: /theirs-redis/ })
  t.end()
})

void t.test('of the community chart they are in its config-envs and with its PostgreSQL', (t) => {
  const { given, connected } = adoption(release({ values: {}, chart: { name: 'airflow', version: '8.7.1', appVersion: '2.5.3' } }), community, [
    secret('airflow-config-envs', { AIRFLOW__CORE__FERNET_KEY: 'f', AIRFLOW__WEBSERVER__SECRET_KEY: 'w' }),
    secret('airflow-postgresql', { 'postgresql-password': 'd' }),
    secret('airflow-redis', { 'redis-password': 'r' }),
  ])
  t.match(given, { fernetKey: 'f', webserverSecretKey: 'w', database: 'd', redis: 'r' })
  t.match(connected, { user: 'postgres', name: 'airflow', host: 'airflow-postgresql.airflow' })
  t.end()
})

const guard = (airflow: string, one: Release, secrets = theirs) => {
  const spec = specOf(airflow)
  return guardAdoption(wishFor(spec.release, official, 'CeleryExecutor'), one, adoption(one, official, secrets), spec.keys.database)
}

void t.test('a configuration that lacks what the release is made of is refused, with all that it lacks', (t) => {
  const custom = release({ values: { scheduler: { replicas: 2 }, dags: { persistence: { existingClaim: 'my-dags' } }, env: [{ name: 'X', value: 'y' }] } })
  t.match(guard('adopt: true', custom), [{ id: 'adoption-incomplete', evidence: [/database\.user: postgres/, /database\.name: postgres/, /values\.dags\.persistence\.existingClaim/, /values\.scheduler\.replicas/, /values\.env/, /CeleryExecutor/] }])
  t.same(guard('adopt: true, database: {user: postgres, name: postgres}, values: {scheduler: {replicas: 2}, dags: {persistence: {existingClaim: my-dags}}, env: [{name: X, value: y}]}', custom), [])
  t.match(guard('adopt: true, database: {user: postgres, name: postgres}', byHand, []), [{ evidence: [/Fernet key was not found/, /connection to its database was not found/, /./] }])
  t.end()
})

void t.test('keys, passwords and the executor are taken over whatever the values call them', (t) => {
  t.same([...droppedValues({ executor: 'CeleryExecutor', fernetKey: 'x', data: { metadataConnection: { pass: 'x' } }, postgresql: { auth: { username: 'a' } }, webserver: { defaultUser: { password: 'x' }, replicas: 2 } }, {}).keys()], ['webserver.replicas'])
  t.end()
})

void t.test('the configuration that is printed takes the release over, and holds no secret', (t) => {
  const custom = release({
    values: { executor: 'LocalExecutor', scheduler: { replicas: 2 }, env: [{ name: 'TOKEN', value: 'canary-token' }], webserver: { defaultUser: { username: 'joe', password: 'canary-admin' } } },
    objects: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'airflow-postgresql', namespace: 'airflow' }, spec: { template: { spec: { containers: [{ name: 'postgresql', image: 'docker.io/bitnami/postgresql:11.12.0', env: [{ name: 'POSTGRES_PASSWORD' }] }] } } } }],
  })
  const { airflow, withheld } = adoptedConfig(custom, adoption(custom, official, theirs), (path) => path === 'env')
  t.same(withheld, ['env'])
  t.notMatch(JSON.stringify(airflow), /canary|p@ss|theirs/)
  t.match(airflow, { chart: 'apache-airflow/airflow', version: '1.10.0', executor: 'LocalExecutor', adopt: true, admin: { username: 'joe' }, database: { user: 'postgres', name: 'postgres', imageTag: '11.12.0' }, values: { scheduler: { replicas: 2 } } })
  t.same(guard(JSON.stringify(airflow).slice(1, -1), release({ ...custom, values: { scheduler: { replicas: 2 } } })), [], 'and nothing is lacking any more')
  t.end()
})

const elsewhere = [theirs[0], secret('airflow-metadata', { connection: 'postgresql://joe:pw@db.example.org:6432/flow?sslmode=require' })].filter((one) => one !== undefined)

void t.test('how a database elsewhere is reached is taken over whole, port and encryption too', (t) => {
  t.match(guard('adopt: true, database: {user: joe, name: flow, external: db.example.org, password: {env: X}}', byHand, elsewhere), [{ evidence: [/database\.port: 6432/, /database\.sslmode: require/, /./] }])
  const { airflow } = adoptedConfig(byHand, adoption(byHand, official, elsewhere), () => false)
  t.match(airflow, { database: { user: 'joe', name: 'flow', external: 'db.example.org', port: 6432, sslmode: 'require' } })
  t.end()
})

void t.test('a connection that goes through a pooler is not one to the database', (t) => {
  const pooled = [theirs[0], secret('airflow-metadata', { connection: 'postgresql://joe:pw@airflow-pgbouncer.airflow:6543/airflow-metadata?sslmode=disable' })].filter((one) => one !== undefined)
  t.match(guard('adopt: true', byHand, pooled), [{ evidence: [/through PgBouncer/, /./] }])
  t.end()
})

void t.test('values that say the same in another order are the same', (t) => {
  t.same([...droppedValues({ env: [{ name: 'X', value: 'y' }] }, { env: [{ value: 'y', name: 'X' }] }).keys()], [])
  t.end()
})

const variable = (name: string, secretName: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: secretName, key } } })
const ofCommunity = (values: Record<string, unknown>) => release({ values, chart: { name: 'airflow', version: '8.7.1', appVersion: '2.5.3' } })

/** The chart's documentation calls this the recommended way; its own, published key then still stands in config-envs. */
const advised = ofCommunity({ airflow: { extraEnv: [variable('AIRFLOW__CORE__FERNET_KEY', 'mine', 'value'), variable('AIRFLOW__WEBSERVER__SECRET_KEY', 'mine', 'web'), variable('AIRFLOW__SMTP__SMTP_PASSWORD', 'mail', 'password')] } })
const published = secret('airflow-config-envs', { AIRFLOW__CORE__FERNET_KEY: 'published', AIRFLOW__WEBSERVER__SECRET_KEY: 'published' })

void t.test('a key that the community chart is given by a variable is the one, and not that which the chart has', (t) => {
  t.ok(adoptionRefs(advised, community).some(({ name }) => name === 'mine'))
  t.match(adoption(advised, community, [published, secret('mine', { value: 'f', web: 'w' })]).given, { fernetKey: 'f', webserverSecretKey: 'w' })
  t.match(adoption(advised, community, [published]).given, { fernetKey: undefined, webserverSecretKey: undefined }, 'rather none than a wrong one')
  const plain = ofCommunity({ airflow: { extraEnv: [{ name: 'AIRFLOW__CORE__FERNET_KEY', value: 'in plain' }] } })
  t.match(adoption(plain, community, [published]).given, { fernetKey: 'in plain', webserverSecretKey: 'published' })
  t.end()
})

void t.test('the first user\'s password is where the community chart is told to take it from', (t) => {
  const users = (password: string) => ofCommunity({ airflow: { users: [{ username: 'joe', password }], usersTemplates: { JOE: { kind: 'Secret', name: 'people', key: 'joe' } } } })
  const adminOf = (password: string) => adoption(users(password), community, [published, secret('people', { joe: 'p' })]).given.admin
  t.equal(adminOf('${JOE}'), 'p')
  t.equal(adminOf('in plain'), 'in plain')
  t.end()
})

void t.test('of the community chart\'s variables only the keys are taken over, and Flower stays where Celery is', (t) => {
  const left = { flower: { enabled: true }, airflow: { extraEnv: [variable('AIRFLOW__SMTP__SMTP_PASSWORD', 'mail', 'password')] } }
  const { airflow, withheld } = adoptedConfig(advised, adoption(advised, community, [published, secret('mine', { value: 'f' })]), () => false)
  t.same(withheld, [])
  t.same(airflow.values, left)
  const lacking = (config: string) => {
    const spec = specOf(`${config} database: {user: postgres, name: airflow}`)
    return guardAdoption(wishFor(spec.release, community, 'CeleryExecutor'), advised, adoption(advised, community, [secret('mine', { value: 'f' }), secret('airflow-postgresql', { 'postgresql-password': 'd' })]), spec.keys.database)
  }
  t.match(lacking(''), [{ id: 'adoption-incomplete', evidence: [/airflow\.values\.airflow\.extraEnv/, /airflow\.values\.flower\.enabled/, /CeleryExecutor/] }])
  t.same(lacking(`values: ${JSON.stringify(left)},`), [])
  t.notOk(JSON.stringify(adoptedConfig(ofCommunity({ airflow: { executor: 'KubernetesExecutor' } }), { given: {} }, () => false)).includes('flower'))
  t.end()
})

void t.test('a database elsewhere of the community chart is reached as it is now', (t) => {
  const outside = { postgresql: { enabled: false }, externalDatabase: { host: 'db.example.org', password: 'in plain' } }
  const envs = secret('airflow-config-envs', { DATABASE_USER: 'airflow', DATABASE_PASSWORD: 'in plain' })
  t.match(adoption(ofCommunity(outside), community, [envs]).connected, { user: 'airflow', host: 'db.example.org', password: 'in plain' })
  const named = { ...outside, externalDatabase: { host: 'db.example.org', passwordSecret: 'mine', userSecret: 'mine', userSecretKey: 'who' } }
  t.match(adoption(ofCommunity(named), community, [secret('mine', { 'postgresql-password': 'p', 'who': 'joe' })]).connected, { user: 'joe', password: 'p' })
  t.equal(adoption(ofCommunity({ ...outside, externalDatabase: { host: 'db.example.org', type: 'mysql' } }), community, [envs]).connected, undefined, 'a MySQL is none that airstrip knows')
  t.end()
})

void t.test('a claim for logs that the chart made is kept, and not deleted for ours', (t) => {
  const claim: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'airflow-logs', namespace: 'airflow' } }
  const logging = release({ values: { logs: { persistence: { enabled: true, size: '5Gi' } } }, objects: [claim] })
  const kept = { logs: { persistence: { enabled: true, size: '5Gi', existingClaim: '' } } }
  t.match(guard('adopt: true, database: {user: postgres, name: postgres}, values: {logs: {persistence: {size: 5Gi}}}', logging), [{ id: 'adoption-incomplete', evidence: [/airflow\.values\.logs\.persistence\.existingClaim/, /./] }])
  t.same(adoptedConfig(logging, adoption(logging, official, theirs), () => false).airflow.values, kept)
  t.same(guard(`adopt: true, database: {user: postgres, name: postgres}, values: ${JSON.stringify(kept)}`, logging), [])
  t.end()
})

void t.test('DAGs that git-sync brings stay without a volume where they had none', (t) => {
  const dags = { gitSync: { enabled: true, repo: 'https://git.example.org/dags.git' } }
  const kept = { dags: { ...dags, persistence: { enabled: false } } }
  t.same(adoptedConfig(release({ values: { dags } }), adoption(release({ values: { dags } }), official, theirs), () => false).airflow.values, kept)
  t.same(guard(`adopt: true, database: {user: postgres, name: postgres}, values: ${JSON.stringify(kept)}`, release({ values: { dags } })), [])
  const both = { dags: { ...dags, persistence: { enabled: true } } }
  t.match(adoptedConfig(release({ values: both }), adoption(release({ values: both }), official, theirs), () => false).airflow.values, both, 'with one, they keep it')
  t.end()
})
