import t from 'tap'
import { faults } from '../../../lib/observe/faults.ts'
import { mendable, mends, mendingsOf } from '../../../lib/doctor/mends.ts'
import type { Touch } from '../../../lib/doctor/mends/mend.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Finding } from '../../../lib/step.ts'
import { claim, deployment, masterTaint, node, pod, release, statefulSet, storageClass, unplaced, volume, workload } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const touchesOf = (id: FaultId, parts: Partial<Evidence>): Touch[] => mends[id]?.(evidence(parts))?.touches ?? []
const stepsOf = (id: FaultId, parts: Partial<Evidence> = {}): string[] => mends[id]?.(evidence(parts))?.steps ?? []

/** What would be done with the objects as they stand in the evidence: `patch StorageClass b: test …, replace …`. */
function doneTo(id: FaultId, parts: Partial<Evidence>, live = (object: KubernetesObject): KubernetesObject => object): string[] {
  const all = Object.values(evidence(parts)).flatMap((part) => (Array.isArray(part) ? part as KubernetesObject[] : []))
  return touchesOf(id, parts).flatMap(({ ref, make }) => {
    const object = all.find(({ kind, metadata }) => kind === ref.kind && metadata?.name === ref.name)
    return object === undefined ? [] : make(live(object)).map((change) =>
      `${change.op} ${ref.kind} ${ref.name}${change.op === 'patch' ? `: ${change.patch.map(({ op, path, value }) => [op, path, ...(value === undefined ? [] : [JSON.stringify(value)])].join(' ')).join(', ')}` : ''}`)
  })
}

void t.test('every mend is of a fault that there is', (t) => {
  t.same(mendable.filter((id) => !(id in faults)), [])
  t.end()
})

void t.test('of two defaults airstrip\'s own stays, else the one in use, else the older', (t) => {
  const mark = '/metadata/annotations/storageclass.kubernetes.io~1is-default-class'
  const of = (classes: KubernetesObject[], claims: KubernetesObject[] = []): string[] => doneTo('two-default-storageclasses', { classes, claims })
  const [longhorn, nfs, local] = [storageClass('longhorn', {}, true), storageClass('nfs', {}, true), storageClass('local-path', {}, true)]
  t.same(of([longhorn, local]), [`patch StorageClass longhorn: test ${mark} "true", replace ${mark} "false"`])
  t.match(of([longhorn, nfs], [claim({ storageClassName: 'nfs' })]), [/^patch StorageClass longhorn/])
  const older = { ...nfs, metadata: { ...nfs.metadata, creationTimestamp: '2020-01-01T00:00:00Z' } }
  t.match(of([longhorn, older]), [/^patch StorageClass longhorn/])
  const both = { ...longhorn, metadata: { ...longhorn.metadata, annotations: { ...longhorn.metadata.annotations, 'storageclass.beta.kubernetes.io/is-default-class': 'true' } } }
  t.match(of([both, local]), [/storageclass\.kubernetes\.io~1is-default-class "false", test .*beta.*"false"/])
  t.same(of([longhorn]), [], 'one is none too many')
  t.same(doneTo('two-default-storageclasses', { classes: [longhorn, local] }, ({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, annotations: {} } })), [], 'somebody unmarked it since')
  t.end()
})

const templated = { ...statefulSet('airflow-postgresql', 0), spec: { replicas: 1, volumeClaimTemplates: [{ metadata: { name: 'data' } }] } }
const waitingPod = pod({
  name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' },
  spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] }, status: unplaced('unbound'),
})
const remade = ['delete PersistentVolumeClaim data-airflow-postgresql-0', 'delete Pod airflow-postgresql-0']

