import t from 'tap'
import { isSecretKey, makeSecrets, readData, secretNames, secretRefs, secretsInEntry, type KeySpec } from '../../../lib/airflow/keys.ts'
import { families } from '../../../lib/airflow/families.ts'
import type { KubernetesObject, RandomBytes } from '../../../lib/access.ts'

const spec: KeySpec = { namespace: 'airflow', release: 'flow', username: 'admin', database: { user: 'airflow', name: 'metadata', host: 'flow-postgresql.airflow', port: 5432, sslmode: 'disable' } }
const names = secretNames('flow')
const [family] = families

/** Never the same bytes twice. */
function counting(from = 0): RandomBytes {
  let next = from
  return (count) => Buffer.alloc(count, ++next)
}

/** As the API server returns what was created. */
function live(secrets: readonly KubernetesObject[], ...lost: string[]): (KubernetesObject | undefined)[] {
  return secretRefs(spec, family).map(({ name }) => {
    const found = secrets.find(({ metadata }) => metadata.name === name)
    if (found === undefined || lost.includes(name)) return undefined
    const { stringData, ...rest } = found
    return { ...rest, data: Object.fromEntries(Object.entries(stringData as Record<string, string>).map(([key, value]) => [key, Buffer.from(value).toString('base64')])) }
  })
}

function valueOf(secrets: readonly KubernetesObject[], name: string, key: string): string {
  const data = secrets.find(({ metadata }) => metadata.name === name)?.stringData as Record<string, string> | undefined
  return data?.[key] ?? ''
}

const all = makeSecrets(spec, family, [], {}, counting())

void t.test('all of them are made at first, in the namespace, marked as ours', (t) => {
  t.same(all.map(({ metadata }) => metadata.name).sort(), family.keys.map((key) => names[key]).sort())
  for (const secret of all) t.match(secret, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace: 'airflow', labels: { 'app.kubernetes.io/managed-by': 'airstrip', 'app.kubernetes.io/instance': 'flow' } } })
  t.end()
})

void t.test('what is there is never made again', (t) => {
  t.same(makeSecrets(spec, family, live(all), {}, counting(100)), [])
  t.same(makeSecrets(spec, family, live(all, names.fernetKey), {}, counting(100)).map(({ metadata }) => metadata.name), [names.fernetKey])
  t.end()
})

void t.test('a Fernet key is 32 bytes in URL-safe base64 with its padding', (t) => {
  for (const byte of [0, 7, 0xfb, 0xff]) {
    const key = valueOf(makeSecrets(spec, family, [], {}, (count) => Buffer.alloc(count, byte)), names.fernetKey, 'fernet-key')
    t.match(key, /^[A-Za-z0-9_-]{43}=$/)
    t.same(Buffer.from(key, 'base64url'), Buffer.alloc(32, byte))
  }
  t.end()
})

void t.test('a password is 256 bits in letters and digits, and no two are the same', (t) => {
  const passwords = [valueOf(all, names.postgresql, 'password'), valueOf(all, names.postgresql, 'postgres-password'), valueOf(all, names.redis, 'password'), valueOf(all, names.admin, 'password'), valueOf(all, names.webserverSecretKey, 'webserver-secret-key')]
  for (const password of passwords) t.match(password, /^[0-9a-f]{64}$/)
  t.equal(new Set(passwords).size, passwords.length)
  t.end()
})

void t.test('one password is in the database, in both connections, and in the broker\'s address', (t) => {
  const password = valueOf(all, names.postgresql, 'password')
  t.equal(valueOf(all, names.metadata, 'connection'), `postgresql://airflow:${password}@flow-postgresql.airflow:5432/metadata?sslmode=disable`)
  t.equal(valueOf(all, names.resultBackend, 'connection'), `db+postgresql://airflow:${password}@flow-postgresql.airflow:5432/metadata?sslmode=disable`)
  t.equal(valueOf(all, names.broker, 'connection'), `redis://:${valueOf(all, names.redis, 'password')}@flow-redis:6379/0`)
  t.end()
})

void t.test('a lost Secret is made again from its siblings, whichever of them is left', (t) => {
  const password = valueOf(all, names.postgresql, 'password')
  const trio = [names.postgresql, names.metadata, names.resultBackend]
  for (const left of trio) {
    const again = makeSecrets(spec, family, live(all, ...trio.filter((name) => name !== left)), {}, counting(100))
    t.equal(again.length, 2)
    for (const secret of again) t.match(JSON.stringify(secret.stringData), password, `${secret.metadata.name} from ${left}`)
  }
  const redis = valueOf(all, names.redis, 'password')
  t.equal(valueOf(makeSecrets(spec, family, live(all, names.redis), {}, counting(100)), names.redis, 'password'), redis)
  t.match(valueOf(makeSecrets(spec, family, live(all, names.broker), {}, counting(100)), names.broker, 'connection'), redis)
  t.end()
})

