/** Logs of Airflow's own shape, written here: texts of 2.5 (dagbag.py, processor.py) and 3.0 (structlog's JSON). */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { brokenIn, findBrokenDags } from '../../../lib/cluster/dag-logs.ts'

const now = new Date('2023-08-02T10:30:00Z')
const stamp = '[2023-08-02T10:29:40.123+0000]'
const begun = (file: string): string => `${stamp} {processor.py:157} INFO - Started process (PID=42) to work on ${file}\n${stamp} {dagbag.py:536} INFO - Filling up the DagBag from ${file}\n`
const good = (file: string): string => `${begun(file)}${stamp} {processor.py:839} INFO - DAG(s) dict_keys(['etl']) retrieved from ${file}\n`
const bad = (file: string, exception = 'ModuleNotFoundError: No module named \'pandas\''): string => `${begun(file)}${stamp} {dagbag.py:347} ERROR - Failed to import: ${file}
Traceback (most recent call last):
  File "/home/airflow/.local/lib/python3.8/site-packages/airflow/models/dagbag.py", line 343, in parse
    loader.exec_module(new_module)
${exception}
${stamp} {processor.py:841} WARNING - No viable dags retrieved from ${file}
`
const etl = '/opt/airflow/dags/etl.py'

void t.test('the last time that a file was read decides', (t) => {
  t.same(brokenIn(bad(etl)), { file: etl, said: 'ModuleNotFoundError: No module named \'pandas\'' })
  t.same(brokenIn(good(etl) + bad(etl)), { file: etl, said: 'ModuleNotFoundError: No module named \'pandas\'' })
  t.equal(brokenIn(bad(etl) + good(etl)), undefined, 'mended since')
  t.equal(brokenIn(bad(etl) + begun(etl)), undefined, 'read at this moment')
  t.match(brokenIn(bad(etl).slice(150)), { file: etl }, 'the end of a long log')
  t.equal(brokenIn(''), undefined)
  t.end()
})

void t.test('what is wrong with it is told as Python does', (t) => {
  t.match(brokenIn(bad(etl, `  File "${etl}", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax`)), { said: 'SyntaxError: invalid syntax' })
  t.match(brokenIn(bad(etl, 'airflow.exceptions.AirflowDagCycleException')), { said: 'airflow.exceptions.AirflowDagCycleException' })
  t.match(brokenIn(bad(etl, 'it ended')), { file: etl, said: '' }, 'or not at all')
  const three = ['{"timestamp":"2025-06-11T01:24:16Z","level":"info","event":"Filling up the DagBag from /opt/airflow/dags/etl.py"}', '{"timestamp":"2025-06-11T01:24:16Z","level":"error","event":"Failed to import: /opt/airflow/dags/etl.py","error_detail":[{"exc_type":"ModuleNotFoundError","exc_value":"No module named \'pandas\'","syntax_error":null}]}']
  t.same(brokenIn(three.join('\n')), { file: etl, said: 'ModuleNotFoundError: No module named \'pandas\'' }, 'by Airflow 3 in JSON')
  t.end()
})

void t.test('of the newest day, in all folders of DAGs, and nothing that is older than half an hour', (t) => {
  const logs = t.testdir()
  const write = (path: string, text: string, minutesAgo: number): void => {
    mkdirSync(dirname(join(logs, path)), { recursive: true })
    writeFileSync(join(logs, path), text)
    const at = new Date(now.getTime() - minutesAgo * 60_000)
    utimesSync(join(logs, path), at, at)
  }
  t.same(findBrokenDags(logs, now), [], 'no logs yet')
  write('scheduler/2023-08-01/old.py.log', bad('/opt/airflow/dags/old.py'), 1)
  write('scheduler/2023-08-02/etl.py.log', bad(etl), 1)
  write('scheduler/2023-08-02/team/deep.py.log', bad('/opt/airflow/dags/team/deep.py'), 2)
  write('scheduler/2023-08-02/good.py.log', good('/opt/airflow/dags/good.py'), 1)
  write('scheduler/2023-08-02/gone.py.log', bad('/opt/airflow/dags/gone.py'), 31)
  write('dag_processor/2023-08-02/dags-folder/three.py.log', bad('/opt/airflow/dags/three.py'), 1)
  symlinkSync('/opt/airflow/logs/scheduler/2023-08-02', join(logs, 'scheduler', 'latest'))
  const found = findBrokenDags(logs, now)
  t.same(found.map(({ file }) => file).sort(), [etl, '/opt/airflow/dags/team/deep.py', '/opt/airflow/dags/three.py'])
  t.equal(found.find(({ file }) => file === etl)?.at, '2023-08-02T10:29:00.000Z')
  t.same(findBrokenDags(join(logs, 'nowhere'), now), [])
  t.end()
})
