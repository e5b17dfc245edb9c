/** A node that is bad and a fault that has nothing to do with it: both are told. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { explained } from '../../../lib/doctor/explains.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { Finding } from '../../../lib/step.ts'
import { crashed, inManifest, node, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const found = (id: FaultId, title: string, seen: string[] = []): Finding => ({ id, severity: 'error', title, evidence: seen, why: '', fix: [''] })

const silent = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }]
const pressed = (type: string) => [{ type: 'Ready', status: 'True' }, { type, status: 'True', message: 'kubelet has pressure' }]

/** Of the cluster, on a node or without one. */
const system = (name: string, workload: string, nodeName: string | undefined): KubernetesObject => {
  const one = pod({ name: `${name}-1-x`, owner: { kind: 'ReplicaSet', name: `${workload}-1` }, labels: { 'pod-template-hash': '1' }, spec: { nodeName }, status: nodeName === undefined ? { phase: 'Pending' } : {} })
  return { ...one, metadata: { ...one.metadata, namespace: name } }
}
const statsd = pod({ name: 'airflow-statsd-1-x', spec: { nodeName: 'second' } })
const scheduler = pod({ name: 'airflow-scheduler-0', status: ready })

const dns = (name: string) => found('cluster-dns-broken', 'CoreDNS is not ready', ['Deployment kube-system/coredns: 0/1 available', `Pod kube-system/${name}: waits`])
const traefik = found('traefik-not-running', 'Traefik is not ready: Deployment traefik/traefik', ['Deployment traefik/traefik: 0/1 available'])
const provisioner = found('provisioner-not-running', 'The provisioner x does not run, and claims wait for it', ['Deployment p/p has no ready pod: Container p of Deployment p keeps crashing', 'Pod p/p-1-x, container p: exit code 1', 'PersistentVolumeClaim airflow/logs-airflow-statsd-1-x is Pending'])
const flannel = found('pod-network-broken', 'Flannel does not run on the node', ['Pod airflow/airflow-scheduler-0: FailedCreatePodSandBox'])
const heartbeat = found('heartbeat-missing', 'Airflow\'s scheduler runs and gives no sign of life', ['Pod airflow/airflow-scheduler-0 has been ready since noon'])
const unanswered = found('database-unreachable', 'Airflow gets no connection to its database, which is ready', ['Pod airflow/airflow-scheduler-0, container scheduler: timeout'])

function causes(cause: Finding, symptom: Finding, parts: Partial<Evidence>): string[] {
  return (explained([cause, symptom], evidence({ pods: [scheduler, statsd], ...parts }))[1]?.causes ?? []).map(({ id }) => id)
}

void t.test('a bad node explains what is on it, and nothing of the good one', (t) => {
  const bad: [Finding, Partial<Evidence>][] = [
    [found('node-not-ready', 'The kubelet of Node second does not report', ['Node second is not ready']), { nodes: [node(), node({ conditions: silent }, 'second')] }],
    [found('node-pressure-evicted', 'A node is short of disk, memory or process ids', ['Node second: MemoryPressure: kubelet has pressure']), { nodes: [node(), node({ conditions: pressed('MemoryPressure') }, 'second')] }],
  ]
  for (const [cause, { nodes }] of bad) {
    const on = (name: string | undefined) => ({ nodes, system: [system('traefik', 'traefik', name), system('p', 'p', name), system('kube-system', 'coredns', name)] })
    for (const one of [traefik, provisioner, dns('kube-system-1-x'), flannel, heartbeat, unanswered]) t.same(causes(cause, one, on('home')), [], `${one.id} beside ${cause.id}`)
    for (const one of [traefik, provisioner, dns('kube-system-1-x')]) t.same(causes(cause, one, on('second')), [cause.id], `${one.id} under ${cause.id}`)
    t.same(causes(cause, traefik, on(undefined)), [cause.id], 'what has no place may have had it there')
    t.same(causes(cause, found('ingress-unproven', 'x'), on('home')), [cause.id], 'what speaks of no pod stands on some')
  }
  t.same(causes(found('node-pressure-evicted', 'A node has ended pods', ['Pod airflow/airflow-statsd-1-x was evicted: low on memory']), dns('kube-system-1-x'), { nodes: [node(), node({}, 'second')], system: [system('kube-system', 'coredns', 'second')] }), ['node-pressure-evicted'], 'by the pods that it has ended')
  t.end()
})

