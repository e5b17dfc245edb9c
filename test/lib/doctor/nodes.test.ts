import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { claim, container, crashed, deployment, event, inManifest, masterTaint, node, pod, ready, release, statefulSet, volume, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const silent = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }]
const saying = (message: string) => [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message }]

function of(parts: Parameters<typeof evidence>[0]) {
  return diagnose(evidence({ record: release({ updatedAt: long }), ...parts })).findings
}

void t.test('a kubelet that is silent, a runtime that is down and a network that is missing are told apart', (t) => {
  t.match(of({ nodes: [node({ conditions: silent })] }), [{ id: 'node-not-ready', title: 'The kubelet of Node home does not report', fix: [/systemctl restart kubelet/] }])
  // The kubelet's words as its source and bug reports have them; not made on a cluster here, and nor are the two below.
  t.match(of({ nodes: [node({ conditions: saying('[container runtime is down, PLEG is not healthy: pleg was last seen active 3m7s ago; threshold is 3m0s]') })] }), [{ id: 'node-not-ready', title: 'The container runtime of Node home is down', fix: [/restart containerd/] }])
  const bare = saying('container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized')
  const findings = of({ nodes: [node({ conditions: bare })] })
  t.match(findings, [{ id: 'pod-network-broken', title: 'The node has no network plugin', fix: [/net\.d/] }])
  t.equal(findings.length, 1)
  const docker = node({ conditions: saying('container runtime is down') })
  ;(docker.status as { nodeInfo?: unknown }).nodeInfo = { containerRuntimeVersion: 'docker://20.10.25', kubeletVersion: 'v1.22.8' }
  t.match(of({ nodes: [docker] }), [{ fix: [/restart docker/, /cri-docker/] }])
  t.match(of({ nodes: [node({ conditions: saying('node is shutting down') })] }), [{ title: 'Node home is not ready' }])
  const k3s = (conditions: Record<string, unknown>[], labels: Record<string, string>) => {
    const one = node({ conditions, labels })
    return { ...one, status: { ...one.status as object, nodeInfo: { containerRuntimeVersion: 'containerd://1.7.11-k3s2', kubeletVersion: 'v1.28.5+k3s1' } } }
  }
  t.match(of({ nodes: [k3s(silent, { 'node-role.kubernetes.io/control-plane': 'true' })] })[0]?.fix, ['sudo systemctl restart k3s; sudo journalctl -u k3s -n 50 --no-pager # on the node home'])
  t.match(of({ nodes: [k3s(silent, {})] })[0]?.fix, ['sudo systemctl restart k3s-agent; sudo journalctl -u k3s-agent -n 50 --no-pager # on the node home'], 'an agent\'s unit has another name')
  t.match(of({ nodes: [k3s(saying('container runtime is down'), {})] })[0]?.fix[0], /^sudo systemctl restart k3s-agent;/)
  t.end()
})

