/** An Airflow that somebody's edit leads to another database. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { crashed, deployment, inManifest, pod, release, statefulSet } from '../observe/objects.ts'
import { found, log, of, postgres } from './airflow-on-database.ts'

const refused = 'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "10.213.0.1", port 5999 failed: Connection refused'
const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:05:00Z' }] }
const connection = { name: 'AIRFLOW__DATABASE__SQL_ALCHEMY_CONN', valueFrom: { secretKeyRef: { name: 'airflow-airstrip-metadata', key: 'connection' } } }

/** What is found where a scheduler is refused whose live environment, and memory, are these. */
function refusedWith(env: object, limits: object = {}) {
  const live = deployment('airflow-scheduler', 0)
  const template = (one: object, memory: object) => ({ spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:2.6.2', env: [one], resources: { limits: memory } }] } })
  const edited: KubernetesObject = { ...live, metadata: { ...live.metadata, labels: { 'app.kubernetes.io/managed-by': 'Helm' }, annotations: { 'meta.helm.sh/release-name': 'airflow', 'meta.helm.sh/release-namespace': 'airflow' } }, spec: { replicas: 1, template: template(env, limits) } }
  const scheduler = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const record = release({ objects: [{ ...inManifest(live), spec: { replicas: 1, template: template(connection, {}) } }] })
  return found(of({ workloads: [statefulSet('airflow-postgresql', 1), edited], pods: [scheduler, postgres(ready)], logs: [log(scheduler, 'scheduler', refused)], record }))[0]
}

void t.test('whose connection was set by hand is told that, and to put it back first', (t) => {
  const told = refusedWith({ name: connection.name, value: 'postgresql://airflow:Canary-0815@10.213.0.1:5999/airflow' })
  t.match(told, { id: 'database-unreachable', fix: [/^npx tsx run\.ts apply # puts back what was edited by hand/] })
  t.match(told?.evidence.at(-1), /^Deployment airflow\/airflow-scheduler is not as the release has it: .*env\[AIRFLOW__DATABASE__SQL_ALCHEMY_CONN\]/)
  t.notMatch(JSON.stringify(told), 'Canary-0815')
  t.end()
})

void t.test('another edit of who is refused is no reason of it', (t) => {
  const told = refusedWith(connection, { memory: '4Mi' })
  t.match(told, { id: 'database-unreachable' })
  t.notMatch(JSON.stringify(told), /edited by hand|not as the release/)
  t.end()
})
