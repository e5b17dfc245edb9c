/** Whom the database turns away before Airflow says so: its image tries for minutes in silence. The texts are of PostgreSQL, of its own log. */
import t from 'tap'
import type { ContainerLog, Evidence, SecretFacts } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { claim, container, deployment, event, pod, ready, statefulSet } from '../observe/objects.ts'
import { errors as all, found, has, of, postgres } from './airflow-on-database.ts'
import { long } from './evidence.ts'
import { answers, wanted as whole } from './way.ts'

const wanted = { ...whole, database: { user: 'airflow', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' } }
/** A pod of the fixtures has been on its way for long, which is told besides. */
const errors = (evidence: Evidence) => all(evidence).filter((id) => !id.startsWith('not-ready-unexplained'))
const init = 'wait-for-airflow-migrations'
const waits = (startedAt: string) => pod({
  spec: { initContainers: [{ name: init, image: 'apache/airflow:2.6.2' }] },
  status: { phase: 'Pending', initContainerStatuses: [container({ name: init, state: { running: { startedAt } } })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] },
})
const well = (startedAt: string) => pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt } } })] } })
const server = postgres({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:05:00Z' }] })
const said = (about: KubernetesObject, name: string, ...lines: string[]): ContainerLog => ({ namespace: 'airflow', pod: about.metadata.name, container: name, previous: false, lines })
/** Each of these lines at each of these times. */
const own = (times: string[], ...lines: string[]) => said(server, 'postgresql', ...times.flatMap((time) => lines.map((line) => `2023-08-02 ${time}.123 GMT [99] ${line}`)))

const tries = ['10:29:15', '10:29:25', '10:29:35']
const noLogin = 'FATAL:  role "airflow" is not permitted to log in'
function silent(line: string, parts: Partial<Evidence> = {}, one = waits('2023-08-02T10:29:02Z'), times = tries): Evidence {
  return of({ wanted, workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one, server], logs: [own(times, ...line.split('\n'))], ...parts })
}

void t.test('whom PostgreSQL refuses is told by its own log while Airflow prints nothing but dots', (t) => {
  const lines: [string, RegExp][] = [
    [noLogin, /does not let airflow log in/],
    ['FATAL:  database "airflow" does not exist', /has no database airflow/],
    ['FATAL:  no pg_hba.conf entry for host "10.244.0.14", user "airflow", database "airflow", no encryption', /pg_hba\.conf/],
    ['FATAL:  too many connections for role "airflow"', /no connection left for role airflow/],
    ['FATAL:  database "airflow" is not currently accepting connections', /takes no connections/],
    ['FATAL:  sorry, too many clients already', /no connection left/],
    ['FATAL:  permission denied for database "airflow"\nDETAIL:  User does not have CONNECT privilege.', /may not connect to database airflow/],
  ]
  for (const [line, title] of lines) {
    t.match(found(silent(line)), [{ id: 'database-unreachable', severity: 'error', title, evidence: [/^airflow-postgresql-0\/postgresql: 2023-08-02 10:29:35\.123 GMT \[99\] FATAL/] }], line)
    const dots = silent(line)
    t.same(errors({ ...dots, logs: [...dots.logs, said(waits(''), init, '.....')] }), ['database-unreachable'], line)
  }
  t.end()
})

void t.test('a volume with another password is told before the first container has given up', (t) => {
  const refused = 'FATAL:  password authentication failed for user "airflow"\nDETAIL:  Password does not match for user "airflow".'
  const data = claim({}, { phase: 'Bound' })
  const secret: SecretFacts = { name: 'airflow-postgresql', type: 'Opaque', createdAt: '2023-08-02T10:28:50Z', labels: {}, keys: ['password'], same: {}, remarks: {} }
  const reinstalled = silent(refused, { claims: [{ ...data, metadata: { ...data.metadata, creationTimestamp: long } }], secrets: [secret] })
  t.match(found(reinstalled)[0], { id: 'postgres-pvc-old-password', severity: 'error', title: 'The database in the volume has another password than the Secret', evidence: [/10:29:35\.123 GMT \[99\] FATAL:  password authentication failed/, /the volume is older/] })
  t.end()
})

void t.test('what a healthy site\'s database refuses is somebody\'s own mistake', (t) => {
  const typo = 'FATAL:  password authentication failed for user "airflow"'
  const runs = well('2023-08-02T10:05:30Z')
  t.same(all(silent(typo, { workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)] }, runs)), [], 'nobody waits')
  const none = (evidence: Evidence, why: string) => { t.same(errors(evidence), [], why) }
  none(silent(typo, {}, waits('2023-08-02T10:29:45Z'), ['10:29:50', '10:29:55']), 'who waits has only begun')
  none(silent(typo, {}, undefined, ['10:29:35']), 'once is not what tries again and again')
  none(silent(typo, {}, waits('2023-08-02T10:20:00Z'), ['10:22:10', '10:22:20']), 'it is over')
  none(silent(typo, {}, waits('2023-08-02T10:29:20Z'), ['10:28:50', '10:29:00']), 'it was before whoever waits')
  none(silent('FATAL:  database "airfow" does not exist'), 'of another database')
  none(silent(typo, {}, undefined, ['10:27:15', ...tries]), 'an exporter that has tried all the time')
  none(silent('FATAL:  role "joe" is not permitted to log in'), 'of another user')
  none(silent('FATAL:  no pg_hba.conf entry for host "10.244.0.14", user "airflow", database "joe", no encryption'), 'of one of the two')
  none(silent('ERROR:  permission denied for table dag'), 'who has been let in')
  const talks = silent(typo)
  none({ ...talks, logs: [...talks.logs, said(waits(''), init, '[2023-08-02T10:29:35.000+0000] {migration.py:1} INFO - Context impl PostgresqlImpl.')] }, 'who waits has got through')
  none({ ...talks, wanted: undefined }, 'nobody knows whom to look for')
  const starts = postgres({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:29:40Z' }] })
  none({ ...talks, pods: talks.pods.map((one) => (one.metadata.name === server.metadata.name ? starts : one)) }, 'it was not ready yet')
  t.end()
})

const fails = (line: string) => `Liveness probe failed: Traceback (most recent call last):\n  File "/home/airflow/.local/lib/python3.7/site-packages/psycopg2/__init__.py", line 122, in connect\nsqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "airflow-postgresql.airflow" (10.96.0.102), port 5432 failed: ${line}\n\n(Background on this error at: https://sqlalche.me/e/14/e3q8)\n`

void t.test('who runs on is refused at the next probe, and its event says so', (t) => {
  const one = well('2023-08-02T10:05:30Z')
  const probed = (line: string, fields: Record<string, unknown> = {}) => of({ wanted, pods: [one, server], events: [{ ...event(one, 'Unhealthy', fails(line), { count: 2, ...fields }), involvedObject: { kind: 'Pod', name: one.metadata.name, namespace: 'airflow', uid: one.metadata.uid, fieldPath: 'spec.containers{scheduler}' } }] })
  t.match(found(probed(noLogin))[0], { id: 'database-unreachable', title: /does not let airflow log in/, evidence: [/^airflow-scheduler-.*\/scheduler: sqlalchemy\.exc\.OperationalError: .* FATAL: {2}role "airflow" is not/] })
  t.match(found(probed('FATAL:  sorry, too many clients already'))[0], { title: 'PostgreSQL has no connection left' })
  t.match(found(probed('FATAL:  password authentication failed for user "airflow"'))[0], { id: 'postgres-pvc-old-password' })
  t.notOk(has(probed('FATAL:  sorry, too many clients already', { count: 1 }), 'database-unreachable'), 'one alone, of a pod that is ready: all others went well')
  t.notOk(has(probed(noLogin, { lastTimestamp: '2023-08-02T10:27:00Z' }), 'database-unreachable'), 'the probes since then went well')
  t.notOk(has(probed('FATAL:  the database system is starting up'), 'database-unreachable'))
  t.end()
})

void t.test('a program that was started again and has printed only dots is called ready and waits as well', (t) => {
  const one = well('2023-08-02T10:29:02Z')
  const dots = silent(noLogin, { workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)] }, one)
  t.same(errors({ ...dots, logs: [...dots.logs, said(one, 'scheduler', '....')] }), ['database-unreachable'])
  t.same(errors(dots), [], 'of one that says nothing at all nobody knows what it does')
  const [status] = (one.status as { containerStatuses: object[] }).containerStatuses
  const again = (exitCode: number) => ({ ...one, status: { ...(one.status as object), containerStatuses: [{ ...status, restartCount: 1, lastState: { terminated: { exitCode, startedAt: '2023-08-02T10:00:00Z', finishedAt: '2023-08-02T10:29:00Z' } } }] } })
  const after = (exitCode: number) => errors({ ...dots, pods: (dots.pods ?? []).map((two) => (two.metadata.name === one.metadata.name ? again(exitCode) : two)) })
  t.same([after(1), after(0)], [['database-unreachable'], []], 'but for one whose last run has failed')
  t.end()
})

