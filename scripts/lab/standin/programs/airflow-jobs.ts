import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { execute, literal } from './database-client.ts'
import { log, sleep } from './ends.ts'
import { ownNamespace, podApi } from './kube.ts'
import { redis, RedisError } from './redis-protocol.ts'
import { endpoint, setting, withAddress } from './settings.ts'

const BEAT_MS = 5000

/** Beats until the database stays away: Airflow's jobs end then, and the kubelet starts them again. */
export async function heartbeats(type: string, eachBeat?: () => void): Promise<void> {
  await beat(type)
  log(`${type}.py`, 'INFO', `Starting the ${type} (the lab's stand-in)`)
  for (let missed = 0; ;) {
    eachBeat?.()
    await sleep(BEAT_MS)
    try {
      await beat(type)
      missed = 0
    } catch (error) {
      missed += 1
      log(`${type}.py`, 'ERROR', String(error))
      if (missed === 3) throw error
    }
  }
}

async function beat(type: string): Promise<void> {
  await execute(`INSERT INTO job (job_type, hostname, state, latest_heartbeat) VALUES (${literal(type)}, ${literal(hostname())}, 'running', now()) ON CONFLICT (job_type, hostname) DO UPDATE SET latest_heartbeat = now();`)
}

export async function scheduler(): Promise<void> {
  const executor = setting('core', 'executor') ?? 'SequentialExecutor'
  log('executor_loader.py:114', 'INFO', `Loaded executor: ${executor}`)
  // Only the executor that makes pods looks at pods, and falls over where its role does not let it.
  if (executor.endsWith('KubernetesExecutor')) {
    const namespace = setting('kubernetes_executor', 'namespace') ?? ownNamespace()
    await podApi(namespace)
    log('kubernetes_executor.py', 'INFO', `Start Kubernetes executor in namespace ${namespace}`)
  }
  let seen: string | undefined
  await heartbeats('SchedulerJob', () => {
    const files = dagFiles()
    if (files === seen) return
    seen = files
    writeLog(`DAG files: ${files === '' ? '(none)' : files}`)
  })
}

function dagFiles(): string {
  const folder = setting('core', 'dags_folder') ?? '/opt/airflow/dags'
  try {
    return readdirSync(folder).filter(name => name.endsWith('.py')).sort().join(' ')
  } catch (error) {
    return `cannot list ${folder}: ${String(error)}`
  }
}

function writeLog(message: string): void {
  const folder = `/opt/airflow/logs/scheduler/${new Date().toISOString().slice(0, 10)}`
  log('dag_processing', 'INFO', message)
  try {
    mkdirSync(folder, { recursive: true })
    appendFileSync(`${folder}/airstrip-lab.log`, `${new Date().toISOString()} ${message}\n`)
  } catch (error) {
    const isReadOnly = error instanceof Error && 'code' in error && error.code === 'EROFS'
    throw isReadOnly
      ? Object.assign(new Error(`[Errno 30] Read-only file system: '${folder}'`), { name: 'OSError' })
      : Object.assign(new Error(`[Errno 13] Permission denied: '${folder}'`), { name: 'PermissionError' })
  }
}

const broker = () => endpoint(setting('celery', 'broker_url') ?? 'redis://localhost:6379/0', 6379)
const ask = (...command: string[]) => withAddress(broker(), there => redis(there, ...command))
const workerName = () => `celery@${hostname()}`

export async function celeryWorker(): Promise<void> {
  await execute('SELECT 1;')
  // The webserver reads task logs from here.
  createServer((_, response) => { response.writeHead(404).end() }).listen(8793)
  for (let pause = 2, connected = false; ; pause = Math.min(pause + 2, 32)) {
    try {
      await ask('SET', workerName(), String(Date.now()))
      if (!connected) console.log(`[INFO/MainProcess] Connected to ${shown()}\n[INFO/MainProcess] ${workerName()} ready.`)
      connected = true
      pause = 0
      await sleep(BEAT_MS)
    } catch (error) {
      connected = false
      if (error instanceof RedisError && error.refused) {
        throw new Error(`[CRITICAL/MainProcess] Unrecoverable error: AuthenticationError('${error.message}')`, { cause: error })
      }
      console.error(`[ERROR/MainProcess] consumer: Cannot connect to ${shown()}: ${String(error)}.\nTrying again in ${pause}.00 seconds...`)
      await sleep(pause * 1000)
    }
  }
}

function shown(): string {
  return `redis://:**@${broker().name}:${broker().port}/0`
}

/** What the worker's liveness probe asks: is this worker known to the broker, and did it speak lately? */
export async function celeryPing(): Promise<void> {
  const beat = Number(await ask('GET', workerName()))
  if (!(Date.now() - beat < 6 * BEAT_MS)) throw new Error('No nodes replied within time constraint')
  console.log(`->  ${workerName()}: OK\n        pong\n\n1 node online.`)
}

/** Shows what the workers do; here only that it is there. */
export function flower(): void {
  createServer((_, response) => { response.end('Flower') }).listen(5555)
}
