/** Data that cannot get lost: dumps that were restored once, a restore in one go, and no way down without the dump of then. */
import { readFileSync, statSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { KubernetesObject } from '../../lib/access.ts'
import { apply, at, get, kubectl, list, recordsOf, secretsOf } from './cluster.ts'
import { hunt, says, secretFile, site, type Hunt, type Overrides, type Site } from './site.ts'

interface Dumped { file: string; airflow: string; why: string; revision: string; createdAt: string; rows: Record<string, number> }

const password = 'Canary-of-the-database-4711'

interface Shared {
  it: Site
  wanted: (tag: string) => Overrides
  run: Hunt['run']
}

void t.test('dumps and restores', async t => {
  const it = await site(t, 'backup')
  const wanted = (tag: string): Overrides => ({ airflow: { image: { tag }, database: { password: { file: secretFile(it.folder, 'database-password', password) } } } })
  it.write(wanted('2.6.2'))
  const { run, nowhere } = hunt(it)
  await run(t, 0, 'apply')
  await sql("INSERT INTO dag VALUES ('one', false, '/x'), ('two', true, '/y'); INSERT INTO variable (key, val) VALUES ('canary', 'yes')")
  const shared: Shared = { it, wanted, run }
  await t.test('a dump by hand is proven, for its owner alone, and known', t => byHand(t, shared))
  await t.test('what was damaged is as it was', t => damaged(t, shared))
  await t.test('before Airflow becomes another one there is a dump', t => upgraded(t, shared))
  await t.test('there is no way down but by the dump of then', t => downgraded(t, shared))

  const values = Object.entries(await secretsOf('backup')).filter(([name]) => !name.endsWith('/username')).map(([, value]) => value)
  t.ok(values.includes(password), 'the person\'s own is among them')
  nowhere(t, values)
})

async function byHand(t: Test, { it, run }: Shared): Promise<void> {
  const { stdout, stderr } = await run(t, 0, 'backup')
  says(t, stderr, 'restored into a database beside and found the same')
  const file = stdout.trim()
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(readFileSync(file).subarray(0, 5).toString(), 'PGDMP')
  const [record] = await recorded(it)
  t.match(record, { airflow: '2.6.2', why: 'by hand', rows: { dag: 2, variable: 1, ab_user: 1 } })
  t.equal(record?.revision, await sql('SELECT version_num FROM alembic_version'))
  t.equal(await ours(), '', 'no scratch is left')
}

async function damaged(t: Test, { it, run }: Shared): Promise<void> {
  await sql('DELETE FROM dag; DROP TABLE variable')
  await sql('CREATE DATABASE airstrip_scratch_20200101t000000z', 'postgres')
  const refused = await run(t, 1, 'restore')
  says(t, refused.stderr, '[CONSENT]', 'Deployment backup/airflow-scheduler')
  t.equal(await sql('SELECT count(*) FROM dag'), '0', 'nothing was done unasked')
  await apply(taskPod(await get('deployment', 'airflow-scheduler', 'backup')))
  says(t, (await run(t, 1, 'restore')).stderr, 'wait     Pod backup/daily-load', 'a task runs in it; it has 11 min 00 s to end')
  const { stdout, stderr } = await run(t, 0, 'restore', '--yes')
  says(t, stderr, 'airstrip_scratch_20200101t000000z was left behind', 'Deployment backup/airflow-scheduler')
  t.equal(at(await get('pod', 'daily-load', 'backup'), 'status/phase'), 'Succeeded', 'a task that ran came to its end before the database was another one')
  says(t, stdout, 'DROP DATABASE', 'airflow_before_restore_')
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
  t.equal(await sql("SELECT val FROM variable WHERE key = 'canary'"), 'yes')
  t.equal(at(await get('deployment', 'airflow-scheduler', 'backup'), 'spec/replicas'), 1, 'the scheduler runs again')
  t.equal((await recorded(it)).length, 2, 'what was there is in a dump, too')
  await run(t, 0, 'apply', '--detailed-exitcode')
}

async function upgraded(t: Test, { it, wanted, run }: Shared): Promise<void> {
  it.write(wanted('2.7.1'))
  says(t, (await run(t, 0, 'diff')).stdout, /backup +Database backup\/airflow/)
  await run(t, 0, 'apply')
  const [record] = await recorded(it)
  t.match(record, { airflow: '2.6.2', why: 'before Airflow 2.6.2 becomes 2.7.1' })
  const newest = await get('secret', 'sh.helm.release.v1.airflow.v2', 'backup')
  t.ok(Date.parse(record?.createdAt ?? '') < Date.parse(newest?.metadata.creationTimestamp ?? ''), 'before Helm began')
  t.equal(await airflowInPods(), '2.7.1')
  await run(t, 0, 'apply', '--detailed-exitcode')
}

async function downgraded(t: Test, { it, wanted, run }: Shared): Promise<void> {
  it.write(wanted('2.6.2'))
  const revisions = (await recordsOf('backup')).length
  says(t, (await run(t, 1, 'apply')).stderr, '[airflow-downgrade]', 'run.ts backup', 'run.ts restore')
  t.equal((await recordsOf('backup')).length, revisions, 'Helm was not asked')
  await sql("INSERT INTO dag VALUES ('three', false, '/z')")
  const then = (await recorded(it)).find(({ why }) => why.startsWith('before Airflow 2.6.2'))
  says(t, (await run(t, 0, 'restore', then?.file ?? '', '--yes')).stderr, 'Airflow is stopped')
  await run(t, 0, 'apply')
  t.equal(await airflowInPods(), '2.6.2')
  t.equal(await sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag"), 'one,two')
  t.equal((await recorded(it))[0]?.rows.dag, 3, 'and what was written since is in a dump')
  await run(t, 0, 'apply', '--detailed-exitcode')
}

/** As the Kubernetes executor starts one. */
function taskPod(scheduler: KubernetesObject | undefined): object {
  const image = String(at(scheduler, 'spec/template/spec/containers/0/image'))
  const labels = { kubernetes_executor: 'True', dag_id: 'daily', task_id: 'load', release: 'airflow' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'daily-load', namespace: 'backup', labels },
    spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [{ name: 'base', image, command: ['sleep', '45'] }] },
  }
}

async function sql(statement: string, database = 'airflow'): Promise<string> {
  const script = 'PGPASSWORD=$POSTGRES_PASSWORD exec psql -XAtq -h 127.0.0.1 -U airflow -v ON_ERROR_STOP=1 -d "$1"'
  return (await kubectl(['-n', 'backup', 'exec', '-i', 'airflow-postgresql-0', '-c', 'postgresql', '--', 'sh', '-c', script, 'sql', database], statement)).trim()
}

const ours = (): Promise<string> => sql("SELECT datname FROM pg_database WHERE datname LIKE 'airstrip%'", 'postgres')

async function recorded(it: Site): Promise<Dumped[]> {
  const { stdout } = await it.airstrip(['backup', '--list', '--json'])
  return JSON.parse(stdout) as Dumped[]
}

async function airflowInPods(): Promise<string> {
  const pods = (await list('pods', 'backup')).filter(({ metadata, status }) => metadata.labels?.component === 'scheduler' && (status as { phase?: string }).phase === 'Running' && metadata.deletionTimestamp === undefined)
  return [...new Set(pods.map(pod => String(at(pod, 'spec/containers/0/image')).split(':').at(-1)))].join()
}
