import t from 'tap'
import { notReadyMs, writtenAt, writtenBy } from '../../../lib/observe/observation.ts'

void t.test('when a line of a log was written, as programs say it', (t) => {
  const times: [line: string, time: string][] = [
    ['[2023-08-02T10:29:40.123+0000] {scheduler_job_runner.py:788} INFO - Starting', '2023-08-02T10:29:40.123Z'],
    ['time="2023-08-02T10:29:40Z" level=error msg="x"', '2023-08-02T10:29:40.000Z'],
    ['[2023-08-01 22:57:46 +0000] [52] [ERROR] Worker (pid:42) was sent SIGKILL! Perhaps out of memory?', '2023-08-01T22:57:46.000Z'],
    ['[2023-08-01 22:57:46 +0200] [52] [INFO] Booting worker with pid: 52', '2023-08-01T20:57:46.000Z'],
    ['2023-08-02 10:29:40.123+02:00 x', '2023-08-02T08:29:40.123Z'],
    ['10.42.0.1 - - [02/Aug/2023:10:29:50 +0200] "GET /health HTTP/1.1" 200 141 "-" "kube-probe/1.22"', '2023-08-02T08:29:50.000Z'],
    ['2023-08-02 10:29:40.123 GMT [99] FATAL:  role "airflow" is not permitted to log in', '2023-08-02T10:29:40.123Z'],
    ['2023-08-02 10:29:40.123 UTC [99] DETAIL:  Role "airflow" does not exist.', '2023-08-02T10:29:40.123Z'],
  ]
  for (const [line, time] of times) t.equal(new Date(writtenAt(line) ?? NaN).toISOString(), time, line)
  for (const line of ['', 'Reason: Forbidden', '[2023-08-02 10:05:09,123] {manager.py:585} WARNING - x', '[2023-08-02 10:29:40,123: ERROR/MainProcess] x', '[02/Foo/2023:10:29:50 +0000]', '2023-08-02 10:29:40.123 CEST [99] LOG:  x', '2023-13-45T10:29:40Z']) t.equal(writtenAt(line), undefined, line)
  t.end()
})

void t.test('a line that says no time was written with the last one above it that does', (t) => {
  const lines = ['first', '[2023-08-02T10:29:40.000+0000] {x.py:1} ERROR - y', 'Traceback', '[2023-08-02T10:29:41.000+0000] {x.py:1} INFO - z']
  t.same(lines.map((_, index) => writtenBy(lines, index)).map((time) => time && time % 60_000), [undefined, 40_000, 40_000, 41_000])
  // Airflow before 2.3: what is whole in such a line is the time of a run.
  const old = ['[2023-08-01 22:57:46 +0000] [52] [INFO] Booting worker', '[2023-08-02 10:29:40,123] {scheduler_job.py:1} INFO - Sending scheduled__2023-08-01T00:00:00+00:00', 'Reason: Forbidden']
  t.same(old.map((_, index) => writtenBy(old, index)), [Date.parse('2023-08-01T22:57:46Z'), undefined, undefined])
  t.end()
})

void t.test('a time that is to come is of a clock that ran ahead, and no start', (t) => {
  const since = (lastTransitionTime: string): number => notReadyMs({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'home', creationTimestamp: '2023-01-01T00:00:00Z' }, status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }] } }, new Date('2023-08-02T10:30:00Z'))
  t.same([since('2023-08-02T10:29:55Z'), since('2023-08-02T10:30:05Z')], [5000, -5000])
  t.ok(since('2023-08-02T12:30:00Z') > 86_400_000)
  t.end()
})