void t.test('what the health page could not ask is told by the refusal that lies in the database\'s log since, be it one', (t) => {
  const page = (status: string): Partial<Evidence> => ({ answered: answers({ body: JSON.stringify({ metadatabase: { status }, scheduler: { status: 'healthy', latest_scheduler_heartbeat: '2023-08-02T10:29:50.1+00:00' } }) }) })
  const ended = 'FATAL:  password authentication failed for user "airflow"\nDETAIL:  User "airflow" has an expired password.'
  const runs = well('2023-08-02T10:05:30Z')
  const asked = (status: string, ...times: string[]) => silent(ended, { ...page(status), workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)] }, runs, times)
  t.match(found(asked('unhealthy', '10:29:55'))[0], { id: 'postgres-pvc-old-password', evidence: [/10:29:55\.123 GMT \[99\] FATAL/] })
  t.same(errors(asked('unhealthy', '10:29:55')), ['postgres-pvc-old-password'])
  t.same(errors(asked('unhealthy', '10:21:00', '10:25:00', '10:29:55')), ['postgres-pvc-old-password'], 'for as long as it lasts')
  t.notOk(has(asked('healthy', '10:29:55'), 'postgres-pvc-old-password'), 'it was let in')
  t.notOk(has(asked('unhealthy', '10:29:10', '10:29:20'), 'postgres-pvc-old-password'), 'of before: it is something else that the page does not get now')
  t.notOk(has({ ...asked('unhealthy', '10:29:55'), wanted: undefined }, 'postgres-pvc-old-password'))
  t.end()
})