void t.test('a node that has just joined is only starting', (t) => {
  const young = node({ conditions: saying('container runtime status check may not have completed yet') })
  t.same(of({ nodes: [{ ...young, metadata: { ...young.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }] }), [])
  t.end()
})

void t.test('a kubelet that has just started anew is not ready for some seconds; one that is given up has been silent for long enough', (t) => {
  const since = (lastTransitionTime: string, conditions = saying('container runtime status check may not have completed yet')) => of({ nodes: [node({ conditions: conditions.map((one) => ({ ...one, lastTransitionTime })) })] }).map(({ id }) => id)
  t.same(since('2023-08-02T10:29:56Z'), [])
  t.same(since('2023-08-02T10:28:50Z'), ['node-not-ready'])
  t.same(since('2023-08-02T10:29:56Z', silent), ['node-not-ready'], 'the node controller waits for 40 s before it says Unknown')
  t.end()
})

void t.test('what a node that is not ready leaves behind is under it, and a crash elsewhere is not', (t) => {
  const scheduler = pod({ status: { containerStatuses: [crashed(6, {})] } })
  const record = release({ updatedAt: long, status: 'failed', description: 'x', objects: [deployment('airflow-scheduler', 0)].map(inManifest) })
  const alone = of({ record, workloads: [deployment('airflow-scheduler', 0)], pods: [scheduler], nodes: [node({ conditions: silent })] })
  t.same(alone.filter(({ causes = [] }) => causes.length === 0).map(({ id }) => id), ['node-not-ready'])
  const elsewhere = of({ record, workloads: [deployment('airflow-scheduler', 0)], pods: [{ ...scheduler, spec: { ...scheduler.spec as object, nodeName: 'other' } }], nodes: [node({ conditions: silent }), node({}, 'other')] })
  t.same(elsewhere.filter(({ causes = [] }) => causes.length === 0).map(({ id, severity }) => `${id} ${severity}`), ['crash-loop error', 'node-not-ready warning'], 'and a node that nothing of the release runs on is no error')
  t.end()
})

void t.test('no node takes a pod: each for its own reason, or by a taint', (t) => {
  const ids = (nodes: ReturnType<typeof node>[], pods = [pod({ status: ready })]) => of({ nodes, pods }).map(({ id, severity, causes = [] }) => `${id} ${severity}${causes.map((cause) => ` < ${cause.id}`).join('')}`)
  t.same(ids([node({ unschedulable: true }), node({ conditions: silent }, 'other')]).filter((line) => line.startsWith('no-sch')), ['no-schedulable-node warning < node-not-ready < node-cordoned'])
  t.same(ids([node({ taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })]), ['no-schedulable-node warning'])
  t.match(of({ nodes: [node({ taints: [{ key: 'gpu', value: 'yes', effect: 'NoExecute' }] })], pods: [pod({ status: ready })] }), [{ fix: ['kubectl taint nodes home gpu:NoExecute-'] }])
  t.same(ids([node({ taints: [{ key: 'gpu', effect: 'NoSchedule' }] }), node({}, 'other')]), [])
  t.same(ids([node({ taints: [masterTaint] })], [pod({ status: ready, spec: { tolerations: [{ operator: 'Exists' }] } })]), [], 'a pod that tolerates it')
  t.same(ids([node({ taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] })]), [])
  t.end()
})

