/** Nodes that are on their way, and what a pod asks for in all. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Context } from '../../../lib/observe/observation.ts'
import { requestOf } from '../../../lib/observe/node-fit.ts'
import { observePod } from '../../../lib/observe/pod.ts'
import { claim, context, event, node, now, pod, ready, unplaced, volume } from './objects.ts'

const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()
const noCpu = '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.'
const readyFor = (seconds: number) => [{ type: 'Ready', status: 'True', lastTransitionTime: ago(seconds) }]

function asking(cpu: string): Record<string, unknown> {
  return { containers: [{ name: 'scheduler', resources: { requests: { cpu } } }] }
}

function unplacedPod(spec: Record<string, unknown>, message = noCpu, status: Record<string, unknown> = {}): KubernetesObject {
  return pod({ spec: { nodeName: undefined, ...spec }, status: { ...unplaced(message), ...status } })
}

function look(message: string, parts: Partial<Context>, spec: Record<string, unknown> = {}) {
  return observePod(unplacedPod(spec, message), context(parts))
}

void t.test('a node that Karpenter adds is waited for, whatever those lack that are there', (t) => {
  for (const reason of ['Nominated', 'NominatePod']) {
    for (const spec of [asking('6'), asking('1'), { nodeSelector: { 'karpenter.sh/nodepool': 'airflow' } }]) {
      const one = unplacedPod(spec)
      const said = event(one, reason, 'Pod should schedule on: nodeclaim/default-7x2pk', { type: 'Normal' })
      t.match(observePod(one, context({ events: [said] })), { state: 'waiting', reason: /waits for a node that is being added/ }, reason)
      t.match(observePod(one, context()), { state: 'failed' })
      const cannot = { ...event(one, 'FailedScheduling', 'Failed to schedule pod, no instance type satisfied resources'), source: { component: 'karpenter' } }
      t.match(observePod(one, context({ events: [{ ...said, lastTimestamp: new Date(now.getTime() - 60_000).toISOString() }, cannot] })), { state: 'failed' }, 'it takes that back')
      t.match(observePod(one, context({ events: [{ ...said, lastTimestamp: new Date(now.getTime() - 1_000_000).toISOString() }] })), { state: 'failed' }, 'nor does a node take a quarter of an hour')
    }
  }
  t.end()
})

void t.test('a pod whose place the scheduler clears is waited for: who ends may be of another namespace', (t) => {
  const preempting = '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.'
  t.match(observePod(unplacedPod(asking('1'), preempting, { nominatedNodeName: 'home' }), context()), { state: 'waiting', reason: /waits for others to end on node home: / })
  t.match(observePod(unplacedPod(asking('1')), context()), { state: 'failed', finding: { title: 'The nodes are full' } })
  t.end()
})

void t.test('a node that was cordoned for its restart comes back, one that was cordoned before is kept away', (t) => {
  const said = '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.'
  const away = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: ago(60) }]
  const cordoned = (seconds: number, conditions: Record<string, unknown>[] = away) => [node(), node({ unschedulable: true, conditions, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: ago(seconds) }] }, 'pi')]
  const full = { state: 'failed', finding: { title: 'The nodes are full' } }
  t.match(look(said, { nodes: cordoned(120) }, asking('1')), { state: 'waiting' })
  t.match(look(said, { nodes: cordoned(86_400) }, asking('1')), full)
  t.match(look(said, { nodes: cordoned(120, readyFor(9999)) }, asking('1')), full, 'one that is Ready is somebody\'s to uncordon')
  t.end()
})

void t.test('a node that has only just come is not judged by what its drivers write on it later', (t) => {
  const spec = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] }
  const onZone = (key: string) => volume({ nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['eu-1a'] }] }] } } }, 'Bound', 'pvc-1')
  const seen = (key: string, seconds: number, labels: Record<string, string> = {}) => look('0/1 nodes are available: 1 node(s) had volume node affinity conflict.', { claims: [claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })], volumes: [onZone(key)], nodes: [node({ conditions: readyFor(seconds), labels })] }, spec)
  const conflict = { state: 'failed', finding: { id: 'volume-node-affinity-conflict' } }
  t.match(seen('topology.ebs.csi.aws.com/zone', 20), { state: 'waiting' })
  t.match(seen('topology.ebs.csi.aws.com/zone', 200), conflict)
  t.match(seen('topology.ebs.csi.aws.com/zone', 20, { 'topology.ebs.csi.aws.com/zone': 'eu-1b' }), conflict, 'it is there, and another')
  t.match(seen('kubernetes.io/hostname', 20), conflict, 'what the kubelet says at once')
  const selected = (key: string, seconds: number) => look('0/1 nodes are available: 1 node(s) didn\'t match Pod\'s node affinity/selector.', { nodes: [node({ conditions: readyFor(seconds) })] }, { nodeSelector: { [key]: 'x' } })
  t.match(selected('feature.node.kubernetes.io/cpu-cpuid.AVX', 20), { state: 'waiting' })
  t.match(selected('feature.node.kubernetes.io/cpu-cpuid.AVX', 200), { state: 'failed', finding: { id: 'node-affinity-mismatch' } })
  t.match(selected('kubernetes.io/arch', 20), { state: 'failed', finding: { id: 'node-affinity-mismatch' } })
  t.end()
})

void t.test('after a boot a node has no devices until their plugin has come', (t) => {
  const gpu = { containers: [{ name: 'scheduler', resources: { requests: { 'nvidia.com/gpu': '1' } } }] }
  const seen = (seconds: number, allocatable: Record<string, string>) => look('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', { nodes: [node({ conditions: readyFor(seconds), allocatable })] }, gpu)
  t.match(seen(20, { 'nvidia.com/gpu': '0' }), { state: 'waiting' })
  t.match(seen(20, {}), { state: 'waiting' })
  t.match(seen(200, { 'nvidia.com/gpu': '0' }), { state: 'failed', finding: { title: 'A pod asks for more than any node has' } })
  t.match(seen(20, { 'nvidia.com/gpu': '1' }), { state: 'failed', finding: { title: 'The nodes are full' } }, 'it has, and another pod has it')
  t.match(look(noCpu, { nodes: [node({ conditions: readyFor(20) })] }, asking('6')), { state: 'failed', finding: { title: 'A pod asks for more than any node has' } }, 'its CPUs it knows at once')
  t.end()
})

void t.test('a sidecar runs beside the containers, and a pod may ask as a whole', (t) => {
  const of = (cpu: string, more: Record<string, unknown> = {}) => ({ name: 'x', resources: { requests: { cpu } }, ...more })
  const sum = (spec: Record<string, unknown>) => requestOf({ spec } as unknown as Parameters<typeof requestOf>[0], 'cpu')
  const sidecar = of('1', { restartPolicy: 'Always' })
  t.equal(sum({ containers: [of('3500m')], initContainers: [sidecar] }), 4.5)
  t.equal(sum({ containers: [of('1')], initContainers: [sidecar, of('3')] }), 4, 'also beside an init container that comes after it')
  t.equal(sum({ containers: [of('1')], initContainers: [of('3'), sidecar] }), 3, 'and not beside one before it')
  t.equal(sum({ containers: [of('1'), of('1')], initContainers: [of('3')] }), 3)
  t.equal(sum({ resources: { requests: { cpu: '8' } }, containers: [of('1')], overhead: { cpu: '250m' } }), 8.25, 'Kubernetes 1.34')
  t.equal(sum({ resources: { requests: { memory: '1Gi' } }, containers: [of('1')] }), 1)
  t.match(look(noCpu, {}, { ...asking('3500m'), initContainers: [sidecar] }), { state: 'failed', finding: { title: 'A pod asks for more than any node has', evidence: [/./, /asks for 4.5$/] } })
  t.end()
})

void t.test('a pod that should be gone long ago, on a node that does not answer, leaves no room', (t) => {
  const leaving = (seconds: number): KubernetesObject => {
    const one = pod({ name: 'airflow-webserver-5c9-x', status: ready })
    return { ...one, metadata: { ...one.metadata, deletionTimestamp: ago(seconds) } }
  }
  t.match(look(noCpu, { pods: [leaving(-30)] }, asking('1')), { state: 'waiting' })
  t.match(look(noCpu, { pods: [leaving(7200)] }, asking('1')), { state: 'failed', finding: { title: 'The nodes are full' } })
  t.end()
})
