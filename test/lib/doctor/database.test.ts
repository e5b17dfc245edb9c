/** The database under Airflow. The texts are of Bitnami's PostgreSQL, psycopg2 and alembic, from the failure catalogue (B 16, D); none was produced here. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { ContainerLog, Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { claim, container, crashed, deployment, inManifest, job, pod, ready, release, statefulSet, volume } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'
import { wanted as whole } from './way.ts'

const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const of = (parts: Partial<Evidence> = {}, record: Parameters<typeof release>[0] = {}) =>
  evidence({ workloads: good, autoscalers: [], record: release({ objects: good.map(inManifest), updatedAt: long, ...record }), ...parts })
const found = (one: Evidence) => diagnose(one).findings
const ids = (one: Evidence) => [...diagnose(one).unknown, ...found(one).map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.length > 0 ? ' explained' : ''}`)]
const errors = (one: Evidence) => found(one).filter(({ severity }) => severity === 'error').map(({ id, causes = [] }) => `${id}${causes.length > 0 ? ' explained' : ''}`)
const has = (one: Evidence, wanted: string) => found(one).some(({ id }) => id === wanted)

const log = (about: KubernetesObject, name: string, line: string, previous = false): ContainerLog => ({ namespace: 'airflow', pod: about.metadata.name, container: name, previous, lines: ['first', line] })
const postgres = (status: Record<string, unknown>, spec: Record<string, unknown> = {}) => pod({
  name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status,
  spec: { containers: [{ name: 'postgresql', image: 'bitnami/postgresql:11', ...spec }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] },
})
const bound = claim({ volumeName: 'database' }, { phase: 'Bound' })
const folder = volume({ hostPath: { path: '/srv/airflow/database' } }, 'Bound', 'database')
const noDatabase = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 1)]

function refusing(line: string, spec: Record<string, unknown> = {}): Evidence {
  const one = postgres({ containerStatuses: [crashed(4, {}, { name: 'postgresql' })] }, spec)
  return of({ workloads: noDatabase, pods: [one], claims: [bound], volumes: [folder], logs: [log(one, 'postgresql', line)] })
}

void t.test('a folder that PostgreSQL may not write is told with the folder, and the user that needs it', (t) => {
  const lines = [
    'mkdir: cannot create directory ‘/bitnami/postgresql/data’: Permission denied',
    'mkdir: cannot create directory \'/bitnami/postgresql/data\': Permission denied',
    'initdb: error: could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted',
    'FATAL:  data directory "/bitnami/postgresql/data" has wrong ownership',
    'postgres: could not access directory "/bitnami/postgresql/data": Permission denied',
    'FATAL:  could not open file "/bitnami/postgresql/data/PG_VERSION": Permission denied',
    '2023-08-02 10:29:31.010 GMT [1] FATAL:  could not create lock file "postmaster.pid": Permission denied',
    'chmod: changing permissions of \'/bitnami/postgresql/data\': Operation not permitted',
    // The entrypoint of the official image, which begins as root, on a file system that lets nobody change owners; and BusyBox, of its Alpine variant.
    'chown: changing ownership of \'/var/lib/postgresql/data\': Operation not permitted',
    'mkdir: can\'t create directory \'/var/lib/postgresql/data/pgdata\': Permission denied',
    'chown: /var/lib/postgresql/data: Permission denied',
  ]
  for (const line of lines) {
    t.match(found(refusing(line))[0], {
      id: 'postgres-datadir-permission', severity: 'error', causes: undefined,
      evidence: [line, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is /srv/airflow/database on home', 'it runs as uid 1001'],
      fix: [/^sudo chown -R 1001:1001 \/srv\/airflow\/database && kubectl -n airflow delete pod airflow-postgresql-0/, /volumePermissions/],
    }, line)
  }
  const [line = ''] = lines
  t.match(found(refusing(line, { securityContext: { runAsUser: 999 } }))[0]?.fix, [/chown -R 999:999/])
  t.same(ids(refusing(line)), ['postgres-datadir-permission error', 'crash-loop error explained'])
  t.end()
})

void t.test('another one\'s folder, another fault of PostgreSQL, and what is over are not it', (t) => {
  const id = 'postgres-datadir-permission'
  const line = 'mkdir: cannot create directory \'/bitnami/postgresql/data\': Permission denied'
  const scheduler = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const logs = [log(scheduler, 'scheduler', 'PermissionError: [Errno 13] Permission denied: \'/opt/airflow/logs/scheduler\''), log(scheduler, 'scheduler', line)]
  t.notOk(has(of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [scheduler, postgres(ready)], logs }), id), 'the scheduler\'s')
  t.notOk(has(refusing('FATAL:  password authentication failed for user "postgres"'), id), 'a password')
  t.notOk(has(refusing('PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device'), id), 'a full disk')
  const mended = postgres({ ...ready, containerStatuses: [container({ name: 'postgresql', ready: true, restartCount: 4, state: { running: { startedAt: '2023-08-02T10:20:00Z' } } })] })
  t.same(ids(of({ pods: [mended], claims: [bound], volumes: [folder], logs: [log(mended, 'postgresql', line, true), log(mended, 'postgresql', 'database system is ready to accept connections')] })), [])
  t.end()
})

void t.test('a volume of another major version is told with both', (t) => {
  // PostgreSQL 11 to 17, src/backend/utils/init/miscinit.c, ValidatePgVersion
  const line = '2023-08-02 10:29:31.010 GMT [1] DETAIL:  The data directory was initialized by PostgreSQL version 11, which is not compatible with this version 15.2 (Debian 15.2-1.pgdg110+1).'
  t.match(found(refusing(line))[0], { id: 'postgres-major-version', severity: 'error', title: /PostgreSQL 11, .* 15\.2/, fix: [/airflow\.database\.imageTag/] })
  t.same(ids(refusing(line)), ['postgres-major-version error', 'crash-loop error explained'])
  t.end()
})

const revision = 'alembic.util.exc.CommandError: Can\'t locate revision identified by \'98ae134e6fff\''

function waitingFor(line: string): Evidence {
  const name = 'wait-for-airflow-migrations'
  const one = pod({
    spec: { initContainers: [{ name, image: 'apache/airflow:2.5.0' }] },
    status: { phase: 'Pending', initContainerStatuses: [crashed(4, {}, { name })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] },
  })
  return of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one], logs: [log(one, name, line)] })
}

void t.test('a database of a newer Airflow is told with the image that is too old', (t) => {
  for (const line of [revision, 'FAILED: No such revision or branch \'98ae134e6fff\'']) {
    t.match(found(waitingFor(line))[0], { id: 'db-newer-than-image', severity: 'error', causes: undefined, evidence: [/^airflow-scheduler-.*98ae134e6fff/, 'it runs apache/airflow:2.5.0'], fix: [/airflow.image.tag/, /db downgrade/] }, line)
  }
  t.notOk(has(waitingFor('TimeoutError: There are still unapplied migrations after 60 seconds.'), 'db-newer-than-image'), 'an older one is not')
  const runs = pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: '2023-08-02T10:20:00Z' } } })] } })
  t.same(ids(of({ pods: [runs], logs: [log(runs, 'scheduler', revision, true), log(runs, 'scheduler', 'Starting the scheduler')] })), [], 'nor what was said before it was mended')
  t.end()
})

void t.test('and where the Job of the migrations says so, it is the cause of the failed release', (t) => {
  const tried = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }] })
  const one = pod({ name: 'airflow-run-airflow-migrations-x', owner: { kind: 'Job', name: tried.metadata.name }, labels: {}, spec: { containers: [{ name: 'run-airflow-migrations', image: 'apache/airflow:2.5.0' }], restartPolicy: 'OnFailure' }, status: { phase: 'Failed', conditions: [], containerStatuses: [container({ name: 'run-airflow-migrations', state: { terminated: { exitCode: 1, reason: 'Error' } } })] } })
  const hooks = [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name: tried.metadata.name, namespace: 'airflow' }, events: ['post-upgrade'], deletePolicies: [], phase: 'Failed' }]
  const list = ids(of({ jobs: [tried], pods: [one], logs: [log(one, 'run-airflow-migrations', revision)] }, { status: 'failed', description: 'Upgrade "airflow" failed: post-upgrade hooks failed: job failed: BackoffLimitExceeded', hooks }))
  t.same(list[0], 'db-newer-than-image error')
  t.ok(list.includes('job-failed error explained'), list.join())
  t.end()
})

const refused = '(psycopg2.OperationalError) connection to server at "airflow-postgresql" (10.96.7.7), port 5432 failed: Connection refused'
const kube = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } } })
/** A DNS that works: the name itself is wrong then. */
const dns = [
  kube(deployment('coredns', 1)), kube({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns' }, spec: {} }),
  kube({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kube-dns' }, subsets: [{ addresses: [{ ip: '10.244.0.2' }] }] }),
]
const since = (time: string) => ({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }] })

function cannotReach(line: string, parts: Partial<Evidence> = {}, database: KubernetesObject[] = [postgres(since('2023-08-02T10:05:00Z'))]): Evidence {
  const one = pod({ status: { containerStatuses: [crashed(4, {})] } })
  return of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one, ...database], logs: [log(one, 'scheduler', line)], ...parts })
}

