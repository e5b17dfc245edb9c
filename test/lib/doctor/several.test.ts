/** Two faults at once: each is told, and what stands on one of them is told under that one alone. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { container, crashed, event, inManifest, job, pod, ready, release, statefulSet, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

interface Part { pod?: KubernetesObject; lines?: string[]; events?: KubernetesObject[]; replicas?: number; edited?: Record<string, unknown> }

const podOf = (name: string, status: Record<string, unknown>) => pod({ name: `airflow-${name}-0`, owner: { kind: 'StatefulSet', name: `airflow-${name}` }, labels: { component: name }, spec: { containers: [{ name }] }, status })
const noImage = (name: string): Part => ({ pod: podOf(name, { phase: 'Pending', containerStatuses: [container({ name, image: `nope/${name}:1`, state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] }) })
const crash = (name: string, ...lines: string[]): Part => ({ pod: podOf(name, { phase: 'Running', containerStatuses: [crashed(6, { startedAt: '2023-08-02T10:29:20Z', finishedAt: '2023-08-02T10:29:25Z' }, { name })] }), lines })
const none: Part = { replicas: 0 }

function site(parts: Record<string, Part>, more: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}): Evidence {
  const template = (name: string, fields = {}) => ({ spec: { containers: [{ name, image: 'a:1', ...fields }] } })
  const names = [...new Set(['postgresql', 'redis', ...Object.keys(parts)])]
  const made = (name: string, { replicas = 1, edited, pod }: Part = {}) => workload('StatefulSet', `airflow-${name}`, { replicas, updatedReplicas: replicas, readyReplicas: pod === undefined ? replicas : 0, currentRevision: 'a', updateRevision: 'a' }, { replicas, template: template(name, edited) })
  const pods = Object.values(parts).flatMap((part) => part.pod ?? [])
  const logs = Object.entries(parts).flatMap(([name, { lines }]) => (lines === undefined ? [] : [{ namespace: 'airflow', pod: `airflow-${name}-0`, container: name, previous: true, lines }]))
  const events = Object.values(parts).flatMap((part) => part.events ?? [])
  return evidence({ workloads: names.map((name) => made(name, parts[name])), pods, logs, events, autoscalers: [], ...more, record: release({ objects: names.map((name) => ({ ...inManifest(statefulSet(`airflow-${name}`, 1)), spec: { replicas: 1, template: template(name) } })), updatedAt: long, ...record }) })
}

/** `id part <= id part`, by the container, image or object that each speaks of; what no rule knows is no matter of these. */
function told(where: Evidence): string[] {
  const about = (title: string): string => /(?:airflow-|nope\/)([\w-]+)/.exec(title)?.[1] ?? ''
  return diagnose(where).findings.filter(({ id }) => id !== 'not-ready-unexplained').map(({ id, title, causes = [] }) => [`${id} ${about(title)}`, ...causes.map((cause) => `<= ${cause.id} ${about(cause.title)}`)].join(' '))
}

void t.test('a crash that needs no database is told beside one that is broken', (t) => {
  const statsd = crash('statsd', 'statsd_exporter: error: unknown long flag \'--foo\'')
  t.same(told(site({ postgresql: noImage('postgresql'), statsd })), ['image-not-found postgresql', 'crash-loop statsd'])
  t.same(told(site({ postgresql: none, redis: crash('redis', 'FATAL CONFIG FILE ERROR') })), ['scaled-to-zero postgresql', 'crash-loop redis'])
  const early = { pod: podOf('statsd', { phase: 'Running', containerStatuses: [crashed(2, { startedAt: '2023-08-02T10:29:20Z', finishedAt: '2023-08-02T10:29:20Z' }, { name: 'statsd' })] }) }
  t.same(told(site({ postgresql: noImage('postgresql'), statsd: early })), ['image-not-found postgresql', 'crash-loop statsd'], 'as soon as doctor would tell it alone')
  t.end()
})

void t.test('a crash whose own words name its cause is told beside a broken database, and one that names the database under it', (t) => {
  const webserver = crash('webserver', 'ModuleNotFoundError: No module named \'authlib\'')
  const triggerer = crash('triggerer', 'psycopg2.OperationalError: connection to server failed: Connection refused')
  t.same(told(site({ postgresql: noImage('postgresql'), webserver, triggerer })), ['image-not-found postgresql', 'crash-loop webserver', 'crash-loop triggerer <= image-not-found postgresql'])
  t.same(told(site({ postgresql: none, webserver: crash('webserver', 'Traceback', 'KeyError: \'SMTP_PASSWORD\'') })), ['scaled-to-zero postgresql', 'crash-loop webserver'])
  t.same(told(site({ postgresql: none, webserver: crash('webserver', 'KeyError: \'x\'', 'gave up') })), ['scaled-to-zero postgresql', 'crash-loop webserver <= scaled-to-zero postgresql'], 'which was not its last word')
  t.end()
})

