import t from 'tap'
import { bundledClass, judgeClasses } from '../../../lib/preflight/classes.ts'
import { schedulable, unusable } from '../../../lib/preflight/folders.ts'
import { judgeNodes } from '../../../lib/preflight/nodes.ts'
import { distributionOf, judgeDistribution, judgeRuntime } from '../../../lib/preflight/runtime.ts'
import { judgeImmutable } from '../../../lib/preflight/volumes.ts'
import { storageObjects } from '../../../lib/manifest/storage.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Finding } from '../../../lib/step.ts'
import { masterTaint, node, now, storageClass } from '../observe/objects.ts'

const ids = (findings: Finding[]): string[] => findings.map(({ id, severity }) => `${id} ${severity}`)

function machine(nodeInfo: Record<string, unknown> = {}, fields: Parameters<typeof node>[0] = {}, name = 'home'): KubernetesObject {
  const object = node(fields, name)
  return { ...object, status: { ...(object.status as object), nodeInfo: { osImage: 'Ubuntu 20.04.6 LTS', kubeletVersion: 'v1.22.8', containerRuntimeVersion: 'containerd://1.6.20', ...nodeInfo } } }
}

const notReady = { conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] }

void t.test('a good node of the verified system has nothing to say', (t) => {
  t.same(ids(judgeNodes([machine()], {})), [])
  t.same(ids(judgeNodes([machine()], { os: 'ubuntu 20.04' })), [])
  t.end()
})

void t.test('nodes that are not Ready stop all when it is all of them, else they are told', (t) => {
  t.same(ids(judgeNodes([machine({}, notReady)], {})), ['node-not-ready error'])
  t.same(ids(judgeNodes([machine(), machine({}, notReady, 'attic')], {})), ['node-not-ready warning'])
  t.same(ids(judgeNodes([], {})), ['node-not-ready error'])
  t.end()
})

void t.test('a node whose kubelet has just started is not held to be broken', (t) => {
  const since = (status: string, lastTransitionTime?: string) => ids(judgeNodes([machine({}, { conditions: [{ type: 'Ready', status, message: 'starting', ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) }] })], {}, now))
  t.same(since('False', '2023-08-02T10:29:55Z'), [])
  t.same(since('False', '2023-08-02T10:28:55Z'), ['node-not-ready error'])
  t.same(since('Unknown', '2023-08-02T10:29:55Z'), ['node-not-ready error'], 'one that is given up has been silent for long enough')
  t.same(since('False'), ['node-not-ready error'])
  const joined = machine({}, { conditions: [{ type: 'Ready', status: 'False' }] }, 'attic')
  joined.metadata.creationTimestamp = '2023-08-02T10:29:45Z'
  t.same(ids(judgeNodes([machine(), joined], {}, now)), [], 'one that has just joined')
  t.end()
})

void t.test('a node that runs short is an error, with what it is short of', (t) => {
  const short = { conditions: [{ type: 'Ready', status: 'True' }, { type: 'DiskPressure', status: 'True' }] }
  t.match(judgeNodes([machine({}, short)], {}), [{ id: 'node-pressure-evicted', evidence: ['Node home: DiskPressure'] }])
  t.end()
})

void t.test('a single node of the control plane is named with the taint to take away; beside another it is none', (t) => {
  t.match(judgeNodes([machine({}, { taints: [masterTaint] })], {}), [{ id: 'control-plane-taint-single-node', severity: 'error', fix: ['kubectl taint nodes --all node-role.kubernetes.io/master-'] }])
  t.same(ids(judgeNodes([machine({}, { taints: [masterTaint] }), machine({}, {}, 'attic')], {})), [])
  t.same(ids(judgeNodes([machine({}, { taints: [{ ...masterTaint, effect: 'PreferNoSchedule' }] })], {})), [])
  t.end()
})

void t.test('nodes are measured together, and a little less than wanted is enough', (t) => {
  const small = { allocatable: { cpu: '1', memory: '2Gi' } }
  t.match(judgeNodes([machine({}, small)], {}), [{ id: 'insufficient-cpu-or-memory', severity: 'warning', evidence: ['cpu: 1, wanted 2', 'memory: 2.0Gi, wanted 4.0Gi'] }])
  t.same(ids(judgeNodes([machine({}, small), machine({}, small, 'attic')], {})), [])
  t.same(ids(judgeNodes([machine({}, { allocatable: { cpu: '1900m', memory: '3900Mi' } })], {})), [])
  t.end()
})

void t.test('another system warns, and is an error where one is required', (t) => {
  t.same(ids(judgeNodes([machine({ osImage: 'Debian GNU/Linux 12 (bookworm)' })], {})), ['os-not-verified warning'])
  t.same(ids(judgeNodes([machine({ osImage: 'Debian GNU/Linux 12 (bookworm)' })], { os: 'ubuntu 20.04' })), ['os-required error'])
  t.same(ids(judgeNodes([machine({ osImage: 'Debian GNU/Linux 12 (bookworm)' })], { os: 'debian' })), [])
  t.end()
})

void t.test('the runtime with the Host-header fault is suspected where it can be, and nowhere else', (t) => {
  const table: [string, string, boolean][] = [
    ['containerd://1.6.20', 'v1.27.4', false],
    ['docker://20.10.21', 'v1.22.8', false],
    ['docker://24.0.4', 'v1.27.4', true],
    ['docker://24.0.4', 'v1.27.4+k3s1', true],
    ['docker://24.0.4', 'v1.27.5+k3s1', false],
    ['docker://20.10.21', 'v1.23.0+k3s1', false],
  ]
  for (const [containerRuntimeVersion, kubeletVersion, suspect] of table) t.equal(judgeRuntime([machine({ containerRuntimeVersion, kubeletVersion })]).length, suspect ? 1 : 0, `${containerRuntimeVersion} ${kubeletVersion}`)
  t.match(judgeRuntime([machine({ containerRuntimeVersion: 'docker://24.0.4', kubeletVersion: 'v1.27.4+k3s1' })]), [{ fix: [/Upgrade K3s/] }])
  t.end()
})