void t.test('of two reasons of one minute the newer is told: the older was mended before', (t) => {
  const unhealthy: Partial<Evidence> = { answered: answers({ body: JSON.stringify({ metadatabase: { status: 'unhealthy' }, scheduler: { status: 'healthy', latest_scheduler_heartbeat: '2023-08-02T10:29:50.1+00:00' } }) }) }
  const absent = ['FATAL:  password authentication failed for user "airflow"', 'DETAIL:  Role "airflow" does not exist.']
  const closed = ['FATAL:  permission denied for database "airflow"', 'DETAIL:  User does not have CONNECT privilege.']
  const titles = (before: string[], now: string[], ...after: string[]) => {
    const { lines } = own(['10:29:45'], ...before)
    const parts = { ...unhealthy, workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)], logs: [said(server, 'postgresql', ...lines, ...own(['10:29:54'], ...now, ...after).lines)] }
    return found(silent('', parts, well('2023-08-02T10:05:30Z'))).map(({ title }) => title)
  }
  t.match(titles(absent, closed), [/may not connect to database airflow/])
  t.match(titles([noLogin], absent), ['PostgreSQL has no role airflow'])
  t.match(titles(absent, closed, 'FATAL:  password authentication failed for user "joe"', 'FATAL:  terminating connection due to administrator command'), [/may not connect to database airflow/], 'and nobody else\'s takes its place')
  t.end()
})

void t.test('a statement that the database refuses is told so as well, and only beside a page that asked in vain', (t) => {
  const page = (status: string): Partial<Evidence> => ({ answered: answers({ body: JSON.stringify({ metadatabase: { status }, scheduler: { status: 'healthy', latest_scheduler_heartbeat: '2023-08-02T10:29:50.1+00:00' } }) }) })
  const asked = (status: string, words: string) => silent(`ERROR:  ${words}`, { ...page(status), workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)] }, well('2023-08-02T10:05:30Z'), ['10:29:55'])
  for (const [words, title] of [['permission denied for table job', /may not use job/], ['cannot execute UPDATE in a read-only transaction', /can only be read/], ['canceling statement due to statement timeout', /statement_timeout/]] as const) {
    t.match(found(asked('unhealthy', words))[0], { id: 'database-unreachable', title }, words)
    t.same(errors(asked('unhealthy', words)), ['database-unreachable'], words)
    t.same(errors(asked('healthy', words)), [], 'somebody else\'s statement')
  }
  t.end()
})

void t.test('a role that was renamed or dropped is no wrong password, and no data is deleted for it', (t) => {
  const lines = ['FATAL:  password authentication failed for user "airflow"', 'DETAIL:  Role "airflow" does not exist.', 'FATAL:  password authentication failed for user "joe"', 'DETAIL:  User "joe" has no password assigned.']
  const [first] = found(silent(lines.join('\n')))
  t.match(first, {
    id: 'database-unreachable', title: 'PostgreSQL has no role airflow', evidence: [/password authentication failed for user "airflow"/, /DETAIL: {2}Role "airflow" does not exist\.$/],
    fix: [/^echo 'SELECT format\(\$\$ALTER ROLE %I RENAME TO "airflow"\$\$, rolname\) .* \\gexec' \| kubectl -n airflow exec -i airflow-postgresql-0 .* && kubectl .*ALTER ROLE .*PASSWORD.* && kubectl -n airflow rollout restart/, /^echo 'CREATE ROLE "airflow" LOGIN; ALTER DATABASE "airflow" OWNER TO "airflow"'/],
  })
  t.notMatch(first?.fix.join(), /delete pvc|throws/)
  t.match(found(silent('FATAL:  role "airflow" does not exist'))[0], { title: 'PostgreSQL has no role airflow' }, 'as it says where it asks for no password')
  t.match(found(silent([...lines.slice(2), 'FATAL:  password authentication failed for user "airflow"', 'DETAIL:  Role "joe" does not exist.'].join('\n')))[0], { id: 'postgres-pvc-old-password' }, 'another role')
  t.match(found(silent([...lines.slice(0, 2), 'DETAIL:  Password does not match for user "joe".'].join('\n')))[0], { title: 'PostgreSQL has no role airflow' }, 'what is said of another after it')
  t.end()
})
