/** What Airflow works with: its queue, keys and DAGs, and images that fit the node. With Celery, which has the most parts. */
import { appendFile, chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { containerdSocket, registriesFolder } from '../../scripts/lab/containerd.ts'
import { must } from '../../scripts/lab/exec.ts'
import { instance } from '../../scripts/lab/paths.ts'
import { runtimeEnv } from '../../scripts/lab/runtime.ts'
import { apply, emptyRegistry, kubectl, lab } from './cluster.ts'
import { faults, type Fault } from './faults.ts'
import { dataOf, deletePods, edit, editContainer, editPods, encoded, kube, sql } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const written = (it: Site, secret: string, data: Record<string, string>): Promise<string> => edit(it, `secret/${secret}`, { data }, 'merge')

const broker = 'airflow-airstrip-broker-url'
const queue: Fault[] = [
  { name: 'the broker\'s Secret with another password, and a worker that starts with it', id: 'redis-password-drift', tells: /airflow-airstrip-broker/, harm: async it => {
    const { connection = '' } = await dataOf(it, broker)
    await written(it, broker, { connection: encoded(Buffer.from(connection, 'base64').toString().replace(/:[^:@]*@/, ':not-the-password@')) })
    await deletePods(it, 'worker')
  } },
  { name: 'another password for Redis, which starts with it', id: 'redis-password-drift', tells: /airflow-airstrip-redis-password/, harm: async it => {
    await written(it, 'airflow-airstrip-redis-password', { password: encoded('another-password-of-redis') })
    await deletePods(it, 'redis')
  } },
  { name: 'Redis scaled to 0', id: 'scaled-to-zero', tells: /airflow-redis/, harm: it => kube(it, 'scale', 'statefulset/airflow-redis', '--replicas=0') },
  { name: 'Redis with an image that is none', id: 'invalid-image-name', tells: /airflow-redis/, harm: async it => {
    await kube(it, 'set', 'image', 'statefulset/airflow-redis', 'redis=Bitnami/Redis:7')
    await deletePods(it, 'redis')
  } },
  { name: 'two at once: another password for Redis, and a worker that nobody can place', id: 'redis-password-drift', and: ['node-affinity-mismatch'], seconds: 120, harm: async it => {
    await written(it, 'airflow-airstrip-redis-password', { password: encoded('a-third-password-of-redis') })
    await edit(it, 'statefulset/airflow-worker', { spec: { template: { spec: { nodeSelector: { disk: 'ssd' } } } } })
    await deletePods(it, 'worker')
  }, undo: async it => {
    await kube(it, 'rollout', 'restart', 'statefulset/airflow-redis')
    await it.airstrip(['apply'])
  } },
]

const webserverKey = 'airflow-airstrip-webserver-secret-key'
const admin = 'airflow-airstrip-admin'
const kept = new Map<string, Record<string, string>>()
const keys: Fault[] = [
  { name: 'a key of the webserver from a documentation', id: 'webserver-secret-dynamic', tells: /everybody knows/, harm: it => written(it, webserverKey, { 'webserver-secret-key': encoded('THIS IS UNSAFE!') }) },
  { name: 'a password of the first user that everybody knows', id: 'default-credentials', tells: /airflow-airstrip-admin/, harm: async it => {
    kept.set(admin, await dataOf(it, admin))
    await written(it, admin, { password: encoded('admin') })
  }, mend: it => written(it, admin, kept.get(admin) ?? {}), undo: it => written(it, admin, kept.get(admin) ?? {}) },
]

/** The head of an ELF file for a CPU that no machine has had since 1995. */
const foreignProgram = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(9), Buffer.from([2, 0, 9, 0, 1, 0, 0, 0]), Buffer.alloc(40)])
const files: Fault[] = [
  { name: 'the DAGs folder closed', id: 'dags-not-readable', tells: /\/dags/, harm: async it => {
    await chown(join(it.base, 'dags'), 0, 0)
    await chmod(join(it.base, 'dags'), 0o700)
  } },
  // The lab's Airflow reads no Python, so what the real one writes of such a file is written here.
  { name: 'a DAG that cannot be imported', id: 'dag-import-error', tells: /etl\.py: ModuleNotFoundError: No module named 'pandas'/, harm: it => dagLog(it, `ERROR - Failed to import: ${etl}\nTraceback (most recent call last):\nModuleNotFoundError: No module named 'pandas'`),
    mend: it => dagLog(it, `INFO - DAG(s) 'etl' retrieved from ${etl}`), undo: it => dagLog(it, `INFO - DAG(s) 'etl' retrieved from ${etl}`) },
  // Nor has it a web page that asks for logs.
  { name: 'logs of tasks that the webserver cannot get at', id: 'task-logs-unreachable', tells: /Could not read served logs: .*Name or service not known/, harm: async it => {
    await editContainer(it, 'webserver', { command: ['sh', '-c', 'echo "*** Could not read served logs: [Errno -2] Name or service not known"; exec /entrypoint webserver'] })
  }, mend: it => it.airstrip(['apply']) },
  { name: 'a table that only the page needs, renamed', id: 'web-page-failing', tells: /Error: .*relation "session" does not exist/, harm: it => sql(it, 'ALTER TABLE session RENAME TO session_kept', 'airflow'), mend: sessionsBack, undo: sessionsBack },
  { name: 'a program of another CPU', id: 'wrong-cpu-architecture', tells: /statsd/, harm: async it => {
    await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace: it.namespace }, binaryData: { program: foreignProgram.toString('base64') } })
    await editPods(it, 'statsd', { volumes: [{ name: 'foreign', configMap: { name: 'foreign', defaultMode: 0o755 } }], containers: [{ name: 'statsd', command: ['/foreign/program'], volumeMounts: [{ name: 'foreign', mountPath: '/foreign' }] }] })
  } },
  { ...atRevision('00010000abcd'), name: 'a database that was restored from an older Airflow' },
  { ...atRevision('99999999abcd'), name: 'a database that a newer Airflow has migrated', mend: revisionBack },
]

