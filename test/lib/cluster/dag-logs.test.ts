/** Logs of Airflow's own shape, written here: texts of 2.5 (dagbag.py, processor.py) and 3.0 (structlog's JSON). */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { brokenIn, findBrokenDags } from '../../../lib/cluster/dag-logs.ts'

const now = new Date('2023-08-02T10:30:00Z')
const minute = 60_000
const times = { written: now.getTime() - minute, now: now.getTime() }
const stamp = '[2023-08-02T10:29:40.123+0000]'
const begun = (file: string): string => `${stamp} {processor.py:157} INFO - Started process (PID=42) to work on ${file}\n${stamp} {dagbag.py:536} INFO - Filling up the DagBag from ${file}\n`
const good = (file: string): string => `${begun(file)}${stamp} {processor.py:839} INFO - DAG(s) dict_keys(['etl']) retrieved from ${file}\n`
const failure = (file: string, exception = 'ModuleNotFoundError: No module named \'pandas\'', at = stamp): string => `${at} {dagbag.py:347} ERROR - Failed to import: ${file}
Traceback (most recent call last):
  File "/home/airflow/.local/lib/python3.8/site-packages/airflow/models/dagbag.py", line 343, in parse
    loader.exec_module(new_module)
${exception}
`
const bad = (file: string, exception?: string): string => `${begun(file)}${failure(file, exception)}${stamp} {processor.py:841} WARNING - No viable dags retrieved from ${file}\n`
const etl = '/opt/airflow/dags/etl.py'
const noPandas = { file: etl, said: 'ModuleNotFoundError: No module named \'pandas\'', at: '2023-08-02T10:29:40.123Z' }

void t.test('the last time that a file was read decides', (t) => {
  t.same(brokenIn(bad(etl), times), noPandas)
  t.same(brokenIn(good(etl) + bad(etl), times), noPandas)
  t.equal(brokenIn(bad(etl) + good(etl), times), undefined, 'mended since')
  t.same(brokenIn(bad(etl) + begun(etl), { ...times, written: now.getTime() - 1000 }), noPandas, 'what is being read at this moment was broken the last time')
  t.equal(brokenIn(good(etl) + begun(etl), { ...times, written: now.getTime() - 1000 }), undefined)
  t.equal(brokenIn(bad(etl) + begun(etl), times), undefined, 'Airflow 3 says nothing at the end of a good one')
  t.equal(brokenIn('', times), undefined)
  t.end()
})

void t.test('without its first lines the last failure counts, as long as it is not old', (t) => {
  const quiet = failure(etl, 'ImportError: first') + failure(etl, 'ImportError: last')
  t.match(brokenIn(quiet, times), { said: 'ImportError: last' })
  t.match(brokenIn(bad(etl).slice(bad(etl).indexOf('Failed')), times), { file: etl, said: noPandas.said }, 'the end of a long log')
  t.equal(brokenIn(failure(etl, 'ImportError: old', '[2023-08-02T10:15:00.000+0000]'), times), undefined)
  t.match(brokenIn(failure(etl, 'ImportError: no zone', '[2023-08-02 10:29:40,123]'), times), { at: '2023-08-02T10:29:00.000Z' }, 'without a zone it is as old as the file')
  t.end()
})

void t.test('what is wrong with it is told as Python does', (t) => {
  t.match(brokenIn(bad(etl, `  File "${etl}", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax`), times), { said: 'SyntaxError: invalid syntax' })
  t.match(brokenIn(bad('/opt/airflow/dags/my dag.py'), times), { file: '/opt/airflow/dags/my dag.py' })
  t.match(brokenIn(`${begun(etl)}${failure(etl, 'airflow.exceptions.AirflowDagCycleException: Cycle detected in DAG.').replace('import', 'bag_dag')}`, times), { file: etl, said: 'airflow.exceptions.AirflowDagCycleException: Cycle detected in DAG.' })
  t.match(brokenIn(bad(etl, '  it ended'), times), { file: etl, said: '' }, 'or not at all')
  const three = ['{"timestamp":"2023-08-02T10:29:40Z","level":"info","event":"Filling up the DagBag from /opt/airflow/dags/etl.py"}', '{"timestamp":"2023-08-02T10:29:40.123Z","level":"error","event":"Failed to import: /opt/airflow/dags/etl.py","error_detail":[{"exc_type":"ModuleNotFoundError","exc_value":"No module named \'pandas\'","syntax_error":null}]}']
  t.same(brokenIn(three.join('\n'), times), noPandas, 'by Airflow 3 in JSON')
  t.end()
})