void t.test('a node that takes no pods explains those that wait for a place alone', (t) => {
  for (const cause of [found('node-cordoned', 'Every node is cordoned'), found('no-schedulable-node', 'The only node takes no pod')]) {
    const on = (name: string | undefined) => ({ pods: [scheduler], system: [system('traefik', 'traefik', name), system('p', 'p', name), system('kube-system', 'coredns', name)] })
    for (const one of [traefik, provisioner, dns('kube-system-1-x'), heartbeat, unanswered, found('ingress-unproven', 'x')]) t.same(causes(cause, one, on('home')), [], `${one.id} beside ${cause.id}`)
    for (const one of [traefik, provisioner, dns('kube-system-1-x'), found('ingress-unproven', 'x')]) t.same(causes(cause, one, on(undefined)), [cause.id], `${one.id} under ${cause.id}`)
  }
  t.end()
})

void t.test('a Traefik that ends by itself, and a webhook whose Service is gone, are no other fault\'s symptoms', (t) => {
  const own = [
    found('traefik-not-running', 'Traefik does not run: Container traefik of Deployment traefik keeps crashing', ['Pod traefik/traefik-1-x, container traefik: exit code 1']),
    found('admission-webhook-down', 'Webhook pods.example.org cannot be called, and nothing is made without it', ['ReplicaSet a: FailedCreate: failed calling webhook "pods.example.org": Post "https://hook.policy.svc:443/": service "hook" not found']),
  ]
  const others = [found('control-plane-down', 'kube-controller-manager does not work'), found('node-cordoned', 'Every node is cordoned'), found('node-pressure-evicted', 'No space is left on a disk of node home'), found('cluster-dns-broken', 'CoreDNS cannot read its Corefile'), found('kube-proxy-not-running', 'kube-proxy does not run on home')]
  for (const one of own) for (const other of others) t.same(causes(other, one, { pods: [] }), [], `${one.id} beside ${other.id}`)
  const refused = found('admission-webhook-down', 'Webhook x cannot be called', ['dial tcp 10.96.0.9:443: connect: connection refused'])
  t.same(causes(found('kube-proxy-not-running', 'x'), refused, { pods: [] }), ['kube-proxy-not-running'])
  t.end()
})

void t.test('a disk that is full is told beside the pressure of another node, and with that of its own', (t) => {
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, status: { containerStatuses: [crashed(4, {}, { name: 'postgresql' })] } })
  const said = { logs: [{ namespace: 'airflow', pod: 'airflow-postgresql-0', container: 'postgresql', previous: false, lines: ['PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device'] }] }
  const set = statefulSet('airflow-postgresql', 0)
  const told = (nodes: KubernetesObject[]) => diagnose(evidence({ record: release({ updatedAt: long, objects: [inManifest(set)] }), workloads: [set], pods: [database], nodes, ...said })).findings.map(({ id, title, causes = [] }) => `${id === 'node-pressure-evicted' ? title : id}${causes.map((one) => ` < ${one.title}`).join('')}`)
  const full = 'No space is left on a disk of node home'
  const short = 'A node is short of disk, memory or process ids'
  t.same(told([node({ conditions: pressed('DiskPressure') })]), [short, `crash-loop < ${short}`])
  t.same(told([node(), node({ conditions: pressed('MemoryPressure') }, 'second')]), [short, full, `crash-loop < ${full}`])
  t.end()
})
