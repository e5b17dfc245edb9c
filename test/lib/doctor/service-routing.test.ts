/** kube-proxy as kubeadm runs it: a DaemonSet with a pod on each node. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { crashed, node, placed, pod, ready, workload } from '../observe/objects.ts'
import { evidence } from './evidence.ts'
import { answers, silent } from './way.ts'

const inSystem = (object: KubernetesObject): KubernetesObject => ({ ...object, metadata: { ...object.metadata, namespace: 'kube-system' } })
const set = (desiredNumberScheduled: number) => inSystem(workload('DaemonSet', 'kube-proxy', { desiredNumberScheduled }))
const uid = set(1).metadata.uid
const proxy = (status: Record<string, unknown>): KubernetesObject => {
  const { metadata, ...rest } = inSystem(pod({ name: 'kube-proxy-x2x4z', owner: { kind: 'DaemonSet', name: 'kube-proxy' }, labels: {}, spec: { nodeName: 'home', containers: [{ name: 'kube-proxy', image: 'registry.k8s.io/kube-proxy:v1.22.8' }] }, status }))
  return { ...rest, metadata: { ...metadata, creationTimestamp: '2023-08-02T10:20:00Z', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'kube-proxy', uid, controller: true }] } }
}
const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, nodes: [node()], ...parts })).findings.filter(({ id }) => id === 'kube-proxy-not-running')
const failing = proxy({ phase: 'Running', containerStatuses: [crashed(4, {}, { name: 'kube-proxy' })] })

void t.test('kube-proxy that crashes is told with its node and its last words', (t) => {
  const logs = [{ namespace: 'kube-system', pod: failing.metadata.name, container: 'kube-proxy', previous: false, lines: ['"command failed" err="failed complete: open /var/lib/kube-proxy/config.conf: no such file or directory"'] }]
  t.match(found({ system: [set(1), failing], logs }), [{ severity: 'error', title: 'kube-proxy does not run on home', evidence: [/^Pod kube-system\/kube-proxy-x2x4z /, /config\.conf: no such file/], fix: [/^kubectl -n kube-system rollout restart daemonset kube-proxy/, /kubeadm init phase addon kube-proxy/] }])
  t.end()
})

void t.test('kube-proxy that is meant for no node is told where something is missed, and else is how a network that does its work has it', (t) => {
  const unready = pod({ labels: { tier: 'airflow' }, status: { ...placed, conditions: [{ type: 'Ready', status: 'False' }] } })
  const dns = inSystem(workload('Deployment', 'coredns', {}, { replicas: 1, template: { spec: { containers: [{ name: 'coredns', image: 'registry.k8s.io/coredns/coredns:v1.9.3' }] } } }))
  const told = [{ severity: 'error', title: 'kube-proxy is meant for no node', evidence: ['DaemonSet kube-system/kube-proxy wants 0 pods', /./], fix: [/nodeSelector/] }] as const
  t.match(found({ system: [set(0)], pods: [unready] }), told)
  t.match(found({ system: [set(0), dns] }), told)
  for (const answered of [answers({ status: 502, body: 'Bad Gateway' }), answers({ body: 'Welcome' }), silent('timed out')]) t.match(found({ system: [set(0)], answered }), told)
  t.same(found({ system: [set(0), { ...dns, status: { availableReplicas: 1 } }], pods: [pod({ labels: { tier: 'airflow' }, status: ready })], answered: answers({}) }), [])
  t.same(found({ system: [set(0)] }), [], 'an empty cluster')
  t.same(found({ system: [set(0)], pods: [pod({ labels: { tier: 'airflow' }, owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, status: { phase: 'Succeeded' } })] }), [], 'a Job that is done')
  t.end()
})

void t.test('one that runs or starts, one on a node that is lost, and a cluster without it are none', (t) => {
  t.same(found({ system: [set(1), proxy(ready)] }), [])
  t.same(found({ system: [set(1), { ...failing, metadata: { ...failing.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }] }), [])
  t.same(found({ system: [set(1), failing], nodes: [node({ conditions: [{ type: 'Ready', status: 'Unknown' }] })] }), [])
  t.same(found({ system: [] }), [])
  t.end()
})