const logsIn = (folder: string) => (path: string, text: string, minutesAgo = 1): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
  const at = new Date(now.getTime() - minutesAgo * minute)
  utimesSync(join(folder, path), at, at)
}
const filesIn = (logs: string): string[] => findBrokenDags(logs, now).broken.map(({ file }) => file).sort()

void t.test('of the newest day, in all folders of DAGs, and nothing that is older than ten minutes or gone', (t) => {
  const base = t.testdir({ dags: { 'etl.py': '', 'three.py': '', 'team': { 'deep.py': '' } } })
  const [logs, write] = [join(base, 'logs'), logsIn(join(base, 'logs'))]
  t.same(findBrokenDags(logs, now), { read: 0, broken: [] }, 'no logs yet')
  write('scheduler/2023-08-01/old.py.log', bad('/opt/airflow/dags/old.py'))
  write('scheduler/2023-08-02/etl.py.log', bad(etl))
  write('scheduler/2023-08-02/team/deep.py.log', bad('/opt/airflow/dags/team/deep.py'), 2)
  write('scheduler/2023-08-02/good.py.log', good('/opt/airflow/dags/good.py'))
  write('scheduler/2023-08-02/late.py.log', bad('/opt/airflow/dags/late.py'), 11)
  write('scheduler/2023-08-02/gone.py.log', bad('/opt/airflow/dags/gone.py'))
  write('scheduler/2023-08-02/fetched.py.log', bad('/opt/airflow/dags/repo/fetched.py'))
  write('dag_processor/2023-08-02/dags-folder/three.py.log', bad('/opt/airflow/dags/three.py'))
  symlinkSync('/opt/airflow/logs/scheduler/2023-08-02', join(logs, 'scheduler', 'latest'))
  t.same(filesIn(logs), [etl, '/opt/airflow/dags/repo/fetched.py', '/opt/airflow/dags/team/deep.py', '/opt/airflow/dags/three.py'])
  t.equal(findBrokenDags(logs, now).read, 6)
  t.end()
})

void t.test('what the pods have put there holds nobody up: links, loops, pipes, closed folders', (t) => {
  const logs = t.testdir({ elsewhere: { 'x.log': bad('/opt/airflow/dags/elsewhere.py') } })
  const write = logsIn(logs)
  const day = join(logs, 'scheduler/2023-08-02')
  write('scheduler/2023-08-02/etl.py.log', bad(etl))
  write('scheduler/2023-08-02/closed/in.py.log', bad('/opt/airflow/dags/in.py'))
  symlinkSync('.', join(day, 'a'))
  symlinkSync('.', join(day, 'b'))
  symlinkSync(join(logs, 'elsewhere'), join(day, 'c'))
  symlinkSync(join(logs, 'elsewhere/x.log'), join(day, 'd.log'))
  execFileSync('mkfifo', [join(day, 'pipe.log')])
  chmodSync(join(day, 'closed'), 0)
  const files = filesIn(logs)
  chmodSync(join(day, 'closed'), 0o755)
  t.ok(files.includes(etl))
  t.notOk(files.includes('/opt/airflow/dags/elsewhere.py'))
  t.end()
})

void t.test('of very many the newest are read, and of each the end', (t) => {
  const logs = t.testdir()
  const write = logsIn(logs)
  for (let index = 0; index < 5; index += 1) write(`scheduler/2023-08-02/a${index}.py.log`, good(etl), 5)
  write('scheduler/2023-08-02/z.py.log', good('x'.repeat(1000)) + bad('/opt/airflow/dags/z.py'), 1)
  t.match(findBrokenDags(logs, now, { entries: 100, files: 1, tailBytes: bad('/opt/airflow/dags/z.py').length }), { read: 1, broken: [{ file: '/opt/airflow/dags/z.py' }] })
  t.equal(findBrokenDags(logs, now, { entries: 3, files: 100, tailBytes: 100 }).read, 3)
  t.end()
})
