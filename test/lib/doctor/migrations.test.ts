/** Helm's hooks and who waits for them. The texts are of Helm 3.9 and Airflow 2.6, from the failure catalogue (C, D and K); none was produced here. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { ContainerLog, Evidence, Wanted } from '../../../lib/doctor/evidence.ts'
import type { ReleaseHook } from '../../../lib/access.ts'
import { container, crashed, deployment, inManifest, job, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'
import { answers, wanted as whole } from './way.ts'

const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const starting = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)]
const of = (parts: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}) =>
  evidence({ workloads: good, autoscalers: [], record: release({ objects: good.map(inManifest), updatedAt: long, ...record }), ...parts })
const found = (one: Evidence) => diagnose(one).findings
const ids = (one: Evidence) => [...diagnose(one).unknown, ...found(one).map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.length > 0 ? ' explained' : ''}`)]

const hook = (name: string, fields: Partial<ReleaseHook> = {}): ReleaseHook => ({
  ref: { apiVersion: 'batch/v1', kind: 'Job', name, namespace: 'airflow' }, events: ['post-install', 'post-upgrade'],
  deletePolicies: ['before-hook-creation', 'hook-succeeded'], phase: 'Unknown', ...fields,
})
const migrate = (fields: Partial<ReleaseHook> = {}) => hook('airflow-run-airflow-migrations', fields)
const createUser = (fields: Partial<ReleaseHook> = {}) => hook('airflow-create-user', fields)

const waitingPod = pod({
  spec: { initContainers: [{ name: 'wait-for-airflow-migrations', image: 'apache/airflow:2.6.2' }] },
  status: { phase: 'Pending', initContainerStatuses: [container({ name: 'wait-for-airflow-migrations', state: { running: { startedAt: '2023-08-02T10:01:00Z' } } })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] },
})
const initDone = pod({ status: { ...ready, initContainerStatuses: [container({ name: 'wait-for-airflow-migrations', ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } })], containerStatuses: [container({ ready: true, state: { running: { startedAt: '2023-08-02T10:05:00Z' } } })] } })
const log = (line: string, name = 'wait-for-airflow-migrations', of = waitingPod): ContainerLog => ({ namespace: 'airflow', pod: of.metadata.name, container: name, previous: false, lines: ['first', line] })
const stillWaits = log('[2023-08-02T10:29:40.123+0000] {migration.py:84} INFO - Waiting for migrations... 59 second(s)')
const unapplied = log('TimeoutError: There are still unapplied migrations after 60 seconds. MigrationHead(s) in DB: set() | Migration Head(s) in Source Code: {\'c804e5c76e3e\'}')
const waits = (parts: Partial<Evidence> = {}): Partial<Evidence> => ({ workloads: starting, pods: [waitingPod], logs: [stillWaits], ...parts })

void t.test('pods that wait for a hook that Helm begins only after them are a deadlock', (t) => {
  const pending = of(waits(), { status: 'pending-install', updatedAt: '2023-08-02T10:25:00Z', hooks: [migrate()] })
  t.match(found(pending), [{ id: 'wait-hook-deadlock', severity: 'error', evidence: [/^Helm release airflow\/airflow: pending-install; there is no Job/, /^Pod airflow\/airflow-scheduler-.*Waiting for migrations/], fix: [/^for try in 1 2 3 4 5 6; do kubectl -n airflow exec airflow-scheduler-\S+ -c wait-for-airflow-migrations -- airflow db upgrade && break; sleep 10; done #/, /useHelmHooks: false/] }])
  const ended = ids(of(waits(), { status: 'failed', description: 'Release "airflow" failed: timed out waiting for the condition', hooks: [migrate()] }))
  t.same(ended[0], 'wait-hook-deadlock error')
  t.ok(ended.slice(1).every((line) => line.endsWith('explained')), ended.join())
  t.end()
})

void t.test('no deadlock where the Job is there, is no hook, has only begun, or the pods are through', (t) => {
  const record = { status: 'pending-install', updatedAt: '2023-08-02T10:25:00Z', hooks: [migrate({ phase: 'Running' })] }
  const silent = (one: Evidence, why: string) => {
    t.notOk(found(one).some(({ id }) => id === 'wait-hook-deadlock'), why)
  }
  silent(of(waits({ jobs: [job({ active: 1 })] }), record), 'the Job is at work')
  silent(of(waits(), { ...record, hooks: [] }), 'no hook')
  silent(of(waits(), { ...record, updatedAt: '2023-08-02T10:29:50Z' }), 'ten seconds old')
  silent(of({ pods: [initDone], logs: [stillWaits] }, record), 'the pods are through')
  silent(of(waits(), { status: 'failed', hooks: [migrate()], description: 'Release "airflow" failed: failed post-install: timed out waiting for the condition' }), 'the hook was begun')
  t.same(ids(of({ pods: [initDone], logs: [stillWaits] }, { hooks: [migrate({ phase: 'Succeeded', endedAt: '2023-08-02T09:05:00Z' })] })), [], 'a healthy release')
  t.end()
})

const template = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'run-airflow-migrations', image }] } } } })

void t.test('a database that has lost its tables is told as that, with what makes them again', (t) => {
  const done = { hooks: [migrate({ phase: 'Succeeded', endedAt: '2023-08-02T09:05:00Z' })], values: { data: { metadataSecretName: 'airflow-airstrip-metadata' } } }
  const database = { user: 'airflow', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' }
  const secrets = [{ name: 'airflow-airstrip-metadata', type: 'Opaque', createdAt: long, labels: {}, keys: ['connection'], same: {}, remarks: { connection: 'leads to airflow-postgresql.airflow:5432/airflow' } }]
  const right = { wanted: { ...whole, database }, secrets }
  t.match(found(of(waits({ logs: [unapplied], ...right }), done))[0], {
    id: 'wait-for-migrations-crashloop', severity: 'error', title: /shows Airflow no tables any more/, why: /lost the right/, evidence: [/unapplied/, /Head\(s\) in DB: set\(\)/],
    fix: [/^kubectl -n airflow exec airflow-scheduler-\S+ -c wait-for-airflow-migrations -- airflow db upgrade #/, /restore FILE/],
  })
  const older = log('TimeoutError: There are still unapplied migrations after 60 seconds. Migration Head(s) in DB: {\'937cbd173ca1\'} | Migration Head(s) in Source Code: {\'c804e5c76e3e\'}')
  t.match(found(of(waits({ logs: [older], ...right }), done))[0], { title: /done elsewhere/ }, 'one of another Airflow has tables')
  const by = (image: string) => ({ jobs: [{ ...job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2023-08-02T10:02:00Z' }] }), ...template(image) }] })
  t.match(found(of(waits({ logs: [older], ...right, ...by('apache/airflow:2.6.2') }), done))[0], {
    title: 'The database is at revision 937cbd173ca1, and the image wants c804e5c76e3e', fix: [/^npx tsx run.ts backup && kubectl -n airflow exec airflow-scheduler-\S+ -c wait-for-airflow-migrations -- airflow db upgrade #/, /airflow.image.tag/],
  }, 'the Job has had it right, so it was moved since')
  const scheduler = { ...inManifest(deployment('airflow-scheduler', 1)), spec: { template: { spec: { initContainers: [{ name: 'wait-for-airflow-migrations', image: 'apache/airflow:2.6.2' }] } } } }
  t.match(found(of(waits({ logs: [older], ...right }), { ...done, objects: [scheduler] }))[0], { title: /is at revision 937cbd173ca1/ }, 'of a hook that is gone the release tells the image')
  const young = { ...waitingPod, metadata: { ...waitingPod.metadata, creationTimestamp: '2023-08-02T10:28:50Z' } }
  t.notOk(ids(of(waits({ pods: [young], ...right }), { ...done, objects: [scheduler] })).some((one) => one.startsWith('wait-for-migrations')), 'who has not said yet what it finds, and is about to, is waited for')
  const running = pod({ name: 'airflow-webserver-5c9-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-5c9' }, labels: { 'pod-template-hash': '5c9' }, spec: { containers: [{ name: 'webserver', image: 'apache/airflow:2.6.2' }] }, status: ready })
  t.match(found(of(waits({ pods: [waitingPod, running], logs: [older], ...right }), { ...done, objects: [scheduler] }))[0], { fix: [/exec airflow-webserver-5c9-abcde -c webserver -- airflow db upgrade #/] }, 'where a container runs on, there')
  const triggerer = pod({ name: 'airflow-triggerer-0', owner: { kind: 'StatefulSet', name: 'airflow-triggerer' }, labels: {}, spec: { initContainers: [{ name: 'wait-for-airflow-migrations', image: 'apache/airflow:2.6.2' }], containers: [{ name: 'triggerer', image: 'apache/airflow:2.6.2' }] }, status: { containerStatuses: [crashed(4, {}, { name: 'triggerer' })] } })
  const lacking = log('[2023-08-02T10:29:50.000+0000] sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "job" does not exist', 'triggerer', triggerer)
  const roots = found(of(waits({ pods: [waitingPod, triggerer], logs: [unapplied, lacking], ...right }), done)).filter(({ severity, causes = [] }) => severity === 'error' && causes.length === 0)
  t.match(roots, [{
    id: 'database-unreachable', title: /finds no table job/, fix: [/^npx tsx run.ts restore #/, /^kubectl -n airflow exec airflow-triggerer-0 -c wait-for-airflow-migrations -- airflow db upgrade #/],
  }], 'who misses one of them, and who looks for all, miss the same')
  t.same(roots.map(({ id }) => id), ['database-unreachable'])
  t.match(found(of(waits({ logs: [older], ...right, ...by('apache/airflow:2.5.0') }), done))[0], { title: /done elsewhere/ }, 'another image of the pods is no reason to migrate')
  t.match(found(of(waits({ logs: [unapplied] }), done))[0], { title: /done elsewhere/ }, 'of a connection that nobody knows it may be another database')
  t.end()
})

void t.test('a database with all its tables, and without its record of their revision, gets the record back and nothing else', (t) => {
  const done = { hooks: [migrate({ phase: 'Succeeded', endedAt: '2023-08-02T09:05:00Z' })], values: { data: { metadataSecretName: 'airflow-airstrip-metadata' } } }
  const secrets = [{ name: 'airflow-airstrip-metadata', type: 'Opaque', createdAt: long, labels: {}, keys: ['connection'], same: {}, remarks: { connection: 'leads to airflow-postgresql.airflow:5432/airflow' } }]
  const database = { user: 'airflow', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' }
  const postgresql = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: ready })
  const scheduler = { ...inManifest(deployment('airflow-scheduler', 1)), spec: { template: { spec: { initContainers: [{ name: 'wait-for-airflow-migrations', image: 'apache/airflow:2.6.2' }] } } } }
  const page = (metadatabase: string, latest_triggerer_heartbeat: string | null) => ({ answered: answers({ body: JSON.stringify({ metadatabase: { status: metadatabase }, scheduler: { status: 'unhealthy', latest_scheduler_heartbeat: null }, triggerer: { status: 'healthy', latest_triggerer_heartbeat } }) }) })
  const look = (parts: Partial<Evidence>, objects = [scheduler]) => found(of(waits({ pods: [waitingPod, postgresql], logs: [unapplied], wanted: { ...whole, database }, secrets, ...parts }), { ...done, objects })).find(({ id }) => id === 'wait-for-migrations-crashloop')
  const living = page('healthy', '2023-08-02T10:29:58.1+00:00')
  t.match(look(living), {
    severity: 'error', title: 'The database has lost its record of its revision, and has its tables', evidence: [/unapplied/, /in DB: set\(\)/, /last heartbeat of 2023-08-02T10:29:58/],
    why: /alembic_version/, fix: [/^npx tsx run\.ts backup && echo 'CREATE TABLE IF NOT EXISTS alembic_version \(version_num varchar\(32\) CONSTRAINT alembic_version_pkc PRIMARY KEY\); ALTER TABLE alembic_version OWNER TO "airflow"; INSERT INTO alembic_version SELECT \$\$c804e5c76e3e\$\$ WHERE NOT EXISTS \(SELECT FROM alembic_version\)' \| kubectl -n airflow exec -i airflow-postgresql-0 -- sh -c .* -d airflow' #/, /restore FILE/],
  })
  t.match(look({ ...living, pods: [waitingPod] })?.fix, [/^CREATE TABLE IF NOT EXISTS .*; INSERT INTO alembic_version .* in the database airflow/, /restore FILE/], 'a database that is elsewhere')
  t.match(look(living, []), { title: /done elsewhere/ }, 'of another image the head would be another')
  for (const parts of [page('unhealthy', '2023-08-02T10:29:58.1+00:00'), page('healthy', null), {}]) t.match(look(parts), { title: /shows Airflow no tables/ })
  t.end()
})

void t.test('who waits for migrations that are not coming is told, with why none comes', (t) => {
  const look = (jobs: Evidence['jobs'], phase: string, logs = [unapplied], endedAt = '2023-08-02T09:05:00Z') => found(of(waits({ jobs, logs }), { hooks: [migrate({ phase, endedAt })] }))
  const silent = (...all: Parameters<typeof look>) => look(...all).filter(({ id }) => id === 'wait-for-migrations-crashloop')
  t.match(look([], 'Unknown'), [{ id: 'wait-for-migrations-crashloop', title: /which nothing runs/, fix: [/runs the migrations/, /migrateDatabaseJob.enabled: true/] }])
  t.match(look([], 'Succeeded'), [{ id: 'wait-for-migrations-crashloop', title: /done elsewhere/, evidence: [/^Pod airflow\/airflow-scheduler-.*still unapplied migrations/, 'the pods wait with image apache/airflow:2.6.2'], fix: [/data.metadataSecretName/] }])
  const done = { ...job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2023-08-02T10:02:00Z' }] }), ...template('apache/airflow:2.5.0') }
  t.match(look([done], 'Succeeded'), [{ id: 'wait-for-migrations-crashloop', evidence: [/still unapplied/, /2.6.2/, 'the Job migrates with image apache/airflow:2.5.0'] }])
  t.same(silent([job({ active: 1 })], 'Running'), [], 'a Job at work is waited for')
  t.same(silent([], 'Succeeded', [unapplied], '2023-08-02T10:28:00Z'), [], 'and so is who may not have looked since')
  const began = pod({ spec: waitingPod.spec as Record<string, unknown>, status: { phase: 'Pending', initContainerStatuses: [container({ name: 'wait-for-airflow-migrations', state: { running: { startedAt: '2023-08-02T10:28:20Z' } } })] } })
  const recent = found(of(waits({ pods: [began], jobs: [], logs: [unapplied] }), { hooks: [migrate({ phase: 'Succeeded', endedAt: '2023-08-02T10:28:00Z' })] }))
  t.match(recent[0], { id: 'wait-for-migrations-crashloop', title: /done elsewhere/ }, 'but not who has begun since, and waited for the whole time')
  t.same(silent([], 'Unknown', [log('Starting the scheduler', 'scheduler')]), [], 'a pod that says nothing of it')
  t.end()
})

void t.test('what waits never stands before what is wrong below it', (t) => {
  const record = { status: 'failed', description: 'Release "airflow" failed: failed post-install: timed out waiting for the condition', hooks: [migrate({ phase: 'Failed' })] }
  const tried = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit', lastTransitionTime: '2023-08-02T10:10:00Z' }] })
  const list = ids(of(waits({ jobs: [tried], logs: [unapplied] }), record))
  t.same(list[0], 'job-failed error')
  t.ok(list.includes('wait-for-migrations-crashloop error explained'), list.join())
  t.end()
})

const webserver = pod({ name: 'airflow-webserver-5c9-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-5c9' }, labels: { 'pod-template-hash': '5c9' }, status: { ...ready, containerStatuses: [container({ name: 'webserver', ready: true, state: { running: { startedAt: '2023-08-02T10:05:00Z' } } })] } })
const noUser = log('[2023-08-02 10:05:09,123] {manager.py:585} WARNING - No user yet created, use flask fab command to do it.', 'webserver', webserver)

void t.test('a login that nobody made is told, one that was made since is not', (t) => {
  const failed = { status: 'failed', description: 'Release "airflow" failed: failed post-install: timed out waiting for the condition', hooks: [migrate({ phase: 'Failed' }), createUser()] }
  const list = found(of({}, failed))
  t.match(list.find(({ id }) => id === 'admin-login-missing'), { evidence: ['Job airflow/airflow-create-user has not run'], fix: [/run.ts apply --from helm/, /deploy\/airflow-webserver/] })
  t.not(list[0]?.id, 'admin-login-missing', 'and stands under what kept the hook from running')
  const done = job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }, 'airflow-create-user')
  t.notOk(ids(of({ jobs: [done] }, failed)).some((id) => id.startsWith('admin-login')), 'one whose Job has ended well since')
  t.notOk(ids(of({}, { ...failed, revision: 2 })).some((id) => id.startsWith('admin-login')), 'nor after an upgrade: the install had made it')
  const look = (hooks: ReleaseHook[], parts: Partial<Evidence> = {}) => ids(of({ pods: [webserver], logs: [noUser], ...parts }, { hooks }))
  t.same(look([createUser()]), ['admin-login-missing warning'], 'a hook that has not run')
  t.same(look([], { jobs: [job({ active: 1 }, 'airflow-create-user')] }), ['admin-login-missing warning'], 'a Job that is no hook, and has not ended')
  t.same(look([]), [], 'where the chart was told not to make it, whoever logs in is made by somebody else')
  t.same(look([createUser({ phase: 'Succeeded', endedAt: '2023-08-02T10:06:00Z' })]), [], 'said at the start, and made a minute after')
  t.same(look([createUser({ phase: 'Succeeded', endedAt: '2023-08-02T09:06:00Z' })]), ['admin-login-missing warning'], 'made in a database that is gone')
  t.same(look([], { jobs: [job({ succeeded: 1, completionTime: '2023-08-02T10:06:00Z', conditions: [{ type: 'Complete', status: 'True' }] }, 'airflow-create-user')] }), [], 'made by a Job that is no hook')
  t.same(ids(of({ pods: [webserver] }, { hooks: [createUser({ phase: 'Succeeded' })] })), [])
  t.same(ids(of({}, { status: 'pending-install', updatedAt: '2023-08-02T10:29:00Z', hooks: [createUser()] })), [], 'an install that is at it')
  t.end()
})

void t.test('a name that is in use is told with what has it', (t) => {
  const said = (text: string) => of({ said: [{ source: 'step helm, in state.json', at: '2023-08-02T10:00:00Z', text }] })
  t.match(found(said('Error: INSTALLATION FAILED: cannot re-use a name that is still in use')), [{ id: 'helm-name-in-use', severity: 'error', title: /airflow\/airflow/, evidence: [/^step helm/, 'Helm release airflow/airflow: revision 1 is deployed'], fix: [/upgrade --install/] }])
  t.same(ids(said('Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress')), [], 'a lock is another thing')
  t.end()
})

const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'airflow', deletionTimestamp: '2023-08-02T10:20:00Z' } }

void t.test('a namespace that does not go is told with what holds it', (t) => {
  const condition = (type: string, message: string) => ({ ...own, status: { phase: 'Terminating', conditions: [{ type, status: 'True', message }, { type: 'NamespaceDeletionContentFailure', status: 'False' }] } })
  const held = of({ ownNamespace: condition('NamespaceFinalizersRemaining', 'Some content in the namespace has finalizers remaining: kubernetes.io/pvc-protection in 1 resource instances') })
  t.match(found(held)[0], { id: 'namespace-terminating', severity: 'error', title: 'Namespace airflow is being deleted', evidence: [/10:20:00Z/, /^NamespaceFinalizersRemaining: .*pvc-protection/], fix: [/kubectl -n airflow get pods,pvc/, /apply/] })
  t.match(found(of({ ownNamespace: condition('NamespaceDeletionDiscoveryFailure', 'Discovery failed for some groups, 1 failing: metrics.k8s.io/v1beta1') }))[0], { fix: [/get apiservice/, /apply/] })
  t.match(ids(of({ ownNamespace: { ...own, status: {} }, workloads: [] })), [/^namespace-terminating error$/], 'and nothing that is gone with it')
  t.same(ids(of({ ownNamespace: { ...own, metadata: { name: 'airflow' }, status: { phase: 'Active' } } })), [])
  t.end()
})

const keyed = { values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } }

function wants(fields: Partial<Wanted>): Wanted {
  return {
    chart: 'apache-airflow/airflow', executor: 'LocalExecutor', storagePath: '/srv/airflow', host: '', path: '/airflow', prefix: 'mount', certResolver: '', entryPoint: 'websecure',
    family: 'official-2', healthPath: '/health', route: 'airflow-webserver', service: 'airflow-webserver', bundledDatabase: true, fernetSecretName: 'airflow-airstrip-fernet-key', ...fields,
  }
}

void t.test('an executor that the chart does not take is named by either chart, and by every Helm', (t) => {
  const texts = [
    'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- executor: Does not match pattern \'^(LocalExecutor|CeleryExecutor)$\'',
    'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- executor: executor must be one of the following: "LocalExecutor", "CeleryExecutor"',
    'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- at \'/executor\': value must be one of \'LocalExecutor\', \'CeleryExecutor\'',
    'execution error at (airflow/templates/_helpers/validate-values.tpl:1:1): The `airflow.executor` must be one of: [CeleryExecutor, CeleryKubernetesExecutor, KubernetesExecutor]!',
  ]
  for (const text of texts) {
    const list = found(of({}, { status: 'failed', description: text }))
    t.match(list.map(({ id }) => id), ['executor-not-supported-by-chart', 'helm-release-failed'], text)
    t.match(list[0]?.fix, [/^Write another executor as airflow\.executor \(CeleryExecutor, or KubernetesExecutor\), then: npx tsx run\.ts apply --from helm$/], 'those that every chart takes')
    t.match(found(of({ wanted: wants({ executor: 'CeleryExecutor' }) }, { status: 'failed', description: text }))[0]?.fix, [/\(LocalExecutor, or LocalKubernetesExecutor, or KubernetesExecutor, or CeleryKubernetesExecutor\)/], 'those of its family, without the one that was refused')
  }
  t.same(ids(of({}, { status: 'failed', description: 'values don\'t meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- executors: Additional property foo is not allowed' }))[0], 'values-schema-rejected error')
  const wanted = (executor: string) => of({ wanted: wants({ executor }) }, keyed)
  t.match(found(wanted('SequentialExecutor')), [{ id: 'executor-not-supported-by-chart' }])
  t.same(ids(wanted('LocalExecutor')), [])
  t.end()
})

void t.test('a release with keys of its own is told, and how to keep them', (t) => {
  const look = (values: Record<string, unknown>) => of({ wanted: wants({}) }, { values })
  t.match(found(look({})), [{ id: 'release-not-airstrips', severity: 'warning', evidence: [/in no Secret that its values name, airstrip's is in Secret airflow-airstrip-fernet-key/], fix: [/run.ts adopt/] }])
  t.match(found(look({ fernetKeySecretName: 'mine' })), [{ id: 'release-not-airstrips', evidence: [/is in Secret mine,/] }])
  t.same(ids(look(keyed.values)), [])
  t.same(ids(of({ wanted: wants({ fernetSecretName: 'mine' }) }, { values: { fernetKeySecretName: 'mine' } })), [], 'a key that the configuration names')
  t.end()
})
