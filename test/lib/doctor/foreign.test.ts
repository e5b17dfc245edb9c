/** What explains a crash or a failed Job, and what is only another part's fault. */
import t from 'tap'
import { explained } from '../../../lib/doctor/explains.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { Finding } from '../../../lib/step.ts'
import { claim, pod, statefulSet } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (id: FaultId, title: string, seen: string[] = []): Finding => ({ id, severity: 'error', title, evidence: seen, why: '', fix: [''] })
const causes = (cause: Finding, symptom: Finding, parts: Parameters<typeof evidence>[0] = {}): string[] => (explained([cause, symptom], evidence(parts))[1]?.causes ?? []).map(({ id }) => id)

const dies = (name: string, ...words: string[]) => found('crash-loop', `Container ${name} keeps crashing`, [`Pod airflow/airflow-${name}-0, container ${name}: exit code 1`, ...words.map((line) => `airflow-${name}-0/${name} (previous run): ${line}`)])
const none = (name: string) => found('scaled-to-zero', `StatefulSet airflow/airflow-${name} is scaled to no pod`, [`StatefulSet airflow/airflow-${name}: spec.replicas is 0, the release has 1`])
const leadsNowhere = (name: string) => found('service-without-endpoints', `Service airflow/airflow-${name} does not lead to its pods`, [`Service airflow/airflow-${name} selects component=x`])
const secret = found('release-object-missing', 'Secret airflow/a-key does not exist, and the release needs it', ['Secret airflow/a-key does not exist'])
const policy = found('network-policy-blocks', 'NetworkPolicy deny keeps pods from the database')
const unreachable = found('database-unreachable', 'PostgreSQL has no database airflow')
const password = found('postgres-pvc-old-password', 'PostgreSQL has another password')
const failedJob = (...words: string[]) => found('job-failed', 'Job airflow/airflow-run-airflow-migrations has failed', ['Pod airflow/airflow-run-airflow-migrations-x, container run-airflow-migrations: exit code 1', ...words])

void t.test('the database\'s own crash, the broker\'s, and one that needs neither, are explained by nobody else\'s fault', (t) => {
  for (const name of ['postgresql', 'redis', 'statsd', 'scheduler-log-groomer', 'git-sync']) {
    for (const cause of [none('redis'), none('postgresql'), leadsNowhere('redis'), leadsNowhere('postgresql'), secret, policy, unreachable, password]) t.same(causes(cause, dies(name)), [], `${name} beside ${cause.title}`)
  }
  for (const cause of [none('postgresql'), leadsNowhere('postgresql'), policy, unreachable]) t.same(causes(cause, dies('triggerer')), [cause.id], 'as one that needs a database is')
  const datadir = found('postgres-datadir-permission', 'PostgreSQL may not write the folder', ['airflow-postgresql-0/postgresql: mkdir: Permission denied'])
  t.same([causes(datadir, dies('postgresql')), causes(datadir, dies('redis'))], [['postgres-datadir-permission'], []], 'but by what its own words are told as')
  const noService = found('release-object-missing', 'Service airflow/airflow-postgresql does not exist', ['Service airflow/airflow-postgresql does not exist'])
  t.same(causes(noService, dies('postgresql', 'FATAL')), [], 'whose pod is only called so')
  const groomer = dies('scheduler-log-groomer', 'bad number')
  const beside = { ...groomer, evidence: [...groomer.evidence, 'airflow-scheduler-log-groomer-0/scheduler: Error 111 connecting to airflow-redis:6379'] }
  t.same([causes(none('redis'), beside), causes(found('cluster-dns-broken', 'CoreDNS is not ready'), { ...beside, evidence: [...groomer.evidence, 'airflow-scheduler-log-groomer-0/scheduler: Temporary failure in name resolution'] })], [[], []], 'nor by what another container of the pod says')
  t.same(causes(secret, dies('statsd', 'a-key: no such Secret')), ['release-object-missing'], 'and by what they name')
  t.end()
})

void t.test('a container that has run does not die of a Secret or ConfigMap that is not there', (t) => {
  t.same([causes(secret, dies('triggerer')), causes(secret, failedJob())], [[], []])
  t.same(causes(secret, dies('triggerer', 'cannot read a-key')), ['release-object-missing'], 'as long as it does not say so')
  t.same(causes(secret, found('job-failed', 'Job airflow/x has failed', ['Job airflow/x: DeadlineExceeded'])), ['release-object-missing'], 'one whose pod never ran may')
  t.end()
})