void t.test('a password that a person gives is taken, whatever is in it, and found again', (t) => {
  const given = { database: 'p@ss:w/ö%rd?#', admin: 'adm in' }
  const made = makeSecrets(spec, family, [], given, counting(100))
  t.equal(valueOf(made, names.postgresql, 'password'), given.database)
  t.equal(valueOf(made, names.admin, 'password'), given.admin)
  const connection = new URL(valueOf(made, names.metadata, 'connection'))
  t.equal(decodeURIComponent(connection.password), given.database)
  t.equal(valueOf(makeSecrets(spec, family, live(made, names.postgresql), {}, counting(100)), names.postgresql, 'password'), given.database)
  t.end()
})

void t.test('what the database was set up with counts more than what is given now', (t) => {
  const again = makeSecrets(spec, family, live(all, names.metadata), { database: 'another' }, counting(100))
  t.notMatch(JSON.stringify(again), /another/)
  t.end()
})

void t.test('data is read as it was written', (t) => {
  const admin = live(all).find((secret) => secret?.metadata.name === names.admin)
  t.same(admin && readData(admin), { username: 'admin', password: valueOf(all, names.admin, 'password') })
  t.same(readData({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }), {})
  t.end()
})

void t.test('settings that a chart keeps in a Secret are no secrets, unless they are called like one', (t) => {
  for (const key of ['AIRFLOW__CORE__EXECUTOR', 'AIRFLOW__WEBSERVER__BASE_URL', 'DATABASE_HOST', 'TZ', 'username', 'host', 'registry', 'user', 'dbname']) t.notOk(isSecretKey(key), key)
  for (const key of ['AIRFLOW__CORE__FERNET_KEY', 'AIRFLOW__WEBSERVER__SECRET_KEY', 'AIRFLOW__SMTP__SMTP_PASSWORD', 'AIRFLOW__DATABASE__SQL_ALCHEMY_CONN', 'AIRFLOW__CELERY__BROKER_URL', 'AIRFLOW__CELERY__RESULT_BACKEND', 'AIRFLOW_CONN_X', 'DATABASE_PASSWORD', 'password', 'anything']) t.ok(isSecretKey(key), key)
  t.end()
})

void t.test('under a key that says where to or as whom only what looks so is no secret', (t) => {
  const places: [key: string, ...values: string[]][] = [
    ['host', 'airflow-postgresql', 'db.example.org', 'db.example.org:5432', '10.0.0.1', '[::1]:5432', 'x.c9akciq32.eu-west-1.rds.amazonaws.com', ''],
    ['server', 'https://registry.example.org/v2/', 'tcp://db:5432'], ['registry', 'registry.example.org:5000', 'quay.io/team'], ['port', '5432'],
    ['image', 'quay.io/x/y:2.6.2-Py3', 'airflow:2.6.2', `quay.io/x/y@sha256:${'0a'.repeat(32)}`],
    ['user', 'airflow', 'airflow_user', 'analytics2', 'airflow_user_2024', 'joe@example.org', 'airflow@my-server', 'Administrator'],
    ['email', 'Joe.Doe+x@example.org'], ['region', 'us-east-1'], ['type', 'postgres', 'kubernetes.io/tls'], ['bucket', 's3://my-bucket/logs'], ['dbname', 'warehouse-2'],
  ]
  for (const [key, ...values] of places) for (const value of values) t.same(secretsInEntry(key, value), [], `${key}: ${value}`)
  for (const [key, value] of [['user', 'Sup3r.S3cret'], ['type', 'a1!b2@c3'], ['user', 'wJalrXUtnFEMI/K7MDENG'], ['user', 'v9xk2mq8rt4lw7yp'], ['user', 'p@ssw0rd'], ['host', 'https://joe:x@y'], ['password', 'swordfish'], ['user', '83461927']] as const) t.same(secretsInEntry(key, value).slice(0, 1), [value], value)
  for (const password of ['Passw0rd!', '7hR2kQ9xZpLm', '4ever-Tulip']) t.same(secretsInEntry('user', `app:${password}`), [`app:${password}`, password], 'and what follows the user')
  for (const place of ['https://10.0.0.1:6443', 'https://10.0.0.1', 'pg-0.pg,pg-1.pg', 'kafka-0:9092,kafka-1:9092', '/var/run/postgresql', '/cloudsql/p:eu-west1:db', 'fd00::1', 'db.example.org.', 'DB.example.org', '*.example.org', 'GitHub', 'MongoDB', 'AIRFLOW_PROD', 'ServiceAccount', 'airflow:2.6.2-python3.8', 'redis:6379', 'tcp://db:5432']) t.same(secretsInEntry('host', place), [], place)
  t.same(secretsInEntry('host', '/v9xk2mq8rt4lw7yp').length, 1, 'a path that chance made is none')
  t.same(secretsInEntry('username', 'Joe Doe'), [])
  t.end()
})
