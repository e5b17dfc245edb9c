/** The database under Airflow. The texts are of Bitnami's PostgreSQL, psycopg2 and alembic, from the failure catalogue (B 16, D); none was produced here. */
import t from 'tap'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { databaseOf } from '../../../lib/doctor/rules/database/parts.ts'
import { container, crashed, deployment, inManifest, job, pod, ready, statefulSet } from '../observe/objects.ts'
import { bound, folder, found, good, has, ids, log, of, postgres, refusing } from './airflow-on-database.ts'
import { wanted } from './way.ts'

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
  t.equal(found(refusing(line.replace(/ \(.*/, '.').replace('15.2', '15.4')))[0]?.title, 'The volume holds a database of PostgreSQL 11, and 15.4 was started over it')
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

void t.test('a Job that is no hook of Helm\'s says it, too, until it has completed', (t) => {
  const said = (status: Record<string, unknown>, objects = [...good, job({})]): boolean => {
    const one = pod({ name: 'airflow-run-airflow-migrations-x', owner: { kind: 'Job', name: job({}).metadata.name }, labels: {}, spec: { containers: [{ name: 'run-airflow-migrations', image: 'apache/airflow:2.5.0' }] }, status: { containerStatuses: [crashed(2, {}, { name: 'run-airflow-migrations' })] } })
    return has(of({ jobs: [job(status)], pods: [one], logs: [log(one, 'run-airflow-migrations', revision)] }, { objects: objects.map(inManifest) }), 'db-newer-than-image')
  }
  t.ok(said({ active: 1 }))
  t.ok(said({ conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] }))
  t.notOk(said({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] }), 'another try of it went well')
  t.notOk(said({ active: 1 }, good), 'what is left of a hook, when Helm is through')
  t.end()
})

void t.test('the database of another program in the namespace is not Airflow\'s', (t) => {
  const gitea = statefulSet('gitea-postgresql', 1)
  const claim = { ...bound, metadata: { ...bound.metadata, name: 'data-gitea-postgresql-0', creationTimestamp: '2023-01-01T00:00:00Z' } }
  const secret = (name: string, key: string) => ({ name, type: 'Opaque', createdAt: '2023-08-02T09:00:00Z', labels: { 'app.kubernetes.io/managed-by': 'airstrip' }, keys: [key], same: { [key]: [] }, remarks: {} })
  const airflow = deployment('airflow-scheduler', 1)
  const beside = { claims: [claim], secrets: [secret('gitea-postgresql', 'postgres-password'), secret('airflow-airstrip-fernet-key', 'fernet-key')] }
  t.same(ids(of({ ...beside, workloads: [gitea, airflow] }, { objects: [inManifest(airflow)], values: { fernetKeySecretName: 'airflow-airstrip-fernet-key' } })), [], 'where Airflow\'s own is outside the cluster')
  t.match(databaseOf(of({ release: 'af', workloads: [], claims: [{ ...bound, metadata: { ...bound.metadata, name: 'data-af-postgresql-0' } }], record: undefined, wanted })), { claim: { metadata: { name: 'data-af-postgresql-0' } } }, 'a release by another name has its own')
  t.same(ids(of({ ...beside, workloads: [gitea], record: undefined, wanted })).filter((id) => !id.startsWith('release-not-installed')), [], 'and before the first install')
  t.end()
})