void t.test('what only statsd needs keeps nobody from the database, and is missed by who says so', (t) => {
  const map = found('release-object-missing', 'ConfigMap airflow/airflow-statsd does not exist, and the release needs it', ['ConfigMap airflow/airflow-statsd is part of Helm\'s revision 1 and is not there'])
  const service = found('release-object-missing', 'Service airflow/airflow-postgresql does not exist, and the release needs it', ['Service airflow/airflow-postgresql is part of Helm\'s revision 1 and is not there'])
  const unasked = found('heartbeat-missing', 'Airflow\'s webserver runs and cannot ask its database', ['https://home/airflow/health: metadatabase unhealthy'])
  t.same([causes(map, unasked), causes(service, unasked)], [[], ['release-object-missing']])
  const lacks = (name: string) => found('container-config-error', 'A container needs what does not exist', [`Pod airflow/airflow-statsd-1, container statsd: configmap "${name}" not found`])
  t.same([causes(map, lacks('airflow-statsd')), causes(map, lacks('other'))], [['release-object-missing'], []])
  t.end()
})

void t.test('a service account is missed by whose pods run as it', (t) => {
  const account = found('release-object-missing', 'ServiceAccount airflow/airflow-triggerer does not exist', ['ServiceAccount airflow/airflow-triggerer does not exist'])
  const as = (serviceAccountName?: string) => ({ pods: [pod({ name: 'airflow-scheduler-0', spec: serviceAccountName === undefined ? {} : { serviceAccountName } })] })
  t.same([as('airflow-triggerer'), as('airflow-scheduler'), as()].map((parts) => causes(account, dies('scheduler'), parts)), [['release-object-missing'], [], []])
  t.same(causes(account, dies('scheduler')), ['release-object-missing'], 'or by whom nothing is known')
  t.end()
})

void t.test('only who sends or takes tasks misses the broker', (t) => {
  const probe = (name: string) => found('scheduler-liveness-restart-loop', 'It is restarted', [`Pod airflow/airflow-${name}-0, container ${name}: ended`])
  const silent = found('database-unreachable', 'Airflow gets no connection to its database, which is ready')
  for (const cause of [none('redis'), leadsNowhere('redis')]) {
    for (const name of ['worker', 'scheduler', 'flower', 'airflow-worker']) t.same([causes(cause, dies(name)), causes(cause, probe(name))], [[cause.id], [cause.id]], name)
    for (const name of ['triggerer', 'webserver', 'wait-for-airflow-migrations']) t.same([causes(cause, dies(name)), causes(cause, probe(name))], [[], []], name)
    for (const one of [failedJob(), silent]) t.same(causes(cause, one), [], one.id)
  }
  t.end()
})

void t.test('a failed Job is told under the volume that it or the database mounts, and no other', (t) => {
  const mounts = (name: string, claimName: string, owner = { kind: 'StatefulSet', name: 'airflow-postgresql' }) => pod({ name, owner, spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] } })
  const parts = {
    workloads: [statefulSet('airflow-postgresql', 0)], claims: [claim()],
    pods: [mounts('airflow-postgresql-0', 'data-airflow-postgresql-0'), mounts('airflow-run-airflow-migrations-x', 'dags', { kind: 'Job', name: 'airflow-run-airflow-migrations' })],
  }
  const pending = (name: string) => found('pvc-no-usable-storageclass', 'StorageClass "nope" does not exist', [`PersistentVolumeClaim airflow/${name} is Pending`])
  const unmounted = (name: string) => found('volume-mount-failed', 'Volume nfs cannot be mounted', [`Pod airflow/${name}: FailedMount`])
  for (const cause of [pending('data-airflow-postgresql-0'), pending('dags'), unmounted('airflow-postgresql-0'), unmounted('airflow-run-airflow-migrations-x')]) t.same(causes(cause, failedJob(), parts), [cause.id], cause.evidence.join())
  for (const cause of [pending('logs-airflow-triggerer-0'), pending('dags-2'), unmounted('airflow-webserver-1')]) t.same(causes(cause, failedJob(), parts), [], cause.evidence.join())
  const answered = failedJob('airflow-run-airflow-migrations-x/run-airflow-migrations: sqlalchemy.exc.ProgrammingError: (psycopg2.errors.DuplicateColumn) column "x" already exists')
  for (const cause of [pending('data-airflow-postgresql-0'), none('postgresql'), unreachable]) t.same(causes(cause, answered, parts), [], 'whom the database has answered')
  t.end()
})

void t.test('a crash that comes of an edited command is told with what its own words are told as, and no other', (t) => {
  const edited = found('crash-loop', 'x', [...dies('triggerer').evidence, 'StatefulSet airflow/airflow-triggerer is not as the release has it: spec.template.spec.containers[triggerer].env[A]'])
  t.same(causes(unreachable, edited), [])
  t.same(causes({ ...unreachable, evidence: ['airflow-triggerer-0/triggerer: psycopg2.OperationalError'] }, edited), ['database-unreachable'])
  const beside = { ...edited, evidence: edited.evidence.map((line) => line.replace('[triggerer]', '[other]')) }
  t.same(causes(unreachable, beside), ['database-unreachable'], 'of a container beside it')
  t.end()
})