void t.test('distributions are recognised, and where a host folder is not on this machine it is said', (t) => {
  const kind = { ...machine(), spec: { providerID: 'kind://docker/kind/kind-control-plane' } }
  const minikube = machine({}, { labels: { 'minikube.k8s.io/name': 'minikube' } })
  const table: [KubernetesObject, string, number][] = [[machine(), 'kubernetes', 0], [machine({ kubeletVersion: 'v1.27.5+k3s1' }), 'k3s', 0], [kind, 'kind', 1], [minikube, 'minikube', 1]]
  for (const [object, name, findings] of table) {
    t.equal(distributionOf([object]), name)
    t.equal(judgeDistribution([object], '/srv/airflow').length, findings, name)
  }
  t.equal(distributionOf([]), 'kubernetes')
  t.end()
})

void t.test('one default class is right, two are an error, and none is for step provisioner to mend', (t) => {
  const [one, other] = [storageClass('local-path', {}, true), storageClass('fast', {}, true)]
  t.same(ids(judgeClasses([])), [])
  t.same(ids(judgeClasses([one, storageClass('fast')])), [])
  t.match(judgeClasses([one, other]), [{ id: 'two-default-storageclasses', title: /local-path, fast/, fix: [/patch storageclass fast /] }])
  const beta = { ...storageClass('old'), metadata: { name: 'old', annotations: { 'storageclass.beta.kubernetes.io/is-default-class': 'true' } } }
  t.same(ids(judgeClasses([one, beta])), ['two-default-storageclasses error'])
  t.end()
})

void t.test('with many default classes the fix leaves exactly one', (t) => {
  for (const names of [['a', 'b'], ['a', 'b', 'c'], ['a', 'local-path', 'b']]) {
    const [found] = judgeClasses(names.map((name) => storageClass(name, {}, true)))
    const patched = (found?.fix ?? []).map((line) => /patch storageclass (\S+) /.exec(line)?.[1])
    t.equal(new Set(patched).size, names.length - 1, names.join())
    t.notOk(patched.includes('local-path'))
  }
  t.end()
})

void t.test('the class that K3s brings is known by its labels', (t) => {
  t.equal(bundledClass({ ...storageClass('local-path'), metadata: { name: 'local-path', labels: { 'objectset.rio.cattle.io/hash': 'x' } } }), true)
  t.equal(bundledClass(storageClass('local-path')), false)
  t.end()
})

void t.test('folders are wanted where pods may run', (t) => {
  const nodes = [machine(), machine({}, { taints: [masterTaint] }, 'b'), machine({}, { unschedulable: true }, 'c'), machine({}, { taints: [{ key: 'x', effect: 'NoExecute' }] }, 'd'), machine({}, { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }, 'e')]
  t.same(schedulable(nodes).map(({ metadata }) => metadata.name), ['home', 'e'])
  t.end()
})

void t.test('whether Airflow can use a folder is told by its owner, its group, or everybody\'s bits, in that order', (t) => {
  const table: [uid: number, gid: number, mode: number, read: boolean, write: boolean][] = [
    [50_000, 0, 0o755, true, true],
    [50_000, 0, 0o555, true, false],
    [50_000, 0, 0o077, false, false],
    [0, 0, 0o775, true, true],
    [0, 0, 0o2775, true, true],
    [0, 0, 0o755, true, false],
    [0, 0, 0o707, false, false],
    [1000, 1000, 0o777, true, true],
    [1000, 1000, 0o755, true, false],
    [1000, 1000, 0o750, false, false],
  ]
  for (const [uid, gid, mode, read, write] of table) {
    t.equal(unusable({ exists: true, uid, gid, mode }, false) === undefined, read, `read ${uid}:${gid} ${mode.toString(8)}`)
    t.equal(unusable({ exists: true, uid, gid, mode }, true) === undefined, write, `write ${uid}:${gid} ${mode.toString(8)}`)
  }
  t.equal(unusable({ exists: false }, false), 'is not there')
  t.end()
})

void t.test('what Kubernetes does not let anyone change is told before it is tried', (t) => {
  const spec = { namespace: 'airflow', path: '/srv/airflow', dagsSize: '1Gi', logsSize: '10Gi', image: 'x' }
  const wanted = storageObjects(spec)
  t.same(judgeImmutable(wanted, wanted), [])
  t.same(judgeImmutable(wanted, wanted.map(() => undefined)), [])
  t.match(judgeImmutable(wanted, storageObjects({ ...spec, logsSize: '5Gi' })), [{ id: 'immutable-field', title: /^PersistentVolumeClaim airflow\/airflow-local-logs-folder/ }], 'nobody resizes a volume made by hand')
  t.same(judgeImmutable(wanted, storageObjects({ ...spec, logsSize: '5Gi' }), [{ kind: 'PersistentVolumeClaim', path: '/spec/resources', reason: 'left as it is' }]), [], 'a rule of a person holds here, too')
  t.match(judgeImmutable(wanted, storageObjects({ ...spec, path: '/mnt' })), [{ id: 'immutable-field', title: /^PersistentVolume airflow-local-dags-pv/, evidence: ['spec.hostPath.path: is "/mnt/dags", wanted "/srv/airflow/dags"'], fix: [/kubectl delete persistentvolume airflow-local-dags-pv,/] }, { title: /logs-pv/ }])
  t.end()
})
