/** Between Airflow and its database: addresses, passwords and roles. The texts are of psycopg2 and PostgreSQL. */
import t from 'tap'
import type { Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { claim, container, crashed, deployment, inManifest, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { errors, found, has, ids, log, of, postgres } from './airflow-on-database.ts'
import { long } from './evidence.ts'
import { answers, wanted as whole } from './way.ts'

const refused = '(psycopg2.OperationalError) connection to server at "airflow-postgresql" (10.96.7.7), port 5432 failed: Connection refused'
const kube = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } } })
/** A DNS that works: the name itself is wrong then. */
const dns = [
  kube({ ...deployment('coredns', 1), spec: { replicas: 1, template: { spec: { containers: [{ name: 'coredns' }] } } } }), kube({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns' }, spec: {} }),
  kube({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kube-dns' }, subsets: [{ addresses: [{ ip: '10.244.0.2' }] }] }),
]
const since = (time: string) => ({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }] })

function cannotReach(line: string, parts: Partial<Evidence> = {}, database: KubernetesObject[] = [postgres(since('2023-08-02T10:05:00Z'))]): Evidence {
  const one = pod({ status: { containerStatuses: [crashed(4, {})] } })
  return of({ workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one, ...database], logs: [log(one, 'scheduler', line)], ...parts })
}

const namedService = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'airflow-postgresql', namespace: 'airflow' } }

void t.test('where the Service is there and the DNS is ready, it is the pods\' own way to the DNS', (t) => {
  const says = (host: string) => cannotReach(`psycopg2.OperationalError: could not translate host name "${host}" to address: Temporary failure in name resolution`, { system: dns, services: [namedService] })
  for (const host of ['airflow-postgresql', 'airflow-postgresql.airflow', 'airflow-postgresql.airflow.svc.cluster.local']) t.match(found(says(host)), [{ id: 'cluster-dns-broken', title: new RegExp(`cannot resolve ${host}, whose Service`), fix: [/clusterIP/, /kubelet\/config\.yaml/, /8472/] }, { id: 'crash-loop', causes: [{ id: 'cluster-dns-broken' }] }], host)
  for (const host of ['airflow-postgres', 'airflow-postgresql.other']) t.match(found(says(host)), [{ id: 'database-unreachable' }, { id: 'crash-loop' }], host)
  t.end()
})

void t.test('a database that only pods of another node do not reach is a matter of the network between them', (t) => {
  const line = 'psycopg2.OperationalError: could not connect to server: Connection timed out'
  const on = (nodeName: string, text = line) => {
    const evidence = cannotReach(text)
    return found({ ...evidence, pods: evidence.pods.map((one, index) => (index === 0 ? { ...one, spec: { ...(one.spec as object), nodeName } } : one)) })
  }
  t.match(on('second'), [{ id: 'pod-network-broken', title: 'Pods on node second do not reach pods on node home', fix: [/8472/, /ufw allow/] }, { id: 'crash-loop', causes: [{ id: 'pod-network-broken' }] }])
  t.match(on('home'), [{ id: 'database-unreachable' }, {}])
  t.match(on('second', refused), [{ id: 'database-unreachable' }, {}], 'who is refused has reached the node')
  t.end()
})

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
    'leads to airflow-postgresql.airflow:5432/airflow, with a space or a line break around it': 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  database "airflow',
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
  const plain = { ...wanted, database: { ...place, sslmode: 'disable' } }
  const asking = (sslmode: string) => of({ wanted: plain, secrets: [connection(`leads to airflow-postgresql.airflow:5432/airflow with sslmode=${sslmode}`)] })
  t.match(found(asking('require')).at(-1), { id: 'database-unreachable', evidence: [/with sslmode=require; the configuration leads to .* with sslmode=disable/] })
  t.notOk(has(asking('disable'), 'database-unreachable'))
  t.notOk(has(of({ wanted: plain, secrets: [connection('leads to airflow-postgresql.airflow:5432/airflow')] }), 'database-unreachable'), 'what says nothing of TLS is right')
  t.end()
})