void t.test('a crash of a command that was edited by hand is told beside a broken database', (t) => {
  const edited = { ...crash('triggerer'), edited: { command: ['false'] } }
  t.same(told(site({ postgresql: none, triggerer: edited })), ['scaled-to-zero postgresql', 'crash-loop triggerer'])
  t.same(told(site({ postgresql: none, triggerer: { ...crash('triggerer'), edited: { workingDir: '/tmp' } } })), ['scaled-to-zero postgresql', 'crash-loop triggerer <= scaled-to-zero postgresql'])
  const misses = crash('triggerer', 'sqlalchemy.exc.OperationalError: connection to server at "airflow-postgresql" failed: Connection refused')
  t.same(told(site({ postgresql: none, triggerer: { ...misses, edited: { env: [{ name: 'LEVEL', value: 'DEBUG' }] } } })), ['scaled-to-zero postgresql', 'crash-loop triggerer <= scaled-to-zero postgresql'], 'a harmless edit of one that says what it lacks')
  t.end()
})

void t.test('a crash is told under what it stands on, and not under another part\'s fault', (t) => {
  const worker = crash('worker', 'exit')
  t.same(told(site({ redis: noImage('redis'), statsd: noImage('statsd'), worker })), ['image-not-found redis', 'image-not-found statsd', 'crash-loop worker <= image-not-found redis'])
  t.same(told(site({ redis: noImage('redis'), postgresql: noImage('postgresql'), triggerer: crash('triggerer', 'exit') })), ['image-not-found postgresql', 'image-not-found redis', 'crash-loop triggerer <= image-not-found postgresql'])
  t.end()
})

void t.test('who needs no broker and is ended by a probe is told beside one that is broken', (t) => {
  const killed = (name: string): Part => {
    const one = podOf(name, { ...ready, containerStatuses: [container({ name, restartCount: 3, state: { running: { startedAt: '2023-08-02T10:28:00Z' } }, lastState: { terminated: { exitCode: 137, reason: 'Error', finishedAt: '2023-08-02T10:28:00Z' } } })] })
    return { pod: one, events: [event(one, 'Unhealthy', 'Liveness probe failed: command timed out'), event(one, 'Killing', `Container ${name} failed liveness probe, will be restarted`, { type: 'Normal', count: 3 })] }
  }
  const of = (parts: Record<string, Part>) => told(site(parts))
  t.same(of({ redis: noImage('redis'), triggerer: killed('triggerer') }), ['image-not-found redis', 'scheduler-liveness-restart-loop triggerer'])
  t.same(of({ redis: none, triggerer: killed('triggerer') }), ['scaled-to-zero redis', 'scheduler-liveness-restart-loop triggerer'])
  t.same(of({ redis: noImage('redis'), scheduler: killed('scheduler') }), ['image-not-found redis'], 'a scheduler waits for it')
  t.same(of({ redis: none, scheduler: killed('scheduler') }), ['scaled-to-zero redis', 'scheduler-liveness-restart-loop scheduler <= scaled-to-zero redis'])
  t.end()
})

void t.test('a migration that the database has answered is told beside what else is broken', (t) => {
  const hook = { ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install'], deletePolicies: [], phase: 'Failed' }
  const failed = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'limit' }] })
  const tried = pod({ name: 'airflow-run-airflow-migrations-x', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, spec: { restartPolicy: 'OnFailure' }, status: { phase: 'Failed', containerStatuses: [container({ name: 'run-airflow-migrations', state: { terminated: { exitCode: 1, reason: 'Error' } } })] } })
  const of = (line: string, parts: Record<string, Part>) => {
    const where = site(parts, { jobs: [failed] }, { status: 'failed', description: 'timed out waiting for the condition', hooks: [hook] })
    return told({ ...where, pods: [...where.pods, tried], logs: [{ namespace: 'airflow', pod: 'airflow-run-airflow-migrations-x', container: 'run-airflow-migrations', previous: false, lines: [line] }] }).filter((one) => one.startsWith('job-failed'))
  }
  const duplicate = 'sqlalchemy.exc.ProgrammingError: (psycopg2.errors.DuplicateColumn) column "x" of relation "dag" already exists'
  t.same(of(duplicate, { postgresql: noImage('postgresql') }), ['job-failed run-airflow-migrations'])
  t.same(of('exit', { postgresql: noImage('postgresql') }), ['job-failed run-airflow-migrations <= image-not-found postgresql'])
  t.same(of('exit', { redis: none }), ['job-failed run-airflow-migrations'], 'no Job needs the broker')
  t.end()
})