void t.test('a default is marked where a class is there, and what was made before it is made again, the claim first', (t) => {
  const parts = { claims: [claim()], pods: [waitingPod], workloads: [templated] }
  const of = (more: Partial<Evidence>): string[] => doneTo('pvc-no-usable-storageclass', { ...parts, ...more })
  const marked = /^patch StorageClass local-path: add \/metadata\/annotations\/storageclass\.kubernetes\.io~1is-default-class "true"/
  t.match(of({ classes: [storageClass('local-path'), storageClass('nfs')] }), [marked, ...remade])
  t.match(of({ classes: [storageClass('nfs')] }), [/^patch StorageClass nfs/, ...remade], 'the only one that makes volumes')
  t.same(of({ classes: [storageClass('nfs'), storageClass('longhorn')] }), [], 'which of two is meant, nobody knows')
  t.equal(of({ classes: [storageClass('local-path')], versions: { server: 'v1.27.3', kubectl: '', helm: '' } }).length, 1, 'from 1.26 on an older claim learns of it')
  t.same(of({ classes: [storageClass('local-path', {}, true)] }), remade, 'there is a default since')
  t.same(stepsOf('pvc-no-usable-storageclass', { ...parts, classes: [storageClass('airflow-storage', { provisioner: 'kubernetes.io/no-provisioner' })] }), ['provisioner'], 'nothing makes volumes')
  t.same(stepsOf('pvc-no-usable-storageclass', { ...parts, claims: [claim({ storageClassName: 'airflow-storage' })] }), ['storage'])
  t.equal(mends['pvc-no-usable-storageclass']?.(evidence({ ...parts, claims: [claim({ storageClassName: 'fast' })] })), undefined, 'a class of a person\'s own')
  t.equal(mends['pvc-no-usable-storageclass']?.(evidence({ ...parts, classes: undefined })), undefined, 'the classes could not be read')
  t.end()
})

void t.test('no claim is deleted that has ever had a volume, or that nobody makes again, and no pod that has a node', (t) => {
  const classes = [storageClass('local-path', {}, true)]
  const of = (one: KubernetesObject, more: Partial<Evidence> = {}, live?: (object: KubernetesObject) => KubernetesObject): string[] =>
    doneTo('pvc-no-usable-storageclass', { classes, claims: [one], pods: [waitingPod], workloads: [templated], ...more }, live)
  t.same(of(claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })), [])
  t.same(of(claim({ volumeName: 'pvc-1' })), [], 'Pending, but meant for a volume')
  t.same(of(claim({}, { phase: 'Lost' })), [])
  t.same(of(claim(), { workloads: [] }), [], 'no StatefulSet makes it again')
  t.same(of(claim(), {}, (object) => (object.kind === 'Pod' ? { ...object, spec: { ...(object.spec as object), nodeName: 'home' } } : { ...object, spec: { ...(object.spec as object), volumeName: 'pvc-1' }, status: { phase: 'Bound' } })), [], 'bound and placed since it was looked at')
  t.end()
})

void t.test('a Released volume forgets its claim where it is one of airstrip\'s two, and never a database\'s', (t) => {
  const ours = { labels: { 'app.kubernetes.io/managed-by': 'airstrip', 'type': 'airflow-logs' } }
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'airflow', name: 'airflow-local-logs-folder', uid: 'uid-of-the-old' }
  const made = (name: string, metadata: object, phase = 'Released', spec: Record<string, unknown> = { claimRef }): KubernetesObject => {
    const one = volume(spec, phase, name)
    return { ...one, metadata: { ...one.metadata, ...metadata } }
  }
  const of = (one: KubernetesObject, live?: (object: KubernetesObject) => KubernetesObject): string[] => doneTo('pv-released-not-rebinding', { volumes: [one] }, live)
  t.same(of(made('airflow-local-logs-pv', ours)), ['patch PersistentVolume airflow-local-logs-pv: test /spec/claimRef/uid "uid-of-the-old", remove /spec/claimRef'])
  t.same(of(made('airflow-local-logs-pv', { labels: {} })), [], 'somebody else\'s of that name')
  t.same(of(made('pvc-3c1f', ours)), [], 'labelled, but none of the two')
  t.same(of(made('other-local-logs-pv', ours)), [], 'of another Airflow')
  t.same(of(made('airflow-local-logs-pv', ours, 'Bound')), [])
  t.same(of(made('airflow-local-logs-pv', ours), (one) => ({ ...one, status: { phase: 'Available' }, spec: {} })), [], 'freed since')
  t.end()
})

