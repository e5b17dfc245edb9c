/** The community chart: landed, kept, asked after and taken down like the official one, and taken over from a person's own hands. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { apply, emptyRegistry, get, helm, kubectl, list, recordsOf, secretsOf } from './cluster.ts'
import { oneFault, untilHealthy } from './faults.ts'
import { kube } from './harm.ts'
import { communityChart, exits, says, site, type Overrides, type Site } from './site.ts'

const claims = ['airflow-local-dags-folder', 'airflow-local-logs-folder', 'data-airflow-postgresql-0']
const passwordKeys = /\/(fernet-key|webserver-secret-key|postgresql-password|postgresql-postgres-password|password)$/

const inScheduler = (it: Site, ...command: string[]): Promise<string> => kube(it, 'exec', 'deployment/airflow-scheduler', '-c', 'airflow-scheduler', '--', ...command)
const usersOf = (it: Site): Promise<string> => inScheduler(it, '/entrypoint', 'airflow', 'users', 'list')
const variableOf = (it: Site, name: string): Promise<string> => inScheduler(it, 'sh', '-c', `printf %s "$${name}"`)
const databaseVolume = async (it: Site): Promise<string | undefined> => (await get('pvc', 'data-airflow-postgresql-0', it.namespace))?.metadata.uid

void t.test('landed from nothing', async t => {
  const it = await site(t, 'community', { airflow: communityChart })
  exits(t, await it.airstrip(['apply']), 0)
  t.same(await recordsOf(it.namespace), ['deployed'], 'in one revision')
  const again = await it.airstrip(['apply', '--detailed-exitcode'])
  exits(t, again, 0, 'and nothing is left to do')
  t.match((await list('deployments', it.namespace)).map(({ metadata }) => metadata.name), ['airflow-db-migrations', 'airflow-pgbouncer', 'airflow-scheduler', 'airflow-triggerer', 'airflow-web'])
  t.equal(await untilHealthy(it), true, 'doctor says healthy')
  const keys = await secretsOf(it.namespace)
  await t.test('Helm knows keys and passwords by name only, and the pods have them', t => byReference(t, it, keys))
  await t.test('they outlive helm uninstall, and the same database opens again', t => kept(t, it, keys))
  const registry = await emptyRegistry(t)
  await t.test('an image that is not there is named before all that comes of it', t => oneFault(t, it, {
    name: 'an image of the scheduler that is not there', id: 'image-not-found', tells: /airflow-scheduler/,
    harm: () => kube(it, 'set', 'image', 'deployment/airflow-scheduler', `airflow-scheduler=${registry}/nothing:1`),
  }))
  await t.test('destroy keeps claims and keys', t => takenDown(t, it, keys))
})

async function byReference(t: Test, it: Site, keys: Record<string, string>): Promise<void> {
  const passwords = Object.entries(keys).filter(([name]) => passwordKeys.test(name))
  t.equal(passwords.length, 6, 'there is something to look for')
  const known = await Promise.all(['values', 'manifest', 'hooks'].map(what => helm(['get', what, 'airflow', '-n', it.namespace])))
  for (const [name, value] of passwords) t.notOk(known.join('\n').includes(value) || known.join('\n').includes(Buffer.from(value).toString('base64')), `${name} is not in Helm's record`)
  t.equal(await variableOf(it, 'AIRFLOW__CORE__FERNET_KEY'), keys['airflow-airstrip-fernet-key/fernet-key'])
  t.equal(await variableOf(it, 'AIRFLOW__WEBSERVER__SECRET_KEY'), keys['airflow-airstrip-webserver-secret-key/webserver-secret-key'])
  t.equal(await variableOf(it, 'DATABASE_PASSWORD'), keys['airflow-airstrip-community-postgresql/postgresql-password'])
}

async function kept(t: Test, it: Site, keys: Record<string, string>): Promise<void> {
  const [volume, users] = [await databaseVolume(it), await usersOf(it)]
  t.match(users, /admin/)
  await helm(['uninstall', 'airflow', '-n', it.namespace])
  exits(t, await it.airstrip(['apply']), 0)
  t.same(await secretsOf(it.namespace), keys, 'the same keys and passwords')
  t.equal(await databaseVolume(it), volume, 'the same volume')
  t.equal(await usersOf(it), users, 'the same users in the same database')
  exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
}

async function takenDown(t: Test, it: Site, keys: Record<string, string>): Promise<void> {
  const volume = await databaseVolume(it)
  const run = await it.airstrip(['destroy', '--yes'])
  exits(t, run, 0)
  says(t, run.stderr, /stays +PersistentVolumeClaim community\/data-airflow-postgresql-0/, /stays +Secret community\/airflow-airstrip-community-postgresql/)
  t.same(await recordsOf(it.namespace), [])
  t.same(await list('deployments,statefulsets,jobs,ingressroutes,middlewares', it.namespace), [])
  t.same((await list('pvc', it.namespace)).map(({ metadata }) => metadata.name).sort(), claims)
  t.equal(await databaseVolume(it), volume)
  t.same(await secretsOf(it.namespace), keys)
}

/** As the chart's documentation advises: keys and passwords in Secrets of one's own, under names of one's own. */
const theirs = {
  'my-fernet-key': { value: 'dGhlaXItb3duLWZlcm5ldC1rZXktb2YtMzItYnl0ZXM=' },
  'my-webserver-key': { value: 'their-own-key-of-the-webserver' },
  'my-database': { 'postgresql-password': 'their p@ss/word of the database' },
  'my-redis': { secret: 'their-own-password-of-redis' },
  'my-people': { joe: 'their-own-password-of-joe' },
  'my-mail': { password: 'their-own-password-of-the-mail' },
} as const

