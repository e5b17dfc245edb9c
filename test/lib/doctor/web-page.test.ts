import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { failingPage } from '../../../lib/doctor/rules/processes/web-page.ts'
import { wrong } from '../../../lib/doctor/rule.ts'
import { ready, release } from '../observe/objects.ts'
import { answers, healthy, site, webPod } from './way.ts'

const failing = (status: number, health: Partial<typeof healthy> = {}): Evidence['answered'] => ({ ...answers(health), page: { ...healthy, status, body: 'Ooops! Something bad has happened.' } } as Evidence['answered'])
const missing = 'sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "session" does not exist'
const log = { namespace: 'airflow', pod: 'airflow-webserver-6f8-web01', container: 'webserver', previous: false, lines: [
  '[2023-08-02 10:20:00 +0000] [52] [ERROR] Error handling request /',
  'Traceback (most recent call last):',
  '  File "/home/airflow/.local/lib/python3.7/site-packages/flask/app.py", line 2529, in wsgi_app',
  missing,
  '[SQL: SELECT session.id FROM session WHERE session.session_id = %(session_id_1)s]',
  '(Background on this error at: https://sqlalche.me/e/14/f405)',
  '10.244.0.1 - - [02/Aug/2023:10:20:00 +0000] "GET / HTTP/1.1" 500 1500',
] }
const found = (answered: Evidence['answered'], parts: Partial<Evidence> = {}) => diagnose(site({ answered, logs: [log], ...parts }), [], [failingPage]).findings

void t.test('a page that fails beside a good health page is told with the exception of its log', (t) => {
  t.match(found(failing(500)), [{
    id: 'web-page-failing', severity: 'error',
    evidence: ['https://home.example.org/airflow/ answers 500', `Pod airflow/airflow-webserver-6f8-web01, container webserver: ${missing}`],
    fix: [/^kubectl -n airflow logs deployment\/airflow-webserver --tail=500 \| grep -E '[^']+' \| tail -3 #/],
  }])
  const lines = (...said: string[]) => found(failing(500), { logs: [{ ...log, lines: said }] })[0]?.evidence.slice(1)
  t.match(lines('ERROR:    Exception in ASGI application', '  + Exception Group Traceback', '    | jinja2.exceptions.TemplateNotFound: index.html'), [/TemplateNotFound: index\.html$/], 'as Airflow 3 says it')
  t.same(lines('[2023-08-02T10:20:00.000+0000] {app.py} INFO - Error: none', '10.244.0.1 "GET / HTTP/1.1" 500'), [], 'or without, where the log does not have it')
  t.same(found(failing(500), { logs: [{ ...log, previous: true }] })[0]?.evidence.length, 1, 'and never with what a run before said')
  t.end()
})

void t.test('a page that redirects, that Traefik refuses, or whose health page fails as well is no such thing', (t) => {
  t.same(found(failing(302)), [])
  t.same(found(failing(503)), [], 'a pod that ends')
  t.same(found(failing(500, { status: 500, body: 'Ooops!' })), [], 'that is the webserver as a whole')
  t.same(found(failing(500, { body: '{"metadatabase": {"status": "unhealthy"}}' })), [], 'or its database')
  t.same(found(answers({})), [], 'where it was not asked')
  t.end()
})

void t.test('one that may work a moment later is no such thing either', (t) => {
  t.same(found(failing(500), { record: release({ status: 'pending-upgrade' }) }), [], 'while Helm is at work')
  const since = (lastTransitionTime: string) => webPod({ status: { ...ready, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] } })
  t.same(found(failing(500), { pods: [since('2023-08-02T10:29:50Z')] }), [], 'after a start')
  t.match(found(failing(500), { pods: [since('2023-08-02T10:29:20Z')] }), [{ id: 'web-page-failing' }], 'but half a minute later it has loaded: its health page answers')
  t.end()
})

void t.test('what keeps the page from working is told first', (t) => {
  const lost = () => [wrong('database-damaged', { title: 'a', evidence: ['b'], why: 'c', fix: ['d'] })]
  t.match(diagnose(site({ answered: failing(500) }), [], [lost, failingPage]).findings, [{ id: 'database-damaged' }, { id: 'web-page-failing', causes: [{ id: 'database-damaged' }] }])
  const another = () => [wrong('git-sync-failure', { title: 'a', evidence: ['b'], why: 'c', fix: ['d'] })]
  t.notMatch(diagnose(site({ answered: failing(500) }), [], [another, failingPage]).findings[1], { causes: [{}] }, 'and no other fault is its cause')
  t.end()
})
