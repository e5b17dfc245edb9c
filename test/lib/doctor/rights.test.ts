/** Who is to make the pods of tasks, and may not. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { container, crashed, pod, ready, release } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], processRules).findings
const healthy = pod({ status: { ...ready, containerStatuses: [container({ state: { running: { startedAt: '2023-08-02T10:28:00Z' } }, started: true, ready: true })] } })

function said(line: string, name = 'scheduler', of = healthy): Partial<Evidence> {
  return { pods: [of], logs: [{ namespace: 'airflow', pod: of.metadata.name, container: name, previous: false, lines: ['first', line, 'last'] }] }
}

const forbidden = 'HTTP response body: {"kind":"Status","message":"pods is forbidden: User \\"system:serviceaccount:airflow:airflow-scheduler\\" cannot list resource \\"pods\\" in API group \\"\\" in the namespace \\"airflow\\""}'

void t.test('a scheduler that may not make pods is told, and explains its own crash and no other', (t) => {
  const scheduler = pod({ status: { containerStatuses: [crashed(4, {})] } })
  const other = pod({ name: 'airflow-statsd-1-x', owner: { kind: 'ReplicaSet', name: 'airflow-statsd-1' }, labels: { 'pod-template-hash': '1' }, status: { containerStatuses: [crashed(4, {}, { name: 'statsd' })] } })
  const all = found({ ...said(forbidden, 'scheduler', scheduler), pods: [scheduler, other] })
  t.match(all.map(({ id, title, causes = [] }) => [id, title, causes.map((cause) => cause.id)]), [
    ['k8s-executor-forbidden', 'Service account airflow-scheduler may not list pods in namespace airflow', []],
    ['crash-loop', /statsd/, []],
    ['crash-loop', /scheduler/, ['k8s-executor-forbidden']],
  ])
  // The client prints the body as bytes where it was not decoded, with its backslashes doubled.
  t.match(found(said(forbidden.replaceAll('in the namespace \\"airflow\\"', 'in the namespace \\"other\\"'))), [{ id: 'k8s-executor-forbidden', evidence: [/./, /its role is for namespace airflow, and the tasks are to run in other/], fix: [/AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE/] }])
  t.notMatch(JSON.stringify(found(said(forbidden.replaceAll('airflow:airflow-scheduler', 'airflow:x;reboot;')))), /reboot/, 'what is no name of Kubernetes becomes part of no command')
  t.match(found(said(forbidden.replace('{"kind"', 'b\'{"kind"').replaceAll('\\"', '\\\\"'))), [{ id: 'k8s-executor-forbidden', title: 'Service account airflow-scheduler may not list pods in namespace airflow' }])
  const record = release({ objects: [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'airflow-pod-launcher' }, subjects: [{ kind: 'ServiceAccount', name: 'airflow-scheduler' }] }] })
  t.match(found({ ...said(forbidden), record }), [{ fix: [/^npx tsx run.ts apply/] }])
  t.end()
})

const rbac = (kind: string, name: string, fields: object = {}) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name }, ...fields })
const role = rbac('Role', 'launcher', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['create', 'list'] }] })
const roleRef = { kind: 'Role', name: 'launcher' }
const binding = rbac('RoleBinding', 'launcher-binding', { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'airflow-scheduler' }] })

void t.test('a role or a binding that was changed is told before anybody is refused, unless another does the same', (t) => {
  const told = (...there: KubernetesObject[]) => found({ record: release({ objects: [role, binding] }), pods: [healthy], roles: there })
  const boundTo = (fields: object, name = 'launcher-binding') => rbac('RoleBinding', name, { roleRef, ...fields })
  const subjects = [{ kind: 'ServiceAccount', name: 'airflow-scheduler', namespace: 'airflow' }]
  t.same(told(role, boundTo({ subjects })), [], 'as Kubernetes fills it in')
  const moved = told(role, boundTo({ subjects: [{ ...subjects[0], namespace: 'other' }] }))
  t.match(moved, [{ id: 'k8s-executor-forbidden', severity: 'error', title: 'Service account airflow-scheduler may not make the pods of tasks: RoleBinding airflow/launcher-binding is for service account other/airflow-scheduler, and was for airflow/airflow-scheduler', evidence: [/./, 'it is for service account airflow-scheduler'], fix: [/^npx tsx run.ts apply #/] }])
  t.equal(moved.length, 1)
  t.match(told(role, boundTo({})), [{ title: /is for no service account, and was for airflow\/airflow-scheduler$/ }])
  for (const rules of [[], null, [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]]) {
    t.match(told({ ...role, rules }, boundTo({ subjects })), [{ title: /: Role airflow\/launcher does not let anybody create pods$/ }])
  }
  t.match(told(role, boundTo({ subjects, roleRef: { kind: 'Role', name: 'reading' } })), [{ title: /is of Role reading, and was of launcher$/ }])
  t.same(told(role, boundTo({ subjects, roleRef: { kind: 'ClusterRole', name: 'edit' } })), [], 'what that grants is not looked up')
  t.same(told({ ...role, rules: [] }, boundTo({ subjects }), boundTo({ subjects, roleRef: { kind: 'ClusterRole', name: 'edit' } }, 'own')), [], 'another binding does it')
  t.same(told(rbac('Role', 'launcher'), rbac('RoleBinding', 'launcher-binding')), [], 'a bundle of an older version has their names alone')
  t.end()
})

void t.test('a role or a binding that is gone is told before anybody is refused, and with who was', (t) => {
  const reader = rbac('RoleBinding', 'reader', { roleRef: { kind: 'Role', name: 'reading' }, subjects: [{ kind: 'ServiceAccount', name: 'airflow-webserver' }] })
  const record = release({ objects: [role, binding, reader] })
  const told = (there: KubernetesObject[], parts: Partial<Evidence> = {}) => found({ record, pods: [healthy], roles: there, ...parts })
  t.same(told([role, binding, reader]), [])
  const gone = told([role, reader])
  t.match(gone, [{ id: 'k8s-executor-forbidden', severity: 'error', title: 'Nobody may make the pods of tasks: RoleBinding airflow/launcher-binding does not exist', evidence: [/revision 1 and is not there/, 'it is for service account airflow-scheduler'], fix: [/^npx tsx run.ts apply #/, /^kubectl auth can-i create pods -n airflow --as=system:serviceaccount:airflow:airflow-scheduler/] }])
  t.equal(gone.length, 1)
  t.match(told([reader]), [{ title: 'Nobody may make the pods of tasks: RoleBinding airflow/launcher-binding and Role airflow/launcher do not exist' }])
  const both = told([role, reader], said(forbidden))
  t.match(both, [{ evidence: [/./, /./, /cannot list resource/] }])
  t.equal(both.length, 1, 'what the log says is the same')
  t.match(found({ record, pods: [healthy], roles: [role, binding] }), [], 'by rules of Helm the rest is told')
  t.match(diagnose(evidence({ record, pods: [healthy], roles: [role, binding] })).findings, [{ id: 'release-object-missing', title: 'RoleBinding airflow/reader does not exist, and the release needs it' }])
  t.same(found({ record, pods: [healthy] }), [], 'nobody could look')
  t.end()
})
