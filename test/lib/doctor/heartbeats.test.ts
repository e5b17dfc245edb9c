import t from 'tap'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import { inManifest, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { long } from './evidence.ts'
import { answers, site, webPod, webserver } from './way.ts'

const since = (time: string) => ({ ...ready, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }] })
const scheduler = (time = long) => pod({ name: 'airflow-scheduler-6d5-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-scheduler-6d5' }, labels: { 'tier': 'airflow', 'component': 'scheduler', 'release': 'airflow', 'pod-template-hash': '6d5' }, status: since(time) })

function found(page: object | string, pods = [scheduler(), webPod()], parts: Partial<Evidence> = {}) {
  return diagnose(site({ pods, answered: answers({ body: typeof page === 'string' ? page : JSON.stringify(page) }), ...parts }), [], processRules).findings
}

const page = (status: string | null, heartbeat: string | null, metadatabase = 'healthy') => ({ metadatabase: { status: metadatabase }, scheduler: { latest_scheduler_heartbeat: heartbeat, status }, triggerer: { latest_triggerer_heartbeat: null, status: null } })

void t.test('a scheduler that runs and is called unhealthy by Airflow itself is no health', (t) => {
  const silent = { id: 'heartbeat-missing', severity: 'error', title: 'Airflow\'s scheduler runs and gives no sign of life', fix: [/^kubectl -n airflow rollout restart deployment\/airflow-scheduler /] }
  t.match(found(page('unhealthy', '2023-08-02T10:20:00.000000+00:00')), [{ ...silent, evidence: [/calls it unhealthy, with its last heartbeat at 2023-08-02T10:20:00/, /^Pod airflow\/airflow-scheduler-6d5-abcde has been ready since/] }])
  t.match(found(page('unhealthy', null)), [{ ...silent, evidence: [/with no heartbeat/, /scheduler/] }])
  t.end()
})

void t.test('one that is late now and then, has just begun, is told of elsewhere or is not there is no matter of its heartbeat', (t) => {
  t.same(found(page('healthy', '2023-08-02T10:29:50.000000+00:00')), [])
  t.same(found(page('unhealthy', '2023-08-02T10:29:00.000000+00:00')), [], 'late by a minute')
  t.same(found(page('unhealthy', '2023-08-02T10:20:00.000000+00:00'), [scheduler('2023-08-02T10:29:00Z'), webPod()]), [], 'a pod of a minute')
  t.same(found(page('unhealthy', '2023-08-02T10:20:00.000000+00:00'), [webPod()]), [], 'no pod of it')
  t.same(found('metadatabase: fine'), [], 'another page')
  t.end()
})

void t.test('a webserver that cannot ask its database says so on a page that answers 200', (t) => {
  t.match(found(page('unhealthy', null, 'unhealthy')), [{ id: 'heartbeat-missing', title: /cannot ask its database/, fix: [/logs airflow-webserver/] }])
  const database = (readyReplicas: number) => ({ record: release({ objects: [inManifest(statefulSet('airflow-postgresql', 0))] }), workloads: [statefulSet('airflow-postgresql', readyReplicas), webserver()] })
  t.match(found(page('unhealthy', null, 'unhealthy'), undefined, database(1)), [{ title: /cannot ask its database/ }])
  t.same(found(page('unhealthy', null, 'unhealthy'), undefined, database(0)), [], 'one that is not ready has its own story')
  t.end()
})
