import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { failingPage } from '../../../lib/doctor/rules/processes/web-page.ts'
import { wrong } from '../../../lib/doctor/rule.ts'
import { answers, healthy, site } from './way.ts'

const failing = (status: number, health: Partial<typeof healthy> = {}): Evidence['answered'] => ({ ...answers(health), page: { ...healthy, status, body: 'Ooops! Something bad has happened.' } } as Evidence['answered'])
const log = { namespace: 'airflow', pod: 'airflow-webserver-6f8-web01', container: 'webserver', previous: false, lines: [
  'sqlalchemy.exc.OperationalError: before it was well',
  '[2023-08-02T10:20:00.000+0000] {app.py:1744} ERROR - Exception on / [GET]',
  'Traceback (most recent call last):',
  '  File "/home/airflow/.local/lib/python3.7/site-packages/flask/app.py", line 2529, in wsgi_app',
  'sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "ab_permission" does not exist',
  '10.244.0.1 - - [02/Aug/2023:10:20:00 +0000] "GET / HTTP/1.1" 500 1500',
] }
const found = (answered: Evidence['answered'], parts: Partial<Evidence> = {}) => diagnose(site({ answered, logs: [log], ...parts }), [], [failingPage]).findings

void t.test('a page that fails beside a good health page is told with the exception of its log', (t) => {
  t.match(found(failing(500)), [{
    id: 'web-page-failing', severity: 'error',
    evidence: ['https://home.example.org/airflow/ answers 500', 'Pod airflow/airflow-webserver-6f8-web01: sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "ab_permission" does not exist'],
    fix: [/^kubectl -n airflow logs deployment\/airflow-webserver .*Exception on/, /apply --from helm/],
  }])
  t.equal(found(failing(500))[0]?.evidence.length, 2, 'and none of before')
  t.match(found(failing(500), { logs: [] }), [{ evidence: [/answers 500$/] }], 'also where the log says nothing')
  t.end()
})

void t.test('a page that redirects, that Traefik refuses, or whose health page fails as well is no such thing', (t) => {
  t.same(found(failing(302)), [])
  t.same(found(failing(503)), [], 'a pod that ends')
  t.same(found(failing(500, { status: 500, body: 'Ooops!' })), [], 'that is the webserver as a whole')
  t.same(found(answers({})), [], 'where it was not asked')
  t.end()
})

void t.test('what keeps the page from working is told first', (t) => {
  const lost = () => [wrong('database-damaged', { title: 'a', evidence: ['b'], why: 'c', fix: ['d'] })]
  t.match(diagnose(site({ answered: failing(500) }), [], [lost, failingPage]).findings, [{ id: 'database-damaged' }, { id: 'web-page-failing', causes: [{ id: 'database-damaged' }] }])
  t.end()
})
