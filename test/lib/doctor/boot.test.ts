/** The first minute after a boot, or after a restart of K3s or of a kubelet: what is not back yet is no fault. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { answersNames } from '../../../lib/doctor/rules/cluster/dns.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { container, crashed, deployment, event, node, pod, ready, release, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

type Parts = Parameters<typeof evidence>[0]
const of = (parts: Parts) => diagnose(evidence({ record: release({ updatedAt: long }), ...parts })).findings
const ids = (parts: Parts) => of(parts).map(({ id }) => id)

const [justNow, minutesAgo] = ['2023-08-02T10:29:40Z', '2023-08-02T10:25:00Z']
const system = (object: KubernetesObject, labels = {}): KubernetesObject => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system', labels } })
const machine = (status: string, lastTransitionTime: string, message = '', kubeletVersion = 'v1.22.8', name = 'home') => {
  const one = node({ conditions: [{ type: 'Ready', status, message, lastTransitionTime }] }, name)
  return { ...one, status: { ...(one.status as object), nodeInfo: { kubeletVersion } } }
}
const bare = 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'

void t.test('a node that has had no network for some seconds only starts, and K3s is not given another network', (t) => {
  t.same(ids({ nodes: [machine('False', justNow, bare)] }), [])
  t.match(of({ nodes: [machine('False', minutesAgo, bare)] }), [{ id: 'pod-network-broken', title: 'The node has no network plugin', fix: [/net\.d/, /flannel/, /kubectl apply -f .*kube-flannel\.yml/] }])
  const [k3s] = of({ nodes: [machine('False', minutesAgo, bare, 'v1.28.3+k3s1')] })
  t.match(k3s, { id: 'pod-network-broken', fix: [/^sudo systemctl restart k3s-agent; sudo journalctl -u k3s-agent .*# on the node home/, /flannel-backend=none/] })
  t.notMatch(k3s?.fix.join(), /kubectl apply/)
  t.end()
})

void t.test('a sandbox that fails counts on a node that has been up for a minute', (t) => {
  const creating = pod({ status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }], containerStatuses: [container()] } })
  const on = (one: KubernetesObject, more: KubernetesObject[] = [], words = 'open /run/flannel/subnet.env: no such file or directory') => of({ nodes: [one], system: more, pods: [creating], events: [event(creating, 'FailedCreatePodSandBox', `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9f": plugin type="flannel" failed (add): ${words}`)] })
  t.same(on(machine('True', justNow)), [])
  t.match(on(machine('True', minutesAgo)), [{ id: 'pod-network-broken', title: 'Flannel does not run on the node' }])
  const booted = (finishedAt: string) => system(pod({ name: 'kube-proxy-x', owner: { kind: 'DaemonSet', name: 'kube-proxy' }, labels: {}, status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: finishedAt } }, lastState: { terminated: { exitCode: 255, reason: 'Unknown', startedAt: long, finishedAt } } })] } }))
  t.same(on(machine('True', long), [booted(justNow)]), [], 'a boot ends every container so, and may leave Ready as it was')
  t.match(on(machine('True', long), [booted(minutesAgo)]), [{ id: 'pod-network-broken' }])
  t.match(on(machine('True', minutesAgo, '', 'v1.28.3+k3s1')), [{ fix: [/^sudo systemctl restart k3s-agent;/, /./] }])
  t.match(on(machine('True', minutesAgo, '', 'v1.28.3+k3s1'), [], 'no IP addresses available in range set: 10.42.0.1-10.42.0.254'), [{ fix: [/./, /^sudo systemctl stop k3s-agent && /] }])
  t.end()
})

void t.test('kube-proxy has a minute after a boot as well, unless it is in back-off', (t) => {
  const set = system(workload('DaemonSet', 'kube-proxy', { desiredNumberScheduled: 1 }))
  const proxy = (lastTransitionTime: string, status: Record<string, unknown>) => system(pod({ name: 'kube-proxy-x', owner: { kind: 'DaemonSet', name: 'kube-proxy' }, labels: {}, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime }], containerStatuses: [status] } }))
  const ended = container({ name: 'kube-proxy', restartCount: 7, state: { terminated: { exitCode: 255, reason: 'Unknown', startedAt: long, finishedAt: justNow } } })
  t.same(ids({ system: [set, proxy(justNow, ended)] }), [])
  t.same(ids({ system: [set, proxy(minutesAgo, ended)] }), ['kube-proxy-not-running'])
  t.same(ids({ system: [set, proxy(justNow, crashed(4, {}, { name: 'kube-proxy' }))] }), ['kube-proxy-not-running'])
  t.end()
})

void t.test('leases are of before until somebody is elected, which takes half a minute after a boot', (t) => {
  const lease = (name: string, renewTime: string, namespace = 'kube-system'): KubernetesObject => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: { holderIdentity: name, renewTime } })
  const leases = [lease('home', '2023-08-02T10:29:55Z', 'kube-node-lease'), lease('kube-scheduler', '2023-08-02T07:00:00Z'), lease('kube-controller-manager', '2023-08-02T07:00:00Z')]
  const told = ['control-plane-down', 'control-plane-down']
  const server = (startedAt: string) => system(pod({ name: 'kube-apiserver-home', owner: { kind: 'Node', name: 'home' }, status: { ...ready, containerStatuses: [container({ name: 'kube-apiserver', ready: true, state: { running: { startedAt } } })] } }), { component: 'kube-apiserver' })
  t.same(ids({ leases, nodes: [machine('True', justNow)] }), [])
  t.same(ids({ leases, nodes: [machine('True', minutesAgo)] }), told)
  t.same(ids({ leases, nodes: [machine('True', minutesAgo), machine('True', justNow, '', 'v1.22.8', 'second')] }), told, 'one node of two')
  t.same(ids({ leases, nodes: [machine('True', long)], system: [server(justNow)] }), [], 'nobody renews a lease without the API server')
  t.same(ids({ leases, nodes: [machine('True', long)], system: [server(minutesAgo)] }), told)
  t.end()
})

void t.test('a CoreDNS that is not ready has a minute, and one that says why is believed sooner', (t) => {
  const labels = { 'k8s-app': 'kube-dns' }
  const server = (available: number, status: string, lastTransitionTime: string) => ({ ...system(deployment('coredns', available, [{ type: 'Available', status, lastTransitionTime }]), labels), spec: { replicas: 1, template: { spec: { containers: [{ name: 'coredns' }] } } } })
  const serving = (status: Record<string, unknown>) => system(pod({ name: 'coredns-5d-x', owner: { kind: 'ReplicaSet', name: 'coredns-5d' }, status }), labels)
  const service: KubernetesObject = system({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns' } }, labels)
  const twenty = '2023-08-02T10:29:35Z'
  t.same(ids({ system: [service, server(0, 'False', twenty)] }), [])
  const endpoints = system({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kube-dns' }, subsets: [{ addresses: [{ ip: '10.244.0.2' }] }] })
  t.same([[0, 'False'], [1, 'True']].map(([available, status]) => answersNames(evidence({ system: [service, endpoints, server(Number(available), String(status), twenty)] }))), [false, true], 'and is not called well meanwhile')
  t.notOk(answersNames(evidence({ system: [service, server(1, 'True', long), serving({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: twenty }] })] })), 'nor one that only the Deployment still counts')
  t.same(ids({ system: [service, server(0, 'False', '2023-08-02T10:28:50Z')] }), ['cluster-dns-broken'])
  t.same(ids({ system: [service, server(0, 'False', twenty), serving({ phase: 'Running', containerStatuses: [crashed(2, {}, { name: 'coredns' })] })] }), ['cluster-dns-broken'], 'in back-off')
  const logs = [{ namespace: 'kube-system', pod: 'coredns-5d-x', container: 'coredns', previous: false, lines: ['/etc/coredns/Corefile:3 - Error during parsing: Unknown directive \'kuberntes\''] }]
  t.match(of({ system: [service, server(0, 'False', twenty), serving({ phase: 'Running' })], logs }), [{ title: 'CoreDNS cannot read its Corefile' }])
  t.same(ids({ system: [service, server(0, 'False', twenty), serving({ phase: 'Running' })], logs, nodes: [machine('True', twenty)] }), [], 'but not while its node starts')
  const leads = (status: Record<string, unknown>) => ids({ system: [server(1, 'True', long), service, system({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'kube-dns' }, subsets: [] }), serving(status)] })
  t.same(leads({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: twenty }] }), [], 'the Deployment still counts it from before the boot')
  t.same(leads({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: long }] }), ['cluster-dns-broken'])
  t.end()
})