const variable = (name: string, secret: keyof typeof theirs, key: string): object => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } })
const byHand = {
  airflow: {
    users: [{ username: 'joe', password: '${JOE}', role: 'Admin', email: 'joe@example.org', firstName: 'Joe', lastName: 'Doe' }],
    usersTemplates: { JOE: { kind: 'secret', name: 'my-people', key: 'joe' } },
    extraEnv: [
      variable('AIRFLOW__CORE__FERNET_KEY', 'my-fernet-key', 'value'),
      variable('AIRFLOW__WEBSERVER__SECRET_KEY', 'my-webserver-key', 'value'),
      variable('AIRFLOW__SMTP__SMTP_PASSWORD', 'my-mail', 'password'),
    ],
  },
  postgresql: { existingSecret: 'my-database' },
  redis: { existingSecret: 'my-redis', existingSecretPasswordKey: 'secret' },
}

void t.test('a release that was installed by hand', async t => {
  const it = await site(t, 'theirs', { airflow: communityChart })
  exits(t, await it.airstrip(['apply', '--to', 'storage']), 0)
  await apply(...Object.entries(theirs).map(([name, stringData]) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: it.namespace }, stringData })))
  const values = join(it.folder, 'by-hand.yaml')
  writeFileSync(values, stringify(byHand))
  await helm(['install', 'airflow', communityChart.chart, '-n', it.namespace, '-f', values, '--wait', '--timeout', '5m'])
  await sql(it, "INSERT INTO variable (key, val) VALUES ('mine', 'kept')")
  const before = { volume: await databaseVolume(it), users: await usersOf(it) }

  await t.test('is refused, and the way to take it over is said', async t => {
    const run = await it.airstrip(['apply'])
    exits(t, run, 1)
    says(t, run.stderr, '[release-not-airstrips]', 'airflow.adopt: true')
    t.equal((await recordsOf(it.namespace)).length, 1, 'Helm was not asked')
  })

  await t.test('is taken over with the configuration that adopt prints', async t => {
    const printed = await it.airstrip(['adopt'])
    exits(t, printed, 0)
    const { airflow } = parse(printed.stdout) as { airflow: Overrides }
    it.write({ airflow: { ...airflow, ...communityChart } })
    const run = await it.airstrip(['apply'])
    exits(t, run, 0)
    await sameKeys(t, it, [printed.stdout, printed.stderr, run.stdout, run.stderr].join('\n'))
    t.same({ volume: await databaseVolume(it), users: await usersOf(it) }, before, 'the same volume, the same users')
    t.match(await sql(it, 'SELECT key, val FROM variable'), /mine\|kept/)
    t.equal(await variableOf(it, 'AIRFLOW__SMTP__SMTP_PASSWORD'), theirs['my-mail'].password, 'what else they had told it is there')
    t.ok(await get('deployment', 'airflow-flower', it.namespace), 'and what the chart brings by itself')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
    t.equal(await untilHealthy(it), true, 'doctor says healthy')
  })
})

async function sameKeys(t: Test, it: Site, said: string): Promise<void> {
  const ours = await secretsOf(it.namespace)
  const had = { fernet: theirs['my-fernet-key'].value, web: theirs['my-webserver-key'].value, database: theirs['my-database']['postgresql-password'], redis: theirs['my-redis'].secret, joe: theirs['my-people'].joe }
  t.match(ours, {
    'airflow-airstrip-fernet-key/fernet-key': had.fernet,
    'airflow-airstrip-webserver-secret-key/webserver-secret-key': had.web,
    'airflow-airstrip-community-postgresql/postgresql-password': had.database,
    'airflow-airstrip-redis-password/password': had.redis,
    'airflow-airstrip-admin/username': 'joe',
    'airflow-airstrip-admin/password': had.joe,
  })
  t.same([await variableOf(it, 'AIRFLOW__CORE__FERNET_KEY'), await variableOf(it, 'DATABASE_PASSWORD'), await variableOf(it, 'REDIS_PASSWORD')], [had.fernet, had.database, had.redis], 'the pods have them')
  for (const [name, value] of Object.entries(had)) t.notOk(said.includes(value), `${name} is not said`)
}

async function sql(it: Site, statement: string): Promise<string> {
  return kubectl(['-n', it.namespace, 'exec', '-i', 'airflow-postgresql-0', '--', 'sh', '-c', 'PGPASSWORD="$POSTGRES_PASSWORD" psql -h 127.0.0.1 -U postgres -d airflow -At'], statement)
}
