/** How a person reads what the doctor found. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { diagnosisJson, diagnosisLines } from '../../../lib/report/diagnosis.ts'
import { evidence, long } from '../doctor/evidence.ts'
import { inManifest, release, statefulSet } from '../observe/objects.ts'

void t.test('what is not ready yet is told apart from what is healthy', (t) => {
  const told = (ready: number) => {
    const set = statefulSet('airflow-postgresql', ready)
    const diagnosis = diagnose(evidence({ workloads: [set], record: release({ objects: [inManifest(set)], updatedAt: long }), looked: ['1 statefulset'] }), [], [])
    return { lines: diagnosisLines(diagnosis, false), json: JSON.parse(diagnosisJson(diagnosis)) as unknown }
  }
  t.same(told(1).lines, ['healthy', 'looked at: 1 statefulset'])
  t.match(told(0).json, { healthy: true, looked: ['1 statefulset', /^on its way: StatefulSet airflow\/airflow-postgresql: 0\/1 ready/] })
  t.match(told(0).lines, ['nothing is wrong so far, and not everything is ready yet', /^ {2}on its way: StatefulSet airflow\/airflow-postgresql: 0\/1 ready/, 'looked at: 1 statefulset'])
  t.end()
})