void t.test('a database that is ready and is not reached is told, and explains what crashes', (t) => {
  const lines = [
    refused,
    'psycopg2.OperationalError: could not connect to server: Connection timed out',
    '(psycopg2.OperationalError) connection to server at "airflow-postgresql" (10.96.7.7), port 5432 failed: No route to host',
    'psycopg2.OperationalError: connection to server at "airflow-postgresql" (10.96.7.7), port 5432 failed: timeout expired',
  ]
  for (const line of lines) {
    t.match(found(cannotReach(line)).map(({ id }) => id), ['database-unreachable', 'crash-loop'], line)
    t.match(found(cannotReach(line))[0], { severity: 'error', title: /its database, which is ready/, evidence: [line, 'Pod airflow/airflow-postgresql-0 has been ready since 2023-08-02T10:05:00Z'], fix: [/^kubectl -n airflow get service,endpoints,networkpolicy/] })
  }
  t.match(found(cannotReach('psycopg2.OperationalError: could not translate host name "airflow-postgresql" to address: Name or service not known', { system: dns }))[0], { id: 'database-unreachable', title: 'Airflow cannot resolve its database\'s name, airflow-postgresql' })
  // psycopg 3
  t.match(found(cannotReach('(psycopg.OperationalError) failed to resolve host \'airflow-postgresql\': [Errno -2] Name or service not known', { system: dns }))[0], { id: 'database-unreachable', title: 'Airflow cannot resolve its database\'s name, airflow-postgresql' })
  t.end()
})