void t.test('pods that were evicted within the hour are told, those of last week are not', (t) => {
  const gone = pod({ name: 'airflow-webserver-1', status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage. ' } })
  const told = (lastTimestamp: string) => [event(gone, 'Evicted', 'The node was low on resource: ephemeral-storage. ', { lastTimestamp })]
  t.match(of({ pods: [gone], events: told('2023-08-02T10:10:00Z') }), [{ id: 'node-pressure-evicted', severity: 'warning', evidence: [/was evicted: The node was low on resource: ephemeral-storage/] }])
  t.same(of({ pods: [gone], events: told('2023-08-02T08:10:00Z') }), [])
  t.same(of({ pods: [gone] }), [])
  const pressed = node({ conditions: [{ type: 'Ready', status: 'True' }, { type: 'DiskPressure', status: 'True', message: 'kubelet has disk pressure' }] })
  t.match(of({ pods: [gone], events: told('2023-08-02T10:10:00Z'), nodes: [pressed] }), [{ id: 'node-pressure-evicted', severity: 'error', evidence: [/DiskPressure/, /was evicted/] }])
  t.end()
})

void t.test('pods that the kubelet turns away again and again are told with its reason', (t) => {
  // As the lab's had them, of a pod with an unsafe sysctl.
  const status = { phase: 'Failed', reason: 'SysctlForbidden', message: 'Pod forbidden sysctl: "net.core.somaxconn" not whitelisted' }
  const one = (name: string, creationTimestamp: string, fields = {}) => {
    const made = pod({ name, owner: { kind: 'ReplicaSet', name: 'airflow-statsd-58' }, status, ...fields })
    return { ...made, metadata: { ...made.metadata, creationTimestamp, labels: { 'pod-template-hash': '58' } } }
  }
  const three = ['a', 'b', 'c'].map((name) => one(name, '2023-08-02T10:29:30Z'))
  const told = (pods: ReturnType<typeof pod>[], statsd = deployment('airflow-statsd', 0)) => of({ pods, workloads: [statsd] })
  t.match(told(three), [{ id: 'admission-refused', severity: 'error', title: 'The kubelet takes no pod of Deployment airflow-statsd: SysctlForbidden', evidence: [/net\.core\.somaxconn/, /^3 pods/], fix: [/allowedUnsafeSysctls: \[net\.core\.somaxconn\]/, /get deployment airflow-statsd/] }])
  t.same(told(three.slice(1)), [], 'two may be chance')
  const device = { phase: 'Failed', reason: 'UnexpectedAdmissionError', message: 'Pod Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected' }
  t.match(told(three.map(({ metadata: { name } }) => one(name, '2023-08-02T10:29:30Z', { status: device }))), [{ title: /: UnexpectedAdmissionError$/ }], 'nor is what may pass kept from who asks')
  const kept = one('a', '2023-08-02T10:00:00Z', { status: { phase: 'Pending', reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' } })
  t.match(told([kept]), [{ id: 'admission-refused', title: /AppArmor$/, evidence: [/not enabled on the host/] }], 'one that stays as it is')
  t.same(told(three.map(({ metadata: { name } }) => one(name, '2023-08-02T10:20:00Z'))), [], 'nor what is over')
  t.same(told(three, workload('Deployment', 'airflow-statsd', {}, { replicas: 0 })), [], 'nor what nobody wants any more')
  const revision = (of: string) => ({ annotations: { 'deployment.kubernetes.io/revision': of } })
  const statsd = deployment('airflow-statsd', 0)
  const sets = ['58', '6d'].map((hash, index) => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: `airflow-statsd-${hash}`, namespace: 'airflow', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'airflow-statsd', uid: statsd.metadata.uid, controller: true }], ...revision(String(index + 1)) } }))
  const now = (is: string) => of({ pods: three, workloads: [{ ...statsd, metadata: { ...statsd.metadata, ...revision(is) } }], replicaSets: sets })
  t.same(now('2'), [], 'nor those of a template that was left')
  t.equal(now('1').length, 1)
  const fresh = { ...kept, metadata: { ...kept.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }
  t.same(told([fresh]), [], 'a profile may be about to be loaded')
  t.same(told([...three, one('d', '2023-08-02T10:29:40Z', { status: { phase: 'Running', startTime: '2023-08-02T10:29:40Z', conditions: [{ type: 'Ready', status: 'True' }] } })]), [])
  t.end()
})

void t.test('a pod that was ended for its own limit is no want of the node', (t) => {
  // pkg/kubelet/eviction/helpers.go, Kubernetes 1.20 to 1.34
  const texts = ['Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ', 'Usage of EmptyDir volume "logs" exceeds the limit "100Mi". ', 'Container scheduler exceeded its local ephemeral storage limit "1Gi". ']
  for (const message of texts) {
    const gone = pod({ status: { phase: 'Failed', reason: 'Evicted', message } })
    const made = (name: string, hash: string, fields = {}) => ({ ...pod({ name, owner: { kind: 'ReplicaSet', name: `airflow-statsd-${hash}` }, ...fields }), metadata: { ...pod({ name, owner: { kind: 'ReplicaSet', name: `airflow-statsd-${hash}` } }).metadata, labels: { 'pod-template-hash': hash }, creationTimestamp: hash === 'old' ? '2023-08-02T10:00:00Z' : '2023-08-02T10:20:00Z' } })
    const before = made('airflow-statsd-old-1', 'old', { status: { phase: 'Failed', reason: 'Evicted', message } })
    const well = made('airflow-statsd-new-1', 'new', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } })
    t.equal(of({ pods: [before], events: [event(before, 'Evicted', message)] }).length, 1)
    t.same(of({ pods: [before, well], events: [event(before, 'Evicted', message)] }), [], 'nor of a template that is no more')
    const again = made('airflow-statsd-old-2', 'old', { status: { phase: 'Running' } })
    t.equal(of({ pods: [before, well, again], events: [event(before, 'Evicted', message)] }).length, 1, 'which has a pod still')
    t.match(of({ pods: [gone], events: [event(gone, 'Evicted', message)] }), [{ id: 'node-pressure-evicted', severity: 'warning', title: /more disk than it may/, evidence: [/was evicted/], fix: [/ephemeral-storage|sizeLimit/] }], message)
  }
  t.end()
})

