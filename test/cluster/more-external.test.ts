/** A database outside the release: dumped, restored and kept like the one that a chart brings. */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { apply, get, kubectl, list, secretsOf, until } from './cluster.ts'
import { hunt, says, secretFile, site, type Hunt, type Overrides, type Site } from './site.ts'

const namespace = 'outside'
const host = `postgresql.${namespace}.svc.cluster.local`
const password = 'Canary-of-the-server-0815'

/** A server of the person's own, for which the release is one client of many. It is gone with its namespace. */
function server(): object[] {
  const env = Object.entries({ POSTGRES_USER: 'airflow', POSTGRES_PASSWORD: password, POSTGRES_POSTGRES_PASSWORD: `${password}-root`, POSTGRES_DATABASE: 'metadata' }).map(([name, value]) => ({ name, value }))
  const labels = { app: 'postgresql' }
  const containers = [{ name: 'postgresql', image: 'docker.io/bitnamilegacy/postgresql:16.1.0-debian-11-r15', env, readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 } }]
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'postgresql', namespace }, spec: { selector: labels, ports: [{ port: 5432 }] } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'postgresql', namespace, labels }, spec: { securityContext: { fsGroup: 1001 }, terminationGracePeriodSeconds: 0, containers } },
  ]
}

interface Shared { it: Site; wanted: (tag: string) => Overrides; run: Hunt['run'] }

void t.test('a PostgreSQL of the person\'s own', async t => {
  await apply(...server())
  t.teardown(() => kubectl(['delete', 'namespace', namespace]))
  await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/postgresql', '--timeout=60s'])
  const it = await site(t, 'external')
  const wanted = (tag: string): Overrides => ({ airflow: { image: { tag }, database: { external: host, name: 'metadata', password: { file: secretFile(it.folder, 'database-password', password) } } } })
  it.write(wanted('2.6.2'))
  const { run, nowhere } = hunt(it)
  const shared: Shared = { it, wanted, run }
  await t.test('holds what Airflow has, and no other is made', t => installed(t, shared))
  await t.test('is dumped from a pod that is there for that alone', t => dumped(t, shared))
  await t.test('what was damaged is as it was', t => damaged(t, shared))
  await t.test('is dumped before Airflow becomes another one', t => upgraded(t, shared))
  await t.test('is not dumped where only values for the chart say where it lies, and that is told before', t => passedThrough(t, shared))
  await t.test('outlives Airflow, also where all data of the release is to go', t => destroyed(t, shared))

  const values = [password, ...Object.entries(await secretsOf('external')).filter(([name]) => !name.endsWith('/username')).map(([, value]) => value)]
  nowhere(t, values)
})

async function installed(t: Test, { run }: Shared): Promise<void> {
  await run(t, 0, 'apply')
  t.equal(await get('statefulset', 'airflow-postgresql', 'external'), undefined)
  t.equal(await sql('SELECT count(*) FROM ab_user'), '1', 'the first user is there')
  await run(t, 0, 'apply', '--detailed-exitcode')
  await sql("INSERT INTO dag VALUES ('one', false, '/x'), ('two', true, '/y')")
}

async function dumped(t: Test, { run }: Shared): Promise<void> {
  const { stdout, stderr } = await run(t, 0, 'backup')
  says(t, stderr, 'restored into a database beside and found the same')
  t.equal(readFileSync(stdout.trim()).subarray(0, 5).toString(), 'PGDMP')
  await alone(t)
}

async function damaged(t: Test, { run }: Shared): Promise<void> {
  await sql('DELETE FROM dag')
  const { stdout } = await run(t, 0, 'restore', '--yes')
  says(t, stdout, /^psql -d postgres -c "DROP DATABASE \\"metadata_before_restore_\d+t\d+z\\""/m)
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
  await alone(t)
  await run(t, 0, 'apply', '--detailed-exitcode')
}

async function upgraded(t: Test, { it, wanted, run }: Shared): Promise<void> {
  it.write(wanted('2.7.1'))
  says(t, (await run(t, 0, 'diff')).stdout, /backup +Database external\/metadata/)
  await run(t, 0, 'apply')
  const [record] = JSON.parse((await run(t, 0, 'backup', '--list', '--json')).stdout) as { airflow: string; rows: Record<string, number> }[]
  t.match(record, { airflow: '2.6.2', rows: { dag: 2 } })
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
}

async function passedThrough(t: Test, { it, wanted, run }: Shared): Promise<void> {
  const connection = `postgresql://airflow:${password}@${host}:5432/metadata`
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own-connection', namespace: 'external' }, stringData: { connection } })
  const hidden = (tag: string): Overrides => ({ airflow: { image: { tag }, values: { postgresql: { enabled: false }, data: { metadataSecretName: 'own-connection' } } } })
  it.write(hidden('2.7.1'))
  await run(t, 0, 'apply')
  it.write(hidden('2.7.2'))
  const silent = /is not dumped before Airflow 2\.7\.1 becomes 2\.7\.2/
  says(t, (await run(t, 0, 'diff')).stderr, silent)
  t.match(JSON.parse((await run(t, 0, 'diff', '--json')).stdout), { warnings: [{ finding: { id: 'database-not-dumped' } }] })
  it.write(wanted('2.7.2'))
  const told = await run(t, 0, 'diff')
  says(t, told.stdout, /backup +Database external\/metadata/)
  t.notMatch(told.stderr, silent)
  it.write(wanted('2.7.1'))
  await run(t, 0, 'apply')
}

async function destroyed(t: Test, { run }: Shared): Promise<void> {
  await run(t, 0, 'destroy', '--yes', '--dangerous-delete-data=external')
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
  await run(t, 0, 'apply')
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
}

/** Neither the pod nor a database of its own is left. */
async function alone(t: Test): Promise<void> {
  await until('the client is gone', async () => (await list('pods', 'external')).every(({ metadata }) => metadata.name !== 'airstrip-database-airflow'))
  t.equal(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'airstrip%'"), '0', 'no scratch is left')
}

async function sql(statement: string): Promise<string> {
  const script = 'PGPASSWORD=$POSTGRES_POSTGRES_PASSWORD exec psql -XAtq -h 127.0.0.1 -U postgres -v ON_ERROR_STOP=1 -d metadata'
  return (await kubectl(['-n', namespace, 'exec', '-i', 'postgresql', '--', 'sh', '-c', script], statement)).trim()
}
