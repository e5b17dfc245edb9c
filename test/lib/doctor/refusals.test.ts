/** What PostgreSQL and libpq say of places that are used up, and of TLS. */
import t from 'tap'
import type { Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import { crashed, deployment, inManifest, pod, statefulSet } from '../observe/objects.ts'
import { errors, found, log, of, postgres } from './airflow-on-database.ts'
import { wanted } from './way.ts'

const one = pod({ status: { containerStatuses: [crashed(4, {})] } })
const since = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:05:00Z' }] }
const bundled = (line: string, parts: Partial<Evidence> = {}) => of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one, postgres(since)], logs: [log(one, 'scheduler', line)], ...parts })
const own = [deployment('airflow-scheduler', 0)]
const external = (line: string) => of({ wanted: { ...wanted, bundledDatabase: false, database: { user: 'airflow', host: 'db.home.lan', port: 5432, name: 'airflow' } }, workloads: own, pods: [one], logs: [log(one, 'scheduler', line)] }, { objects: own.map(inManifest) })

void t.test('where all places of PostgreSQL are taken it gets more, which hold from its next start', (t) => {
  const line = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  sorry, too many clients already'
  const [first] = found(bundled(line))
  t.match(first, { id: 'database-unreachable', title: 'PostgreSQL has no connection left', fix: [
    /^echo 'SELECT format\(\$\$ALTER SYSTEM SET max_connections = %s\$\$, greatest\(200, 2 \* .*\)\) \\gexec' \| kubectl -n airflow exec -i airflow-postgresql-0 -- .* && kubectl -n airflow delete pod airflow-postgresql-0$/,
    /^kubectl -n airflow delete pod airflow-postgresql-0 # first, where its superuser is refused as well/,
  ] })
  t.notMatch(first?.fix.join(), /pgbouncer/, 'airstrip\'s connection goes straight to PostgreSQL')
  const [outside] = found(external(line))
  t.match(outside, { title: 'PostgreSQL has no connection left', fix: [/max_connections/] })
  t.notMatch(outside?.fix.join(), /pgbouncer|kubectl/)
  t.end()
})

void t.test('a database whose certificate is refused has answered', (t) => {
  const at = 'psycopg2.OperationalError: connection to server at "db.home.lan" (192.168.1.5), port 5432 failed: '
  // src/interfaces/libpq/fe-secure-openssl.c and fe-secure-common.c
  const reasons: [string, RegExp, RegExp][] = [
    [`${at}SSL error: certificate verify failed`, /certificate is from nobody whom Airflow's pods trust/, /PGSSLROOTCERT/],
    [`${at}root certificate file "/home/airflow/.postgresql/root.crt" does not exist`, /have no \/home\/airflow\/\.postgresql\/root\.crt/, /PGSSLROOTCERT.*airflow\.database\.sslmode: require/],
    [`${at}server certificate for "postgres" does not match host name "db.home.lan"`, /certificate is for postgres,/, /airflow\.database\.external/],
    [`${at}server certificate for "postgres" (and 1 other name) does not match host name "db.home.lan"`, /certificate is for postgres,/, /airflow\.database\.external/],
  ]
  for (const [line, title, fix] of reasons) {
    t.match(found(external(line))[0], { id: 'database-unreachable', title, evidence: [/scheduler: /], fix: [fix] }, line)
    t.same(errors(external(line)), ['database-unreachable', 'crash-loop explained'], line)
  }
  const secrets = ['airflow-airstrip-metadata', 'airflow-airstrip-result-backend'].map((name): SecretFacts => ({ name, type: 'Opaque', createdAt: '2023-08-01T10:00:00Z', labels: {}, keys: ['connection'], same: { connection: [] }, remarks: {} }))
  t.match(found({ ...external(reasons[2]?.[0] ?? ''), secrets }).find(({ id }) => id === 'database-unreachable')?.fix[0], /, then: \(umask .* delete secret airflow-airstrip-metadata airflow-airstrip-result-backend && npx tsx run.ts apply/, 'the address is in Secrets that no run writes again')
  t.end()
})