void t.test('a disk that is full is told by whoever could not write, before its node says so', (t) => {
  const waits = (state: Record<string, unknown>) => pod({ status: { phase: 'Pending', containerStatuses: [container({ state })] } })
  const image = 'apache/airflow:2.6.2'
  const pulled = waits({ waiting: { reason: 'ErrImagePull', message: `failed to pull and unpack image "${image}": failed to extract layer sha256:c1: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/x: no space left on device: unknown` } })
  const made = waits({ waiting: { reason: 'CreateContainerError', message: 'failed to create containerd container: mkdir /var/lib/containerd/x: no space left on device' } })
  const told = { id: 'node-pressure-evicted', severity: 'error', title: 'No space is left on a disk of node home' }
  for (const one of [pulled, made]) t.match(of({ pods: [one] })[0], told)
  const sandbox = waits({ waiting: { reason: 'ContainerCreating' } })
  t.match(of({ pods: [sandbox], events: [event(sandbox, 'FailedCreatePodSandBox', 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: mkdir /run/containerd/x: no space left on device: unknown')] })[0], told)
  const crash = pod({ status: { containerStatuses: [crashed(4, {}, { name: 'postgresql' })] } })
  const logs = (line: string) => [{ namespace: 'airflow', pod: crash.metadata.name, container: 'postgresql', previous: false, lines: [line] }]
  t.match(of({ pods: [crash], logs: logs('PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device') }).map(({ id, causes = [] }) => [id, causes.map((cause) => cause.id)]), [['node-pressure-evicted', []], ['crash-loop', ['node-pressure-evicted']]])
  const stored = { pods: [{ ...crash, spec: { ...(crash.spec as object), volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] } }], claims: [claim({ volumeName: 'v' }, { phase: 'Bound' }, 'data-airflow-postgresql-0')], logs: logs('PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device') }
  t.match(of({ ...stored, volumes: [volume({ hostPath: { path: '/srv/db' } }, 'Bound', 'v')] })[0], { ...told, evidence: [/xlogtemp/, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is /srv/db on home'] })
  t.match(of({ ...stored, volumes: [volume({ hostPath: undefined, csi: { driver: 'driver.longhorn.io', volumeHandle: 'pvc-1' } }, 'Bound', 'v')] })[0], { ...told, title: /^No space is left on a volume of/, evidence: [/xlogtemp/, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is pvc-1 of driver.longhorn.io'], fix: [/driver\.longhorn\.io/] }, 'a volume that is no folder of the node is full by itself')
  const both = { ...stored, pods: stored.pods.map((one) => ({ ...one, spec: { ...one.spec, volumes: [...one.spec.volumes, { name: 'logs', persistentVolumeClaim: { claimName: 'logs' } }] } })), claims: [...stored.claims, claim({ volumeName: 'l' }, { phase: 'Bound' }, 'logs')] }
  t.match(of({ ...both, volumes: [volume({ hostPath: undefined, nfs: { server: 'nas', path: '/dags' } }, 'Bound', 'v'), volume({ hostPath: { path: '/srv/logs' } }, 'Bound', 'l')] })[0], { ...told, evidence: [/./, /nas/, /srv\/logs/] }, 'of two kinds it may be either')
  t.match(of({ ...stored, volumes: [volume({ hostPath: undefined, nfs: { server: 'nas', path: '/export/db' } }, 'Bound', 'v')] })[0], { title: /^No space is left on a volume of/, evidence: [/xlogtemp/, 'PersistentVolumeClaim airflow/data-airflow-postgresql-0 is nas:/export/db'] })
  t.match(of({ pods: [crash], logs: logs('failed to create fsnotify watcher: inotify_add_watch: no space left on device') })[0], { id: 'kind-too-many-open-files' }, 'watches that are used up are no full disk')
  t.end()
})

// As API servers have said it in bug reports; the first was seen on the lab.
void t.test('a kubelet that the API server cannot ask is told, with what stands in the way', (t) => {
  const running = pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: {} } })] } })
  const asked = 'Get "https://192.168.1.20:10250/containerLogs/airflow/airflow-scheduler-6d5b9c7f9-x2x4z/scheduler?tailLines=60": '
  const unread = (said: string) => `the log of ${running.metadata.name}, container scheduler, could not be read: ${said}`
  const told = (said: string, nodes = [node()]) => diagnose(evidence({ record: release({ updatedAt: long }), nodes, pods: [running], unknown: [unread(said)] })).findings
  const finding = { id: 'kubelet-unreachable', severity: 'error', title: 'The API server cannot ask the kubelet of Node home' }
  for (const said of [`${asked}dial tcp 192.168.1.20:10250: connect: connection refused`, `${asked}dial tcp 192.168.1.20:10250: i/o timeout`, `${asked}proxy error from 127.0.0.1:6443 while dialing 192.168.1.20:10250, code 502: 502 Bad Gateway`])
    t.match(told(said), [{ ...finding, evidence: [unread(said)], fix: [/status kubelet/, /ufw/, /./] }])
  t.match(told(`${asked}remote error: tls: internal error`), [{ ...finding, fix: [/certificate approve/, /./] }])
  for (const said of ['Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes, subresource=proxy)', 'the server has asked for the client to provide credentials ( pods/log airflow-scheduler-6d5b9c7f9-x2x4z)']) t.match(told(said), [{ ...finding, fix: [/clusterrolebinding/, /./] }])
  t.same(told('error: You must be logged in to the server (Unauthorized)'), [], 'who is not let in is this user')
  t.same(told('pods "airflow-scheduler-6d5b9c7f9-x2x4z" not found'), [], 'another reason is none of the kubelet')
  const refused = `${asked}dial tcp 192.168.1.20:10250: connect: connection refused`
  const agent = { ...node(), status: { ...(node().status as object), nodeInfo: { kubeletVersion: 'v1.28.3+k3s1' } } }
  t.match(told(refused, [agent])[0]?.fix, [/restart k3s-agent/])
  const lease = (renewTime: string) => [{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'home', namespace: 'kube-node-lease' }, spec: { renewTime } }, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'other', namespace: 'kube-node-lease' }, spec: { renewTime: '2023-08-02T10:29:55.000000Z' } }]
  const known = (renewTime: string) => diagnose(evidence({ record: release({ updatedAt: long }), nodes: [node()], pods: [running], leases: lease(renewTime), unknown: [unread(refused)] })).findings.map(({ id }) => id)
  t.same(known('2023-08-02T10:29:50.000000Z'), ['kubelet-unreachable'])
  t.same(known('2023-08-02T10:29:25.000000Z'), [], 'one that has just gone is called Ready for a while')
  t.match(told(`${asked}dial tcp 192.168.1.20:10250: i/o timeout`, [node({ conditions: silent })]).map(({ id }) => id), ['node-not-ready'], 'a node that is not Ready tells more')
  t.end()
})

void t.test('a healthy cluster has none of this', (t) => {
  const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
  const running = pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: {} } })] } })
  t.same(of({ workloads: good, pods: [running], record: release({ updatedAt: long, objects: good.map(inManifest) }) }), [])
  t.end()
})
