/** A DAG or a plugin may ask a database of its own: its faults are not those of Airflow's. The texts are of psycopg2 and libpq. */
import t from 'tap'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { crashed, deployment, pod, statefulSet } from '../observe/objects.ts'
import { errors, has, log, of, postgres } from './airflow-on-database.ts'
import { wanted as whole } from './way.ts'

const wanted = { ...whole, database: { user: 'airflow', host: 'airflow-postgresql.airflow', port: 5432, name: 'airflow' } }
const service = (name: string, component: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'airflow' }, spec: { clusterIP: `10.96.0.${name.length}`, selector: { component } } })
const server = postgres({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:05:00Z' }] })

function dies(line: string, parts: Partial<Evidence> = {}, env: object[] = []): Evidence {
  const one = pod({ spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:2.6.2', env }] }, status: { containerStatuses: [crashed(4, {})] } })
  return of({ wanted, workloads: [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)], pods: [one, { ...server, metadata: { ...server.metadata, labels: { component: 'db' } } }], services: [service('airflow-postgresql', 'db'), service('warehouse', 'wh'), service('alias', 'db')], logs: [log(one, 'scheduler', line)], ...parts })
}
const at = (host: string, reason: string, address = '10.1.2.3') => `psycopg2.OperationalError: connection to server at "${host}" (${address}), port 5432 failed: ${reason}`

const reasons = ['FATAL:  password authentication failed for user "etl"', 'FATAL:  database "warehouse" does not exist', 'Connection timed out', 'FATAL:  sorry, too many clients already']

void t.test('what another database answers, or does not, is no fault of Airflow\'s', (t) => {
  for (const reason of reasons) {
    for (const host of ['warehouse.example.org', 'warehouse.lan', 'warehouse']) t.same(errors(dies(at(host, reason))), ['crash-loop'], `${host}: ${reason}`)
  }
  t.notOk(has(dies('psycopg2.OperationalError: could not translate host name "warehouse.lan" to address: Name or service not known'), 'database-unreachable'))
  const external = { ...wanted, bundledDatabase: false, database: { ...wanted.database, host: '192.168.1.5' } }
  const alone = dies(at('192.168.1.6', reasons[1] ?? ''), { wanted: external })
  t.notOk(has({ ...alone, pods: alone.pods.slice(0, 1) }, 'database-unreachable'), 'two addresses')
  t.end()
})

void t.test('where it may be Airflow\'s own under another name it is told as before', (t) => {
  const [, missing = ''] = reasons
  const told = (evidence: Evidence, why: string) => { t.same(errors(evidence), ['database-unreachable', 'crash-loop explained'], why) }
  for (const host of ['airflow-postgresql.airflow', 'airflow-postgresql.airflow.svc.cluster.local', 'airflow-postgresql', 'alias.airflow', '10.96.0.18']) told(dies(at(host, missing)), host)
  told(dies(at('nope.airflow', missing)), 'a name that nothing here has')
  told(dies(at('warehouse.lan', missing), { wanted: undefined }), 'nobody knows where it is')
  told(dies(at('warehouse.lan', missing), {}, [{ name: 'AIRFLOW__DATABASE__SQL_ALCHEMY_CONN', value: '•••' }]), 'the pod is given a connection of its own')
  told(dies('psycopg2.OperationalError: FATAL:  database "airflow" does not exist'), 'libpq before 14 names nobody')
  t.end()
})
