/** What takes its time to crash: Airflow loads for 10 to 40 s on a small machine before it reads what is wrong. The lines are of Airflow 2.6 and of the programs that it uses. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { container, crashed, pod, release } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

/** It ran for 35 s. */
const late = { startedAt: '2023-08-02T10:28:00Z', finishedAt: '2023-08-02T10:28:35Z' }
const of = (name: string, lines: readonly string[], restarts = 2, init = false) => {
  const status = crashed(restarts, late, { name })
  const one = pod({ status: init ? { phase: 'Pending', initContainerStatuses: [status], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] } : { containerStatuses: [status] } })
  const logs = lines.length === 0 ? [] : [{ namespace: 'airflow', pod: one.metadata.name, container: name, previous: false, lines: [...lines] }]
  return diagnose(evidence({ pods: [one], logs, record: release({ objects: [] }) }), [], processRules).findings.map(({ id }) => id)
}
const itsOwn = ['Traceback (most recent call last):', '  File "/home/airflow/.local/bin/airflow", line 8, in <module>', 'airflow.exceptions.AirflowConfigException: error: cannot use sqlite with the KubernetesExecutor']

void t.test('two late ends are enough where the program says that it died of itself', (t) => {
  t.same(of('scheduler', itsOwn), ['crash-loop'])
  t.same(of('scheduler', ['ImportError: cannot import name \'url_quote\' from \'werkzeug.urls\'']), ['crash-loop'])
  t.same(of('scheduler', itsOwn, 1), [], 'not one')
  t.end()
})

void t.test('two late ends are not enough where it says nothing, or what passes by itself', (t) => {
  t.same(of('scheduler', []), [])
  t.same(of('scheduler', ['[2023-08-02T10:28:30.123+0000] {scheduler_job.py:720} INFO - Starting the scheduler']), [])
  for (const line of [
    'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not connect to server: Connection refused',
    'psycopg2.errors.UndefinedTable: relation "log" does not exist',
    'sqlalchemy.exc.IntegrityError: (psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "ab_permission_name_key"',
    'redis.exceptions.ConnectionError: Error -3 connecting to airflow-redis:6379. Temporary failure in name resolution.',
    'urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host=\'10.96.0.1\', port=443): Max retries exceeded with url: /api/v1/pods',
    '[2023-08-02T10:28:30.123+0000] {webserver_command.py:226} ERROR - No response from gunicorn master within 120 seconds',
    'socket.gaierror: [Errno -2] Name or service not known',
    'Error: connect ECONNREFUSED 10.96.0.1:443',
    'airflow.exceptions.AirflowException: timed out',
  ]) t.same(of('scheduler', ['Traceback (most recent call last):', line]), [], line)
  t.same(of('scheduler', [...itsOwn, 'psycopg2.OperationalError: server closed the connection unexpectedly']), [], 'nor where it says both')
  t.same(of('scheduler', [], 3), ['crash-loop'], 'three are, whatever it says')
  t.end()
})

void t.test('who waits for the migrations is told where it dies of something else', (t) => {
  t.same(of('wait-for-airflow-migrations', itsOwn, 2, true), ['crash-loop'])
  t.same(of('wait-for-airflow-migrations', ['TimeoutError: There are still unapplied migrations after 60 seconds. Migration Head(s) in DB: set()'], 5, true), [])
  t.same(of('wait-for-airflow-migrations', [], 5, true), [])
  t.end()
})