void t.test('a program that is called ready between two ends is asked what it died of', (t) => {
  const line = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  too many connections for role "airflow"'
  const flapping = (startedAt: string, said: string[], parts: Partial<Evidence> = {}, others: KubernetesObject[] = []) => {
    const all = cannotReach(line, { wanted })
    const last = { terminated: { exitCode: 1, startedAt: '2023-08-02T10:26:00Z', finishedAt: '2023-08-02T10:26:50Z' } }
    const pods = (all.pods ?? []).map((one) => (one.metadata.name.includes('postgresql') ? one : { ...one, status: { ...ready, containerStatuses: [container({ ready: true, restartCount: 4, state: { running: { startedAt } }, lastState: last })] } }))
    const logs = (all.logs ?? []).flatMap((log) => [{ ...log, container: 'scheduler', previous: true }, ...(said.length === 0 ? [] : [{ ...log, container: 'scheduler', previous: false, lines: said }])])
    return found({ ...all, pods: [...pods, ...others], logs, ...parts }).map(({ title }) => title).filter((title) => title.includes('no connection left'))
  }
  t.equal(flapping('2023-08-02T10:29:30Z', ['Starting the scheduler']).length, 1, 'it has not come as far as the last time yet')
  t.equal(flapping('2023-08-02T10:29:05Z', [line]).length, 1, 'and says so again')
  t.same(flapping('2023-08-02T10:29:05Z', ['Starting the scheduler']), [], 'it has come further')
  const beat = (at: string, status = 'healthy') => ({ answered: answers({ body: JSON.stringify({ metadatabase: { status }, scheduler: { status: 'healthy', latest_scheduler_heartbeat: at } }) }) })
  const since = (at: string, status?: string) => flapping('2023-08-02T10:29:30Z', ['Starting the scheduler'], beat(at, status)).length
  t.same([since('2023-08-02T10:29:50.1+00:00'), since('2023-08-02T10:26:40.1+00:00'), since('2023-08-02T10:29:50.1+00:00', 'unhealthy')], [0, 1, 1], 'its heartbeat of now is in the database')
  const second = pod({ name: 'airflow-scheduler-2', status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: '2023-08-02T10:00:00Z' } } })] } })
  const besides = flapping('2023-08-02T10:29:30Z', ['Starting the scheduler'], { ...beat('2023-08-02T10:29:50.1+00:00') }, [second])
  t.equal(besides.length, 1, 'or another\'s')
  t.same(flapping('2023-08-02T10:27:00Z', [line]), [], 'it has run for long, whatever it said at its start')
  t.end()
})

void t.test('a program that died of another thing, by its own words, is not told under the database', (t) => {
  const line = 'psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction'
  const both = (words: string) => {
    const all = cannotReach(line, { wanted })
    const other = pod({ name: 'airflow-triggerer-0', owner: { kind: 'StatefulSet', name: 'airflow-triggerer' }, labels: {}, status: { containerStatuses: [crashed(4, {}, { name: 'triggerer' })] } })
    return errors({ ...all, pods: [...all.pods, other], logs: [...all.logs, log(other, 'triggerer', words)] })
  }
  t.same(both('Error: ENOENT: no such file or directory, open \'/etc/certs/ca.crt\''), ['database-unreachable', 'crash-loop', 'crash-loop explained'])
  t.same(both('Traceback (most recent call last):'), ['database-unreachable', 'crash-loop explained', 'crash-loop explained'])
  t.end()
})

