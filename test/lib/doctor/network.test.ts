import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { container, placed, pod, ready } from '../observe/objects.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { answers, judged, makeEndpoints, makeService, roots, site, unrouted, webPod } from './way.ts'

void t.test('a Service that was edited so that it leads nowhere, with the patch that mends it', (t) => {
  const lost = judged({ services: [makeService({ selector: { component: 'nobody' } })], endpoints: [makeEndpoints()], answered: answers(unrouted) })
  t.match(lost.findings[0], { id: 'service-without-endpoints', severity: 'error', evidence: [/selects component=nobody, which no pod has/], fix: [/^kubectl -n airflow patch service airflow-webserver --type json -p '\[/] })
  t.same(roots({ services: [makeService({ selector: { component: 'nobody' } })], endpoints: [makeEndpoints()], answered: answers(unrouted) }), ['service-without-endpoints error'])
  const port = (ports: unknown[]) => judged({ services: [makeService({ ports })], answered: answers({ status: 502, body: 'Bad Gateway' }) }).findings
  t.match(port([{ port: 8080, targetPort: 9999 }]), [{ id: 'service-without-endpoints', evidence: [/port 8080 leads to 9999 of the pods; the chart's leads to 8080/] }])
  t.match(port([{ port: 80, targetPort: 8080 }])[0], { id: 'service-without-endpoints', evidence: [/has no port 8080 any more, only 80/] })
  t.match(judged({ endpoints: [makeEndpoints()] }).findings, [{ evidence: [/has no endpoints, while Pod airflow\/airflow-webserver-6f8-web01 is ready/] }])
  t.end()
})

void t.test('a selector that leads to other pods, or to none since it is gone, is told by what the chart has', (t) => {
  const scheduler = pod({ labels: { 'tier': 'airflow', 'component': 'scheduler', 'release': 'airflow', 'pod-template-hash': '6d5' }, status: ready })
  const edited = (spec: Record<string, unknown>, more = {}) => judged({ services: [makeService(spec)], endpoints: [makeEndpoints([{ addresses: [{ ip: '10.244.0.9' }] }])], pods: [webPod(), scheduler], ...more }).findings
  const bad = { answered: answers({ status: 502, body: 'Bad Gateway' }) }
  t.match(edited({ selector: { component: 'scheduler', tier: 'airflow', release: 'airflow' } }, bad), [{ id: 'service-without-endpoints', title: /does not lead to its pods/, evidence: [/selects component=scheduler,.*which other pods have as well; the chart's selector is tier=airflow,component=webserver/], fix: [/patch service airflow-webserver/] }])
  t.match(edited({ selector: { tier: 'airflow' } }, bad), [{ id: 'service-without-endpoints', evidence: [/which other pods have as well/] }])
  // `kubectl patch … remove /spec/selector`: the API server leaves the field out, and the endpoints stay as they were.
  t.match(edited({ selector: undefined }, bad), [{ id: 'service-without-endpoints', evidence: [/has no selector any more, .*; the chart's selector is/], fix: [/patch service airflow-webserver/] }])
  t.match(edited({ type: 'ExternalName', externalName: 'nowhere.example.org' }), [{ id: 'service-without-endpoints', evidence: [/is of type ExternalName and leads to nowhere.example.org; the chart's is of type ClusterIP/], fix: ['npx tsx run.ts apply --from helm'] }])
  t.same(edited({ selector: { component: 'webserver' } }), [], 'fewer labels that lead to the same')
  t.end()
})

void t.test('a pod of somebody else\'s that a Service leads to is named, and no network is blamed', (t) => {
  const labels = { tier: 'airflow', component: 'webserver', release: 'airflow' }
  const taker = { ...pod({ name: 'load-test', labels, status: ready }), metadata: { name: 'load-test', namespace: 'airflow', labels } }
  const taken = (pods: KubernetesObject[]) => judged({ pods, answered: answers({ status: 502, body: 'Bad Gateway' }) }).findings
  t.match(taken([webPod(), taker]), [{ id: 'service-without-endpoints', title: 'Service airflow/airflow-webserver leads to Pod load-test as well, which is not of the release', evidence: [/^not of the release, with the labels .*: Pod airflow\/load-test$/, /only a part of the requests: .*web01$/], fix: [/^kubectl -n airflow label pod load-test release-/] }])
  t.equal(taken([webPod(), taker]).length, 1)
  t.match(taken([webPod()]), [{ title: 'Traefik does not get an answer from the webserver' }])
  const older = pod({ name: 'airflow-webserver-5c9-old01', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-5c9' }, labels: { ...labels, 'pod-template-hash': '5c9' }, status: ready })
  t.match(taken([webPod(), older]), [{ title: 'Traefik does not get an answer from the webserver' }], 'not one of the rollout before')
  const going = { ...older, metadata: { ...older.metadata, deletionTimestamp: '2023-08-02T10:30:20Z' } }
  const young = { ...older, metadata: { ...older.metadata, creationTimestamp: '2023-08-02T10:29:00Z' } }
  for (const one of [going, young]) t.same(taken([webPod(), one]), [], 'while one comes or goes, a request may meet it')
  t.end()
})

void t.test('of two faults at once that have nothing to do with each other neither hides the other', (t) => {
  const refused = pod({ labels: { 'tier': 'airflow', 'pod-template-hash': '6d5b9c7f9' }, status: { phase: 'Running', containerStatuses: [container({ state: { running: { startedAt: '2023-08-02T10:20:00Z' } } })] } })
  const said = { namespace: 'airflow', pod: refused.metadata.name, container: 'scheduler', previous: false, lines: ['psycopg2.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction'] }
  const both = site({ services: [makeService({ ports: [{ port: 8080, targetPort: 'airflow-ux' }] })], pods: [webPod(), refused], logs: [said] })
  const { findings } = diagnose(both)
  t.same(findings.filter(({ id, causes = [] }) => causes.length === 0 && id !== 'release-not-airstrips').map(({ id }) => id).sort(), ['database-unreachable', 'service-without-endpoints'])
  t.end()
})

void t.test('pods that are not ready, or not there yet, are a start', (t) => {
  t.same(judged({ pods: [webPod({ status: { phase: 'Running' } })], endpoints: [makeEndpoints([{ notReadyAddresses: [{ ip: '10.244.0.9' }] }])] }).findings, [])
  t.same(judged({ pods: [], endpoints: [makeEndpoints()] }).findings, [])
  t.same(judged({ services: undefined, endpoints: undefined }).findings, [])
  t.match(judged({ answered: answers({ status: 502, body: 'Bad Gateway' }) }).findings, [{ id: 'service-without-endpoints', title: 'Traefik does not get an answer from the webserver' }])
  t.end()
})

const policy = (name: string, spec: Record<string, unknown>): KubernetesObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'airflow', creationTimestamp: '2023-08-02T10:10:00Z' }, spec: { podSelector: {}, ...spec } })
const denyAll = policy('deny', { policyTypes: ['Ingress', 'Egress'] })
const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: { 'app.kubernetes.io/name': 'postgresql' }, spec: { containers: [{ name: 'postgresql', ports: [{ containerPort: 5432 }] }] }, status: ready })
const waiting = (startedAt: string) => pod({ labels: { 'tier': 'airflow', 'pod-template-hash': '6d5b9c7f9' }, status: { ...placed, initContainerStatuses: [container({ name: 'wait-for-airflow-migrations', state: { running: { startedAt } } })] } })
const scheduler = waiting('2023-08-02T10:11:00Z')
// psycopg2 2.9, as the wait for the migrations prints it.
const logs = [{ namespace: 'airflow', pod: scheduler.metadata.name, container: 'wait-for-airflow-migrations', previous: false, lines: ['connection to server at "airflow-postgresql.airflow" (10.96.1.2), port 5432 failed: timeout expired'] }]

void t.test('a policy that certainly shuts the database off is a fault once connections fail', (t) => {
  const cut = (policies: KubernetesObject[], more = {}) => judged({ pods: [webPod(), scheduler, database], networkPolicies: policies, logs, ...more }).findings.map(({ id }) => id)
  t.same(cut([denyAll]), ['network-policy-blocks'])
  t.same(cut([policy('db', { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'postgresql' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'x' } } }] }] })]), ['network-policy-blocks'])
  t.same(cut([denyAll], { logs: logs.map((one) => ({ ...one, lines: ['INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.'] })) }), [], 'a plugin that does not enforce it, or an open connection')
  t.same(cut([denyAll, policy('allow', { ingress: [{}], egress: [{}], policyTypes: ['Ingress', 'Egress'] })]), [], 'with one that allows')
  t.same(cut([policy('port', { ingress: [{ ports: [{ port: 5432 }] }] })]), [])
  t.same(cut([policy('web', { podSelector: { matchLabels: { component: 'webserver' } } })]), [], 'of other pods')
  t.same(cut([denyAll], { pods: [scheduler, pod({ ...database.metadata, status: {} })] }), [], 'a database that is not ready has its own story')
  t.end()
})

void t.test('a connection that failed before the policy was there, or while the database started, tells nothing of it', (t) => {
  const cut = (part: KubernetesObject, lines: string[], readyAt = '2023-08-02T10:00:00Z') => {
    const since = { ...database, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: readyAt }] } }
    return judged({ pods: [webPod(), part, since], networkPolicies: [denyAll], logs: [{ ...logs[0], lines }] as typeof logs }).findings.filter(({ id }) => id === 'network-policy-blocks').length
  }
  const [said = ''] = logs[0]?.lines ?? []
  t.equal(cut(waiting('2023-08-02T10:05:00Z'), [said]), 0, 'of a run that began before')
  t.equal(cut(waiting('2023-08-02T10:05:00Z'), ['[2023-08-02T10:12:00.123+0000] {scheduler_job_runner.py:788} ERROR - Exception when executing', said]), 1, 'but said after it')
  t.equal(cut(waiting('2023-08-02T10:05:00Z'), [`[2023-08-02T10:07:33.619+0000] {SchedulerJob.py} ERROR - sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) ${said}`, '[2023-08-02T10:12:00.123+0000] {scheduler_job_runner.py:788} INFO - Adopting']), 0, 'a database that was made anew before the policy')
  t.equal(cut(scheduler, [said], '2023-08-02T10:10:55Z'), 0, 'ready five seconds before')
  t.equal(cut(scheduler, ['smtplib.SMTPServerDisconnected: timed out']), 0, 'of somebody else')
  for (const line of ['airflow-postgresql.airflow [10.96.1.2] 5432 (postgresql) : Connection timed out', 'redis.exceptions.TimeoutError: Timeout connecting to server']) t.equal(cut(scheduler, [line]), 1, line)
  t.end()
})