const etl = '/opt/airflow/dags/etl.py'

async function dagLog(it: Site, line: string): Promise<void> {
  const now = new Date().toISOString()
  await writeFile(join(it.base, 'dags', 'etl.py'), 'import pandas\n')
  const folder = join(it.base, 'logs', 'scheduler', now.slice(0, 10))
  await mkdir(folder, { recursive: true })
  await appendFile(join(folder, 'etl.py.log'), `[${now}] {dagbag.py:536} INFO - Filling up the DagBag from ${etl}\n[${now}] {dagbag.py:347} ${line}\n`)
}

function atRevision(revision: string): Omit<Fault, 'name'> {
  return { id: 'wait-for-migrations-crashloop', seconds: 200, tells: new RegExp(`is at revision ${revision}`), undo: revisionBack, harm: async it => {
    await sql(it, `CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM alembic_version; UPDATE alembic_version SET version_num = $$${revision}$$`, 'airflow')
    await deletePods(it, 'scheduler')
  } }
}

async function revisionBack(it: Site): Promise<void> {
  await sql(it, 'UPDATE alembic_version SET version_num = kept.version_num FROM kept', 'airflow')
}

async function sessionsBack(it: Site): Promise<void> {
  await sql(it, 'ALTER TABLE IF EXISTS session_kept RENAME TO session', 'airflow')
}

const ctr = (...args: string[]): Promise<unknown> => must('ctr', ['--address', containerdSocket(instance(lab.name)), '--namespace', 'k8s.io', 'images', ...args], { env: runtimeEnv() })

/** What the runtime itself has, or whom it asks. */
async function runtime(test: Test, it: Site, registry: string): Promise<Fault[]> {
  const pause = (await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.images[*].names[*]}'])).split(' ').find(name => /pause:[\w.]+$/.test(name)) ?? ''
  const pauseBack = async (): Promise<void> => { await ctr('tag', '--force', `${pause}-kept`, pause) }
  const hosts = join(registriesFolder(instance(lab.name)), 'docker.io')
  const hub = async (): Promise<void> => {
    await mkdir(hosts, { recursive: true })
    await writeFile(join(hosts, 'hosts.toml'), `server = "http://${registry}"\n[host."http://${registry}"]\n`)
  }
  const postgresql = (await kube(it, 'get', 'statefulset', 'airflow-postgresql', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')).trim()
  const databaseAgain = (): Promise<string> => kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
  const imageBack = async (): Promise<void> => {
    await rm(hosts, { recursive: true, force: true })
    await ctr('tag', '--force', postgresql.replace('bitnami/', 'bitnamilegacy/'), postgresql)
  }
  await ctr('tag', '--force', pause, `${pause}-kept`)
  // Every other test on this node needs both.
  test.teardown(async () => {
    await imageBack()
    await pauseBack()
  })
  return [
    { name: 'a Bitnami image that the node has lost, and Docker Hub has no more', id: 'bitnami-image-removed', seconds: 100, tells: /bitnami\/postgresql:/, harm: async () => {
      await hub()
      await ctr('rm', '--sync', postgresql)
      await databaseAgain()
    }, undo: async () => {
      await imageBack()
      await databaseAgain()
    } },
    { name: 'a Bitnami image whose tag is gone from Docker Hub', id: 'bitnami-image-removed', seconds: 100, tells: /bitnami\/postgresql:11\.16/, harm: async it => {
      await imageBack()
      await hub()
      await kube(it, 'set', 'image', 'statefulset/airflow-postgresql', 'postgresql=docker.io/bitnami/postgresql:11.16.0-debian-11-r99')
      await databaseAgain()
    } },
    { name: 'a node without the image that every pod begins with', id: 'sandbox-image-missing', seconds: 100, tells: /pause/, harm: async it => {
      await ctr('rm', '--sync', pause)
      await deletePods(it, 'statsd')
    }, mend: pauseBack, undo: pauseBack },
  ]
}

void t.test('what Airflow works with', async t => {
  const registry = await emptyRegistry(t)
  const it = await site(t, 'doctorwork', { airflow: { executor: 'CeleryExecutor' } })
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...queue, ...keys, ...files, ...await runtime(t, it, registry)])
})
