import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { pod, ready } from '../observe/objects.ts'
import { answers, judged, makeEndpoints, makeService, roots, unrouted, webPod } from './way.ts'

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

void t.test('pods that are not ready, or not there yet, are a start', (t) => {
  t.same(judged({ pods: [webPod({ status: { phase: 'Running' } })], endpoints: [makeEndpoints([{ notReadyAddresses: [{ ip: '10.244.0.9' }] }])] }).findings, [])
  t.same(judged({ pods: [], endpoints: [makeEndpoints()] }).findings, [])
  t.same(judged({ services: undefined, endpoints: undefined }).findings, [])
  t.match(judged({ answered: answers({ status: 502, body: 'Bad Gateway' }) }).findings, [{ id: 'service-without-endpoints', title: 'Traefik does not get an answer from the webserver' }])
  t.end()
})

const policy = (name: string, spec: Record<string, unknown>): KubernetesObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'airflow' }, spec: { podSelector: {}, ...spec } })
const denyAll = policy('deny', { policyTypes: ['Ingress', 'Egress'] })
const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: { 'app.kubernetes.io/name': 'postgresql' }, spec: { containers: [{ name: 'postgresql', ports: [{ containerPort: 5432 }] }] }, status: ready })
const scheduler = pod({ labels: { 'tier': 'airflow', 'pod-template-hash': '6d5b9c7f9' } })
// psycopg2 2.9, as the wait for the migrations prints it.
const logs = [{ namespace: 'airflow', pod: scheduler.metadata.name, container: 'wait-for-airflow-migrations', previous: false, lines: ['connection to server at "airflow-postgresql.airflow" (10.96.1.2), port 5432 failed: timeout expired'] }]

void t.test('a policy that certainly shuts the database off is a fault once connections fail', (t) => {
  const cut = (policies: KubernetesObject[], more = {}) => judged({ pods: [webPod(), scheduler, database], networkPolicies: policies, logs, ...more }).findings.map(({ id }) => id)
  t.same(cut([denyAll]), ['network-policy-blocks'])
  t.same(cut([policy('db', { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'postgresql' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'x' } } }] }] })]), ['network-policy-blocks'])
  t.same(cut([denyAll], { logs: [] }), [], 'a plugin that does not enforce it, or an open connection')
  t.same(cut([denyAll, policy('allow', { ingress: [{}], egress: [{}], policyTypes: ['Ingress', 'Egress'] })]), [], 'with one that allows')
  t.same(cut([policy('port', { ingress: [{ ports: [{ port: 5432 }] }] })]), [])
  t.same(cut([policy('web', { podSelector: { matchLabels: { component: 'webserver' } } })]), [], 'of other pods')
  t.same(cut([denyAll], { pods: [scheduler, pod({ ...database.metadata, status: {} })] }), [], 'a database that is not ready has its own story')
  t.end()
})
