/** A database whose files are damaged. The texts are PostgreSQL 15's own, each of a folder that was damaged for it. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { claim, crashed, deployment, inManifest, pod, release, statefulSet, volume } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const workloads = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 1)]

function saying(line: string, path = '/srv/pvc-1_airflow_data', container: Record<string, unknown> = {}): Evidence {
  const one = pod({
    name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {},
    status: { containerStatuses: [crashed(4, {}, { name: 'postgresql' })] },
    spec: { nodeName: 'home', containers: [{ name: 'postgresql', image: 'bitnami/postgresql:11', ...container }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] },
  })
  return evidence({
    workloads, autoscalers: [], record: release({ objects: workloads.map(inManifest), updatedAt: long }), pods: [one],
    claims: [claim({ volumeName: 'database' }, { phase: 'Bound' })], volumes: [volume({ hostPath: { path } }, 'Bound', 'database')],
    logs: [{ namespace: 'airflow', pod: one.metadata.name, container: 'postgresql', previous: false, lines: ['first', line, 'LOG:  database system is shut down'] }],
  })
}

void t.test('PostgreSQL over files that it cannot trust is told as that, and as the cause of what crashes', (t) => {
  for (const line of [
    '2026-11-27 07:30:25.180 UTC [24010] PANIC:  could not locate a valid checkpoint record',
    '2026-11-27 07:30:16.992 UTC [23319] PANIC:  could not read file "global/pg_control": read 0 of 296',
    '2026-11-27 07:30:22.717 UTC [23875] FATAL:  incorrect checksum in control file',
    '2026-11-27 07:30:19.797 UTC [23492] DETAIL:  The database cluster was initialized with PG_CONTROL_VERSION -1540175440, but the server was compiled with PG_CONTROL_VERSION 1300.',
    'postgres: could not find the database system',
    '2026-11-27 07:30:28.815 UTC [24928] FATAL:  "/bitnami/postgresql/data" is not a valid data directory',
    '2026-11-27 07:30:35.536 UTC [26531] FATAL:  could not open file "global/pg_filenode.map": No such file or directory',
    '2026-11-27 10:03:20.909 UTC [28655] FATAL:  invalid page in block 0 of relation global/1262',
    '2026-11-27 10:03:04.722 UTC [27526] FATAL:  could not access status of transaction 724',
    '2026-11-27 10:03:28.817 UTC [29289] PANIC:  could not open critical system index 2662',
  ]) {
    const [first, ...rest] = diagnose(saying(line)).findings.filter(({ severity }) => severity === 'error')
    t.match(first, { id: 'database-damaged', title: 'PostgreSQL cannot read its own data in the volume', evidence: [`airflow-postgresql-0/postgresql: ${line}`, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is /srv/pvc-1_airflow_data on home'] }, line)
    t.same(rest.filter(({ causes = [] }) => causes.length === 0), [], 'and nothing stands beside it')
  }
  t.end()
})

void t.test('what is damaged is put aside and never deleted', (t) => {
  const fixOf = (one: Evidence) => diagnose(one).findings[0]?.fix ?? []
  const line = 'PANIC:  could not locate a valid checkpoint record'
  t.match(fixOf(saying(line)), [/^npx tsx run\.ts backup --list \| grep -v 'NOT WHOLE' \| grep -q ' airflow\/airflow ' && .*scale statefulset airflow-postgresql --replicas=0 && .* && sudo mv -T \/srv\/pvc-1_airflow_data\/data \/srv\/pvc-1_airflow_data\/data\.damaged && .*--replicas=1 && .*rollout status.* && npx tsx run\.ts restore #/, /no dump.*pg_resetwal/])
  t.match(fixOf(saying(line, '/srv/db', { env: [{ name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' }], volumeMounts: [{ name: 'data', mountPath: '/var/lib/postgresql/data' }] }))[0], /sudo mv -T \/srv\/db\/pgdata /, 'wherever the image keeps it')
  t.match(fixOf(saying(line, '/srv/$(reboot)'))[0], /^Put the folder/, 'no path that a shell could take for something else')
  t.notMatch([...fixOf(saying(line)), ...fixOf(saying(line, '/x y'))].join('\n'), /\brm\b|delete pvc/)
  t.end()
})

void t.test('a port that is taken, a missing file of somebody else, and another major version are not it', (t) => {
  for (const line of ['FATAL:  could not create lock file "postmaster.pid": No space left on device', 'could not open file "/docker-entrypoint-initdb.d/x.sql": No such file or directory', 'DETAIL:  The data directory was initialized by PostgreSQL version 11, which is not compatible with this version 15.2.']) {
    t.notOk(diagnose(saying(line)).findings.some(({ id }) => id === 'database-damaged'), line)
  }
  t.end()
})