const place = { user: 'airflow', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' }
const wanted = { ...whole, database: place }
const connection = (leads: string, changed?: SecretFacts['changed']): SecretFacts => ({ name: 'airflow-airstrip-metadata', type: 'Opaque', createdAt: long, labels: {}, keys: ['connection'], same: {}, remarks: { connection: leads }, ...(changed === undefined ? {} : { changed }) })
const byHand = { by: 'kubectl-patch', at: '2023-08-02T10:20:00Z' }

void t.test('a Secret whose connection leads elsewhere is the cause of whatever is said of the database', (t) => {
  const lines = {
    'leads to no-such-database:5432/airflow': 'psycopg2.OperationalError: could not translate host name "no-such-database" to address: Name or service not known',
    'leads to airflow-postgresql.airflow:5433/airflow': 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5433 failed: Connection refused',
    'leads to airflow-postgresql.airflow:5432/airflw': 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  database "airflw" does not exist',
    'is not the address of a database': 'sqlalchemy.exc.ArgumentError: Could not parse rfc1738 URL from string \'•••\'',
    'is empty': 'sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: alembic_version',
  }
  for (const [leads, line] of Object.entries(lines)) {
    const one = cannotReach(line, { system: dns, wanted, secrets: [connection(leads, byHand)] })
    t.match(found(one)[0], {
      id: 'database-unreachable', severity: 'error', causes: undefined, title: 'Secret airflow/airflow-airstrip-metadata does not lead to Airflow\'s database',
      evidence: [`the connection of Secret airflow/airflow-airstrip-metadata ${leads}, as kubectl-patch wrote it at 2023-08-02T10:20:00Z; the configuration leads to airflow-postgresql.airflow:5432/airflow`, line],
      fix: [/get secret airflow-airstrip-metadata -o yaml > .* && kubectl -n airflow delete secret airflow-airstrip-metadata && npx tsx run\.ts apply #/],
    }, leads)
    t.same(errors(one), ['database-unreachable', 'crash-loop explained'], leads)
  }
  const server: SecretFacts = { ...connection('is empty'), name: 'airflow-airstrip-postgresql', keys: ['password'], remarks: {} }
  t.notOk(has(of({ wanted, secrets: [server, connection('is not the address of a database')] }), 'postgres-pvc-old-password'), 'nor is its password told besides')
  t.match(found(of({ wanted, secrets: [connection('leads to elsewhere:5432/airflow')] })).at(-1), { id: 'database-unreachable', severity: 'warning' }, 'before anybody fails for it')
  t.notOk(has(of({ wanted, secrets: [connection('leads to airflow-postgresql.airflow:5432/airflow')] }), 'database-unreachable'))
  t.end()
})

void t.test('PostgreSQL that lets nobody in is told by the reason that it gives', (t) => {
  const at = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  '
  // src/backend/libpq/auth.c and utils/init/postinit.c: "SSL off" and the words on reserved places differ between versions.
  const reasons: [string, RegExp, RegExp][] = [
    [`${at}database "airflow" does not exist`, /has no database airflow$/, /^echo 'CREATE DATABASE "airflow" OWNER "airflow"' \| kubectl -n airflow exec -i airflow-postgresql-0 -- sh -c '.*' && kubectl -n airflow rollout restart/],
    [`${at}role "airflow" is not permitted to log in`, /does not let airflow log in/, /^echo 'ALTER ROLE "airflow" LOGIN' \|/],
    [`${at}no pg_hba.conf entry for host "10.244.0.9", user "airflow", database "airflow", SSL off`, /pg_hba.conf/, /Add a line/],
    [`${at}pg_hba.conf rejects connection for host "10.244.0.9", user "airflow", database "airflow", no encryption`, /pg_hba.conf/, /Add a line/],
    [`${at}too many connections for role "airflow"`, /has no connection left for airflow/, /pgbouncer/],
    [`${at}sorry, too many clients already`, /has no connection left$/, /pgbouncer/],
    [`${at}remaining connection slots are reserved for non-replication superuser connections`, /has no connection left$/, /pgbouncer/],
    [`${at}remaining connection slots are reserved for roles with the SUPERUSER attribute`, /has no connection left$/, /pgbouncer/],
    [`${at}database "airflow" is not currently accepting connections`, /takes no connections/, /ALLOW_CONNECTIONS true/],
    ['psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction', /can only be read/, /RESET default_transaction_read_only/],
    ['sqlalchemy.exc.OperationalError: (psycopg2.OperationalError)  relation "job" does not exist', /has no table job, which Airflow made/, /restore.*airflow db/],
    ['psycopg2.errors.InsufficientPrivilege: permission denied for table alembic_version', /may not use alembic_version/, /REASSIGN OWNED/],
  ]
  const other = { ...wanted, database: { user: 'joe', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' } }
  t.match(found(cannotReach(`${at}database "airflow" does not exist`, { wanted: other }))[0]?.fix[0], /CREATE DATABASE "airflow" OWNER "joe"/, 'it belongs to the user that the configuration names')
  for (const [line, title, fix] of reasons) {
    t.match(found(cannotReach(line, { wanted }))[0], { id: 'database-unreachable', severity: 'error', causes: undefined, title, evidence: [new RegExp(line.slice(-20).replace(/[()]/g, '.'))], fix: [fix] }, line)
    t.same(errors(cannotReach(line, { wanted })), ['database-unreachable', 'crash-loop explained'], line)
  }
  t.same(ids(cannotReach(`${at}the database system is starting up`)).filter((id) => id.startsWith('database')), [], 'which passes by itself')
  t.end()
})

void t.test('another user than the configuration\'s is no wrong password', (t) => {
  const line = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  password authentication failed for user "airfow"'
  const one = cannotReach(line, { wanted, secrets: [connection('leads to airflow-postgresql.airflow:5432/airflow', byHand)] })
  t.match(found(one)[0], { id: 'postgres-pvc-old-password', title: 'Airflow asks the database as user airfow, and the configuration names airflow', evidence: [line, /written by kubectl-patch/], fix: [/delete secret airflow-airstrip-metadata && npx/] })
  t.match(found(cannotReach(line.replace('airfow', 'airflow'), { wanted }))[0], { title: /another password than the Secret/ })
  t.end()
})

void t.test('a database that starts, answers, or was not yet there when somebody asked is none', (t) => {
  const id = 'database-unreachable'
  t.notOk(has(cannotReach(refused, {}, [postgres(since('2023-08-02T10:29:40Z'))]), id), 'ready for twenty seconds')
  t.notOk(has(cannotReach(refused, {}, [postgres(since('2023-08-02T10:29:31Z'))]), id), 'a run that began before it was ready')
  t.notOk(has(cannotReach(refused, {}, []), id), 'not there')
  t.notOk(has(cannotReach('connection to server at "airflow-postgresql" (10.96.7.7), port 5432 failed: FATAL:  password authentication failed for user "postgres"'), id), 'it answers')
  t.notOk(has(cannotReach('kombu.exceptions.OperationalError: Error 111 connecting to airflow-redis:6379. Connection refused.'), id), 'it is Redis')
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'airflow-postgresql', namespace: 'airflow' } }
  t.ok(has(cannotReach(refused, { services: [service] }), id))
  t.notOk(has(cannotReach(refused, { services: [] }), id), 'its Service is gone, which is told as such')
  t.notOk(has(cannotReach(refused, { services: [service], endpoints: [{ ...service, kind: 'Endpoints', subsets: [] }] }), id), 'or leads nowhere')
  const well = pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: '2023-08-02T10:20:00Z' } } })] } })
  t.same(ids(of({ pods: [well, postgres(since('2023-08-02T10:05:00Z'))], logs: [log(well, 'scheduler', refused)] })), [], 'and who is ready has got through')
  t.end()
})