void t.test('nodes are opened where every one is closed', (t) => {
  const cordoned = (name: string): KubernetesObject => node({ unschedulable: true }, name)
  const uncordon = (name: string): string => `patch Node ${name}: test /spec/unschedulable true, remove /spec/unschedulable`
  t.same(doneTo('node-cordoned', { nodes: [cordoned('a'), cordoned('b')] }), [uncordon('a'), uncordon('b')])
  t.same(doneTo('node-cordoned', { nodes: [cordoned('a'), node({}, 'b')] }), [], 'one of several may be so on purpose')
  t.same(doneTo('node-cordoned', { nodes: [cordoned('a')] }, () => node({}, 'a')), [], 'uncordoned since')
  const [taint, other] = [masterTaint, { key: 'gpu', effect: 'NoSchedule' }]
  const control = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }
  t.same(doneTo('control-plane-taint-single-node', { nodes: [node({ taints: [taint, other, control] })] }),
    [`patch Node home: test /spec/taints/2 ${JSON.stringify(control)}, remove /spec/taints/2, test /spec/taints/0 ${JSON.stringify(taint)}, remove /spec/taints/0`], 'from the end, and no other taint')
  t.same(doneTo('control-plane-taint-single-node', { nodes: [node({ taints: [taint] }), node({ taints: [taint] }, 'second')] }), [])
  t.same(doneTo('no-schedulable-node', { nodes: [node({ taints: [taint], unschedulable: true })] }).length, 2)
  t.end()
})

void t.test('what was scaled to zero or paused is as Helm\'s record has it', (t) => {
  const recorded = (spec: object): Partial<Evidence> => ({ record: release({ objects: [{ ...deployment('airflow-scheduler', 1), spec }] as KubernetesObject[] }) })
  const of = (record: Partial<Evidence>, spec: object): string[] => doneTo('scaled-to-zero', { ...record, workloads: [workload('Deployment', 'airflow-scheduler', {}, spec as Record<string, unknown>)] })
  t.same(of(recorded({ replicas: 2 }), { replicas: 0 }), ['patch Deployment airflow-scheduler: test /spec/replicas 0, replace /spec/replicas 2'])
  t.same(of(recorded({}), { replicas: 0, paused: true }), ['patch Deployment airflow-scheduler: test /spec/replicas 0, replace /spec/replicas 1, test /spec/paused true, remove /spec/paused'])
  t.same(of(recorded({ replicas: 0 }), { replicas: 0 }), [], 'the release wants none')
  t.same(of(recorded({ replicas: 1 }), { replicas: 3 }), [], 'more is no fault')
  t.same(of({ record: release() }, { replicas: 0 }), [], 'not of the release')
  t.end()
})

void t.test('folders are made and proven again on every node that takes pods', (t) => {
  const parts = { nodes: [node(), node({ unschedulable: true }, 'closed')] }
  const [touch, ...others] = touchesOf('logs-not-writable-50000', parts)
  t.match(touch, { step: 'storage', ref: { kind: 'Job', namespace: 'airflow', name: /^airstrip-folders-/ } })
  t.same(others, [])
  t.match(touch?.make({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'airstrip-folders-home', namespace: 'airflow' } }), [{ op: 'delete', freeing: true }])
  t.same(stepsOf('logs-not-writable-50000', parts), ['storage'])
  t.end()
})

void t.test('a service account is made again where the chart makes it', (t) => {
  const account: KubernetesObject = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'airflow-scheduler', namespace: 'airflow' } }
  const record = release({ objects: [account] })
  t.same(stepsOf('service-account-missing', { record, serviceAccounts: [] }), ['helm'])
  t.same(stepsOf('service-account-missing', { record, serviceAccounts: [account] }), [])
  t.same(stepsOf('service-account-missing', { record: release(), serviceAccounts: [] }), [])
  t.end()
})

void t.test('only root causes are mended', (t) => {
  const finding = (id: FaultId, ...causes: Finding[]): Finding => ({ id, severity: 'error', title: id, evidence: [], why: '', fix: ['x'], causes })
  const root = finding('release-object-missing')
  t.same(mendingsOf([root, finding('route-missing', root), finding('crash-loop')], evidence()).map(({ id }) => id), ['release-object-missing'])
  t.end()
})