void t.test('PostgreSQL that lets nobody in is told by the reason that it gives', (t) => {
  const at = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  '
  // src/backend/libpq/auth.c and utils/init/postinit.c: "SSL off" and the words on reserved places differ between versions.
  const reasons: [string, RegExp, RegExp][] = [
    [`${at}database "airflow" does not exist`, /has no database airflow$/, /^printf '%s\\n' 'SELECT CASE count\(\*\) WHEN 1 .* \\gset' '\\connect :"other"' 'SELECT to_regclass.* AS airflows \\gset' '\\connect postgres' '\\if :airflows' 'ALTER DATABASE :"other" RENAME TO "airflow";' '\\else' 'CREATE DATABASE "airflow" OWNER "airflow";' '\\endif' \| kubectl -n airflow exec -i airflow-postgresql-0 -- sh -c '.*' && kubectl -n airflow rollout restart/],
    [`${at}role "airflow" is not permitted to log in`, /does not let airflow log in/, /^echo 'ALTER ROLE "airflow" LOGIN' \|/],
    [`${at}no pg_hba.conf entry for host "10.244.0.9", user "airflow", database "airflow", SSL off`, /pg_hba.conf/, /Add a line/],
    [`${at}pg_hba.conf rejects connection for host "10.244.0.9", user "airflow", database "airflow", no encryption`, /pg_hba.conf/, /Add a line/],
    [`${at}too many connections for role "airflow"`, /has no connection left for role airflow$/, /^echo 'ALTER ROLE "airflow" CONNECTION LIMIT -1' \|/],
    [`${at}too many connections for database "airflow"`, /has no connection left for database airflow$/, /^echo 'ALTER DATABASE "airflow" CONNECTION LIMIT -1' \|/],
    [`${at}sorry, too many clients already`, /has no connection left$/, /max_connections/],
    [`${at}remaining connection slots are reserved for non-replication superuser connections`, /has no connection left$/, /max_connections/],
    [`${at}remaining connection slots are reserved for roles with the SUPERUSER attribute`, /has no connection left$/, /max_connections/],
    [`${at}database "airflow" is not currently accepting connections`, /takes no connections/, /ALLOW_CONNECTIONS true/],
    ['psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: server does not support SSL, but SSL was required', /asks PostgreSQL for TLS/, /sslmode: disable/],
    ['psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction', /can only be read/, /^echo 'SET default_transaction_read_only = off; ALTER SYSTEM RESET .* ALTER DATABASE "airflow" RESET .* ALTER ROLE "airflow" RESET .* SELECT pg_reload_conf\(\)' \| kubectl .* -d postgres'/],
    ['sqlalchemy.exc.OperationalError: (psycopg2.errors.QueryCanceled) canceling statement due to statement timeout', /for its statement_timeout$/, /^echo 'SET statement_timeout = 0; ALTER SYSTEM RESET statement_timeout; ALTER DATABASE "airflow" RESET .* ALTER ROLE "airflow" RESET .* SELECT pg_reload_conf\(\)' \| kubectl .* -d postgres' && kubectl/],
    ['sqlalchemy.exc.InternalError: (psycopg2.errors.IdleInTransactionSessionTimeout) terminating connection due to idle-in-transaction timeout', /for its idle_in_transaction_session_timeout$/, /RESET idle_in_transaction_session_timeout/],
    ['sqlalchemy.exc.OperationalError: (psycopg2.OperationalError)  relation "job" does not exist', /finds no table job in its database/, /^if echo 'SELECT \$\$nowhere\$\$ WHERE NOT EXISTS \(SELECT schemaname .*\); SELECT format\(one, schemaname\) FROM \(SELECT schemaname FROM pg_tables WHERE tablename IN \(\$\$dag\$\$, \$\$job\$\$\) GROUP BY schemaname HAVING count\(\*\) = 2 .*\$\$GRANT USAGE ON SCHEMA %1\$I TO "airflow"\$\$, \$\$ALTER ROLE "airflow" IN DATABASE "airflow" SET search_path = %1\$I\$\$.* \\gexec' \| kubectl .* -d airflow' \| grep nowhere; then npx tsx run\.ts restore; else kubectl -n airflow rollout restart .*; fi # the newest dump/],
    [`${at}permission denied for database "airflow"`, /may not connect to database airflow$/, /^echo 'GRANT CONNECT ON DATABASE "airflow" TO "airflow"' \| kubectl .* -d postgres'/],
    ['psycopg2.errors.InsufficientPrivilege: permission denied for table alembic_version', /may not use alembic_version/, /^echo 'GRANT ALL ON SCHEMA public TO "airflow"; .*SELECT format.* \\gexec' \| .* -d airflow' && kubectl/],
  ]
  const other = { ...wanted, database: { user: 'joe', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' } }
  t.match(found(cannotReach(`${at}database "airflow" does not exist`, { wanted: other }))[0]?.fix[0], /CREATE DATABASE "airflow" OWNER "joe"/, 'it belongs to the user that the configuration names')
  for (const [line, title, fix] of reasons) {
    t.match(found(cannotReach(line, { wanted }))[0], { id: 'database-unreachable', severity: 'error', causes: undefined, title, evidence: [new RegExp(line.slice(-20).replace(/[()]/g, '.'))], fix: [fix] }, line)
    t.same(errors(cannotReach(line, { wanted })), ['database-unreachable', 'crash-loop explained'], line)
  }
  const missing = cannotReach('[2023-08-02T10:29:35.000+0000] relation "job" does not exist', { wanted })
  const withHook = (record: Partial<NonNullable<Evidence['record']>>, endedAt: string) => found({ ...missing, record: { ...release(), ...missing.record, ...record, hooks: [{ ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install'], deletePolicies: [], phase: 'Succeeded', endedAt }] } }).map(({ title }) => title).filter((title) => title.includes('no table'))
  t.equal(withHook({}, '2023-08-02T10:20:00Z').length, 1)
  t.same(withHook({}, '2023-08-02T10:29:40Z'), [], 'it was said before the migrations were done')
  t.equal(withHook({ status: 'failed', description: 'Upgrade "airflow" failed: post-upgrade hooks failed: job airflow-create-user failed' }, '2023-08-02T10:20:00Z').length, 1, 'what failed after them may have failed for it')
  t.same(withHook({ status: 'pending-install' }, '2023-08-02T10:20:00Z'), [], 'they are at work')
  const timeless = { ...missing.record, status: 'pending-install' } as NonNullable<Evidence['record']>
  t.notOk(found({ ...cannotReach('relation "job" does not exist', { wanted }), record: timeless }).some(({ title }) => title.includes('no table')), 'whenever it was said')
  t.same(ids(cannotReach(`${at}the database system is starting up`)).filter((id) => id.startsWith('database')), [], 'which passes by itself')
  t.end()
})

void t.test('a role whose password is not that of the Secret is told by what PostgreSQL says in its own log', (t) => {
  const line = 'psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  password authentication failed for user "airflow"'
  const of = (detail: string, role = 'airflow', parts: Partial<Evidence> = {}) => {
    const one = cannotReach(line, { wanted: { ...wanted, database: { ...place, user: role } }, ...parts })
    return found({ ...one, logs: [...one.logs, { namespace: 'airflow', pod: 'airflow-postgresql-0', container: 'postgresql', previous: false, lines: ['2023-08-02 10:29:00.000 GMT [77] FATAL:  password authentication failed for user "airflow"', `2023-08-02 10:29:00.000 GMT [77] DETAIL:  ${detail}`] }] })[0]
  }
  const restarts = '.* && kubectl -n airflow rollout restart'
  t.match(of('User "airflow" has an expired password.'), { id: 'postgres-pvc-old-password', title: /role airflow has ended/, fix: [new RegExp(`^echo 'ALTER ROLE "airflow" VALID UNTIL \\$\\$infinity\\$\\$' \\| ${restarts}`)] })
  t.match(of('User "airflow" has no password assigned.'), { title: /has lost its password/, fix: [new RegExp(`exec airflow-postgresql-0 -- sh -c '.*printf "ALTER ROLE ${restarts}`), /^Write the old password/] })
  const plain = 'Connection matched pg_hba.conf line 1: "host all all 0.0.0.0/0 md5"'
  t.match(of(plain), { title: /in the volume has another password/ }, 'where nobody knows whether the two were made together')
  const data = claim({}, { phase: 'Bound' })
  const made = (createdAt: string) => ({ claims: [{ ...data, metadata: { ...data.metadata, creationTimestamp: long } }], secrets: [{ ...connection('leads to airflow-postgresql.airflow:5432/airflow'), name: 'airflow-postgresql', keys: ['password'], createdAt, remarks: {} }] })
  t.match(of(plain, 'airflow', made(long)), { title: /role airflow has another password than the Secrets/, fix: [/PASSWORD/, /^Write the old password/] })
  t.match(of(plain, 'airflow', made('2023-08-02T10:25:00Z')), { title: /in the volume has another password/ }, 'as after an uninstall')
  t.match(of('User "postgres" has an expired password.'), { title: /in the volume has another password/ }, 'of another role')
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
  t.match(odd, [/^\(umask 077 && kubectl -n airflow get secret airflow-airstrip-metadata -o yaml > airflow-airstrip-metadata-before-\$\(date \+%s\)\.yaml\) && kubectl -n airflow delete secret airflow-airstrip-metadata && npx tsx run\.ts apply/])
  const own = fixes(secret(names.postgresql, []), secret(names.metadata, [names.results]), secret(names.results, [names.metadata]))
  t.match(own, [/^kubectl -n airflow get secret airflow-airstrip-metadata .* \| grep -qE '\S+' && kubectl .* \| kubectl -n airflow create secret generic airflow-airstrip-postgresql --from-file=password=\/dev\/stdin .* apply --server-side --force-conflicts -f - && npx tsx run\.ts apply #/])
  t.notMatch(own.join(), /delete secret/, 'the superuser\'s password is in no other Secret')
  const split = fixes(secret(names.postgresql, []), secret(names.metadata, []))
  t.match(split, [/^Put back what was changed in Secret airflow-airstrip-postgresql or airflow-airstrip-metadata/])
  t.notMatch(split.join(), /delete/, 'either may be the last that has the password')
  t.same(fixes(secret(names.postgresql, [names.metadata]), secret(names.metadata, [names.postgresql])), [])
  t.end()
})