void t.test('of an external database the address is to be corrected', (t) => {
  const one = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const own = [deployment('airflow-scheduler', 0)]
  const look = (line: string) => of({ system: dns, workloads: own, pods: [one], logs: [log(one, 'scheduler', line)] }, { objects: own.map(inManifest) })
  t.match(found(look(refused.replace('airflow-postgresql', 'db.home')))[0], { id: 'database-unreachable', title: /the external database/, fix: [/airflow.database.external/] })
  t.match(found(look('could not translate host name "db.home" to address: Name or service not known'))[0], { id: 'database-unreachable', title: /db\.home/, fix: [/airflow.database.external/] })
  t.end()
})

void t.test('a connection that another Secret contradicts is made again only where the others agree, and never without a copy', (t) => {
  const names = { postgresql: 'airflow-airstrip-postgresql/password', metadata: 'airflow-airstrip-metadata/connection', results: 'airflow-airstrip-result-backend/connection' }
  const secret = (at: string, same: string[]): SecretFacts => {
    const [name = '', key = ''] = at.split('/')
    return { name, type: 'Opaque', createdAt: long, labels: {}, keys: [key], same: { [key]: same }, remarks: {} }
  }
  const values = { postgresql: { auth: { existingSecret: 'airflow-airstrip-postgresql' } }, data: { metadataSecretName: 'airflow-airstrip-metadata', resultBackendSecretName: 'airflow-airstrip-result-backend' } }
  const fixes = (...secrets: SecretFacts[]) => found(of({ secrets }, { values })).filter(({ id }) => id === 'postgres-pvc-old-password').flatMap(({ fix }) => fix)
  const odd = fixes(secret(names.postgresql, [names.results]), secret(names.metadata, []), secret(names.results, [names.postgresql]))
  t.match(odd, [/^\(umask 077 && kubectl -n airflow get secret airflow-airstrip-metadata -o yaml > airflow-airstrip-metadata-before\.yaml\) && kubectl -n airflow delete secret airflow-airstrip-metadata && npx tsx run\.ts apply/])
  const split = fixes(secret(names.postgresql, []), secret(names.metadata, []))
  t.match(split, [/^Put back what was changed in Secret airflow-airstrip-postgresql or airflow-airstrip-metadata/])
  t.notMatch(split.join(), /delete/, 'either may be the last that has the password')
  t.same(fixes(secret(names.postgresql, [names.metadata]), secret(names.metadata, [names.postgresql])), [])
  t.end()
})
