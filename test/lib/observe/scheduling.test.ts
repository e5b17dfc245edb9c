import t from 'tap'
import { observePod } from '../../../lib/observe/pod.ts'
import { quantity } from '../../../lib/observe/quantity.ts'
import { matchesLabels, matchesNode } from '../../../lib/observe/selector.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Context } from '../../../lib/observe/observation.ts'
import { claim, container, context, event, masterTaint, node, pod, ready, storageClass, unplaced, volume } from './objects.ts'

const tainted = '0/1 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn\'t tolerate.'
const noCpu = '0/1 nodes are available: 1 Insufficient cpu.'

function look(message: string, parts: Partial<Context>, spec: Record<string, unknown> = {}) {
  return observePod(pod({ spec: { nodeName: undefined, ...spec }, status: unplaced(message) }), context(parts))
}

function asking(cpu: string, memory = '128Mi') {
  return { containers: [{ name: 'scheduler', resources: { requests: { cpu, memory } } }] }
}

void t.test('a control plane that keeps all pods off is hopeless', (t) => {
  const verdict = { state: 'failed', settleMs: 30_000, finding: { id: 'control-plane-taint-single-node', fix: ['kubectl taint nodes --all node-role.kubernetes.io/master-'] } }
  t.match(look(tainted, { nodes: [node({ taints: [masterTaint] })] }), verdict)
  t.match(look(noCpu, { nodes: [node({ taints: [masterTaint], allocatable: { cpu: '1' } })] }, asking('2')), verdict, 'also where the pod is too big: the taint comes first')
  t.end()
})

void t.test('a taint is no fault where it is tolerated, taken away, or only on some nodes', (t) => {
  t.match(look(tainted, { nodes: [node({ taints: [masterTaint] })] }, { tolerations: [{ operator: 'Exists' }] }), { state: 'waiting' })
  t.match(look(tainted, { nodes: [node({ taints: [masterTaint] })] }, { tolerations: [{ key: masterTaint.key, effect: 'NoSchedule', operator: 'Exists' }] }), { state: 'waiting' })
  t.match(look(tainted, { nodes: [node()] }), { state: 'waiting' }, 'the message is older than the nodes')
  t.match(look(tainted, { nodes: [node({ taints: [masterTaint] }), node({}, 'worker')] }), { state: 'waiting' })
  t.match(look(tainted, { nodes: [] }), { state: 'waiting' }, 'no list of nodes, no verdict')
  t.match(look(tainted, { nodes: undefined }), { state: 'waiting' })
  t.end()
})

void t.test('taints of the node controller go away by themselves, those of a person do not', (t) => {
  const text = '0/1 nodes are available: 1 node(s) had taint {node.kubernetes.io/not-ready: }, that the pod didn\'t tolerate.'
  t.match(look(text, { nodes: [node({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })] }), { state: 'waiting' })
  t.match(look(text, { nodes: [node({ taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] })] }), { state: 'waiting' })
  t.match(look(text, { nodes: [node({ taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })] }), { state: 'failed', finding: { id: 'untolerated-taint' } })
  t.match(look(text, { nodes: [node({ taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] })] }, { tolerations: [{ key: 'gpu', value: 'yes' }] }), { state: 'waiting' })
  t.match(look(text, { nodes: [node({ taints: [{ key: 'gpu', effect: 'PreferNoSchedule' }] })] }), { state: 'waiting' })
  t.end()
})

void t.test('a pod that is bigger than any node is hopeless soon, full nodes later', (t) => {
  t.match(look(noCpu, {}, asking('6')), { state: 'failed', settleMs: 30_000, finding: { id: 'insufficient-cpu-or-memory', evidence: [/Insufficient cpu/, /has 4 cpu in all.*asks for 6/] } })
  const gpu = { containers: [{ name: 'webserver', resources: { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } } }] }
  t.match(look('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', { nodes: [node()] }, gpu), { state: 'failed', settleMs: 30_000, finding: { title: 'A pod asks for more than any node has', evidence: [/Insufficient nvidia/, /has 0 nvidia.com\/gpu in all.*asks for 1$/] } }, 'no node speaks of such a device')
  t.match(look('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', { nodes: [node({ allocatable: { 'cpu': '4', 'memory': '8Gi', 'nvidia.com/gpu': '1' } })] }, gpu), { state: 'failed', settleMs: 120_000, finding: { title: 'The nodes are full' } }, 'one that another pod has')
  t.match(look(noCpu, {}, asking('1', '20Gi')), { state: 'failed', settleMs: 30_000 })
  t.match(look(noCpu, { nodes: [node(), node({ allocatable: { cpu: '8' } }, 'big')] }, asking('6')), { settleMs: 120_000 }, 'one node would be big enough')
  t.match(look(noCpu, {}, asking('1')), { state: 'failed', settleMs: 120_000, finding: { title: 'The nodes are full' } })
  t.end()
})

void t.test('a node that has as many pods as its kubelet takes has no use for lower requests', (t) => {
  const text = '0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.'
  const found = look(text, {}, asking('1'))
  t.match(found, { state: 'failed', settleMs: 120_000, finding: { id: 'insufficient-cpu-or-memory', title: 'The nodes take no more pods', evidence: [/Too many pods/, 'Node home takes 110 pods in all'], fix: [/^kubectl get pods -A/, /maxPods: 220.*systemctl restart kubelet/, /max-pods=220.*systemctl restart k3s/] } })
  t.notMatch(found.state === 'failed' ? found.finding.fix.join() : '', /requests/)
  t.match(look('0/2 nodes are available: 1 Too many pods, 1 Insufficient cpu.', {}, asking('1')), { finding: { title: 'The nodes are full' } }, 'where another node lacks something else, less of that is a way')
  t.match(look('0/1 nodes are available: 1 Insufficient cpu, 1 Too many pods.', {}, asking('1')), { finding: { title: 'The nodes take no more pods', fix: [/^kubectl get pods -A/, /maxPods/, /max-pods/, /^And then, .*: kubectl .*set resources .*--requests=cpu=100m/] } }, 'a node that lacks both: with less it would still be refused')
  t.match(look('0/2 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn\'t tolerate.', {}, asking('1')), { finding: { title: 'The nodes take no more pods' } }, 'also beside one that takes it in no case')
  t.match(look('0/2 nodes are available: 1 Insufficient cpu, 2 Too many pods.', {}, asking('1')), { finding: { title: 'The nodes take no more pods' } })
  t.end()
})

void t.test('full nodes are waited for while a Job or a task is about to end', (t) => {
  const task = pod({ name: 'etl-extract-1', owner: { kind: 'Job', name: 'migrations' }, spec: { restartPolicy: 'OnFailure' }, status: { containerStatuses: [container({ state: { running: {} } })] } })
  t.match(look(noCpu, { pods: [task] }, asking('1')), { state: 'waiting' })
  const crashing = pod({ name: 'm', owner: { kind: 'Job', name: 'migrations' }, spec: { restartPolicy: 'OnFailure' }, status: { containerStatuses: [container({ restartCount: 5 })] } })
  t.match(look(noCpu, { pods: [crashing] }, asking('1')), { state: 'failed' }, 'but one that keeps crashing may be waiting for this very pod')
  t.end()
})

void t.test('full nodes are waited for while an update is about to end the pod of before, and no longer when the new one keeps crashing', (t) => {
  const of = (hash: string, status: Record<string, unknown>, spec = {}) => pod({ name: `airflow-webserver-${hash}-x`, owner: { kind: 'ReplicaSet', name: `airflow-webserver-${hash}` }, labels: { 'pod-template-hash': hash }, spec, status })
  const [old, next] = [of('5c9', ready), of('9f8', { containerStatuses: [container({ state: { running: {} } })] })]
  t.match(look(noCpu, { pods: [old, next] }, asking('1')), { state: 'waiting' })
  const full = { state: 'failed', finding: { title: 'The nodes are full' } }
  t.match(look(noCpu, { pods: [old] }, asking('1')), full)
  t.match(look(noCpu, { pods: [old, of('9f8', ready)] }, asking('1')), full, 'both are there to stay')
  t.match(look(noCpu, { pods: [old, of('9f8', unplaced(noCpu), { nodeName: undefined })] }, asking('1')), full, 'the new one has no place either')
  t.match(look(noCpu, { pods: [old, of('9f8', { initContainerStatuses: [container({ restartCount: 5 })] })] }, asking('1')), full, 'it may be waiting for this very pod')
  t.match(look(noCpu, { pods: [old, pod({ status: { containerStatuses: [container()] } })] }, asking('1')), full, 'that of another is no replacement')
  t.match(look(noCpu, { pods: [old, { ...next, metadata: { ...next.metadata, namespace: 'other' } }] }, asking('1')), full)
  t.end()
})

void t.test('nothing is full or crowded while a node that would do may be coming back', (t) => {
  const awaySince = (lastTransitionTime: string) => [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime }]
  const away = awaySince('2023-08-02T10:25:00Z')
  const unreachable = { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' }
  const second = (fields: Parameters<typeof node>[0] = {}) => [node(), node({ conditions: away, taints: [unreachable], ...fields }, 'pi')]
  const said = '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had taint {node.kubernetes.io/unreachable: }, that the pod didn\'t tolerate.'
  t.match(look(said, { nodes: second() }, asking('1')), { state: 'waiting' })
  const full = { state: 'failed', settleMs: 120_000, finding: { title: 'The nodes are full' } }
  t.match(look(said, { nodes: second({ conditions: awaySince('2023-08-02T09:25:00Z') }) }, asking('1')), full, 'one that was switched off for good')
  t.match(look(said, { nodes: second({ unschedulable: true }) }, asking('1')), full, 'one that is cordoned takes nothing')
  t.match(look(said, { nodes: second({ taints: [unreachable, masterTaint] }) }, asking('1')), full, 'nor one that is reserved')
  t.match(look(said, { nodes: second({ allocatable: { cpu: '500m' } }) }, asking('1')), full, 'nor one that is too small')
  t.match(look(said, { nodes: second({ labels: { disk: 'hdd' } }) }, { ...asking('1'), nodeSelector: { 'kubernetes.io/hostname': 'home' } }), full, 'nor one that is not asked for')
  t.match(look(said, { nodes: second({ conditions: [{ type: 'Ready', status: 'True' }], taints: [] }) }, asking('1')), full, 'nor one that is there')
  const company = '0/2 nodes are available: 1 node(s) didn\'t match pod affinity/anti-affinity rules, 1 node(s) had taint {node.kubernetes.io/unreachable: }, that the pod didn\'t tolerate.'
  t.match(look(company, { nodes: second() }), { state: 'waiting' })
  t.match(look(company, { nodes: second({ unschedulable: true }) }), { state: 'failed', finding: { id: 'pod-affinity-unsatisfied' } })
  t.end()
})

void t.test('a taint that a controller set it takes away', (t) => {
  const lone = (key: string) => look('0/1 nodes are available: 1 node(s) had untolerated taint.', { nodes: [node({ taints: [{ key, effect: 'NoSchedule' }] })] })
  for (const key of ['node.cilium.io/agent-not-ready', 'ebs.csi.aws.com/agent-not-ready', 'ToBeDeletedByClusterAutoscaler', 'DeletionCandidateOfClusterAutoscaler', 'startup-taint.cluster-autoscaler.kubernetes.io/gpu', 'karpenter.sh/unregistered', 'karpenter.sh/disrupted']) t.match(lone(key), { state: 'waiting' }, key)
  for (const key of ['example.org/agent', 'cilium', 'karpenter']) t.match(lone(key), { state: 'failed', finding: { id: 'untolerated-taint' } }, key)
  t.end()
})

void t.test('a node that is being added is waited for', (t) => {
  const big = pod({ spec: { nodeName: undefined, ...asking('6') }, status: unplaced(noCpu) })
  t.match(observePod(big, context({ events: [event(big, 'TriggeredScaleUp', 'pod triggered scale-up')] })), { state: 'waiting' })
  t.end()
})

void t.test('a local volume of a node that is gone is hopeless', (t) => {
  const onNode = (name: string) => volume({ nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] }] } } }, 'Bound', 'pvc-1')
  const spec = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] }
  const claims = [claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })]
  const text = '0/1 nodes are available: 1 node(s) had volume node affinity conflict.'
  t.match(look(text, { claims, volumes: [onNode('worker-node01')] }, spec), { state: 'failed', settleMs: 30_000, finding: { id: 'volume-node-affinity-conflict', evidence: [/affinity conflict/, /worker-node01/], fix: [/^kubectl label node home kubernetes\.io\/hostname=worker-node01/, /^So that it lasts: --node-labels=kubernetes\.io\/hostname=worker-node01 in KUBELET_EXTRA_ARGS/, /./, /./] } })
  const other = { ...onNode('home'), metadata: { name: 'pvc-2' } }
  t.match(look(text, { claims, volumes: [onNode('worker-node01'), other] }, spec), { finding: { fix: [/get pv pvc-1/, /./] } }, 'no other volume loses its node over it')
  t.match(look(text, { claims, volumes: [onNode('home')] }, spec), { state: 'waiting' })
  t.end()
})

void t.test('a local volume made by hand for a node that there is not is hopeless before its claim is bound, too', (t) => {
  const of = (name: string, host: string, fields = {}) => volume({ storageClassName: 'by-hand', accessModes: ['ReadWriteOnce'], nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }] } }, ...fields }, 'Available', name)
  const spec = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] }
  const classes = [storageClass('by-hand', { provisioner: 'kubernetes.io/no-provisioner' })]
  const claims = [claim({ storageClassName: 'by-hand' })]
  const text = '0/1 nodes are available: 1 node(s) didn\'t find available persistent volumes to bind.'
  const seen = (volumes: KubernetesObject[], said = text) => look(said, { claims, classes, volumes }, spec)
  t.match(seen([of('local-1', 'nde01')]), { state: 'failed', settleMs: 30_000, finding: { id: 'volume-node-affinity-conflict', title: 'No node can use the volume of a pod: local-1', evidence: [/to bind/, /nde01/], fix: [/^kubectl get nodes .* get pv local-1/, /./] } }, 'and its node is not renamed for it')
  t.match(seen([of('local-1', 'nde01'), of('local-2', 'home')]), { state: 'waiting' }, 'another fits')
  t.match(seen([of('local-1', 'nde01', { capacity: { storage: '1Gi' } })]), { finding: { id: 'static-pv-mismatch' } }, 'what does not fit is told of the claim')
  t.match(seen([of('local-1', 'nde01')], noCpu), { finding: { id: 'insufficient-cpu-or-memory' } }, 'only where the scheduler says so')
  t.match(look(text, { claims, classes, volumes: [of('local-1', 'nde01')], nodes: [] }, spec), { state: 'waiting' })
  t.end()
})

void t.test('labels that no node has are hopeless', (t) => {
  const text = '0/1 nodes are available: 1 node(s) didn\'t match Pod\'s node affinity.'
  t.match(look(text, {}, { nodeSelector: { disk: 'ssd' } }), { state: 'failed', finding: { id: 'node-affinity-mismatch', evidence: [/match/, /asks for disk=ssd$/] } })
  t.match(look(text, {}, { nodeSelector: { disk: 'ssd' } }), { finding: { fix: [/^kubectl label node home disk=ssd --overwrite$/, /./] } })
  for (const key of ['kubernetes.io/arch', 'node.kubernetes.io/instance-type', 'topology.kubernetes.io/zone', 'beta.kubernetes.io/os']) {
    t.match(look(text, {}, { nodeSelector: { disk: 'ssd', [key]: 'other' } }), { finding: { id: 'node-affinity-mismatch', fix: [/^npx tsx run\.ts apply --from helm # once nodeSelector/] } }, `${key} is the node's own word`)
  }
  t.match(look(text, { nodes: [node({ labels: { disk: 'ssd' } })] }, { nodeSelector: { disk: 'ssd' } }), { state: 'waiting' })
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }] } } }
  t.match(look(text, {}, { affinity }), { state: 'failed', finding: { id: 'node-affinity-mismatch' } })
  t.end()
})

void t.test('a claim that does not exist is named, unless it has come since', (t) => {
  const text = '0/1 nodes are available: 1 persistentvolumeclaim "airflow-local-dags-folder" not found.'
  t.match(look(text, {}), { state: 'failed', finding: { id: 'claim-missing', title: 'Claim airflow-local-dags-folder does not exist' } })
  t.match(look(text, { claims: [claim({}, { phase: 'Bound' }, 'airflow-local-dags-folder')] }), { state: 'waiting' })
  t.end()
})

void t.test('where a claim of a StatefulSet is gone and its volume was kept, that volume is bound again and no empty one made', (t) => {
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, spec: { nodeName: undefined }, status: unplaced('0/1 nodes are available: persistentvolumeclaim "data-airflow-postgresql-0" not found.') })
  const volumeOf = (namespace: string, name = 'pvc-1', phase = 'Released', uid: string | undefined = 'old') => volume({ claimRef: { namespace, name: 'data-airflow-postgresql-0', uid } }, phase, name)
  const fixOf = (more: Parameters<typeof context>[0]) => observePod(database, context(more))
  t.match(fixOf({ volumes: [volumeOf('airflow')] }), { state: 'failed', finding: { id: 'claim-missing', evidence: [/not found/, /^PersistentVolume pvc-1, made at .* holds/], fix: [/^kubectl patch pv pvc-1 --type=merge .*"uid":null.* && kubectl -n airflow delete pod airflow-postgresql-0 /] } })
  t.match(fixOf({ volumes: [volumeOf('airflow'), volumeOf('airflow', 'pvc-0')] }), { finding: { evidence: [/not found/, /pvc-1/, /pvc-0/], fix: [/^kubectl patch pv NAME .* whose data is wanted$/] } }, 'of two the person chooses')
  t.match(fixOf({ volumes: [volumeOf('airflow', 'pvc-1', 'Failed'), volume({ claimRef: { namespace: 'airflow', name: 'data-airflow-postgresql-0' } }, 'Available', 'by-hand')] }), { finding: { fix: [/^kubectl -n airflow delete pod/] } }, 'one that is made by hand is taken by itself')
  t.match(fixOf({ volumes: [volumeOf('other')] }), { finding: { fix: [/^kubectl -n airflow delete pod/] } })
  t.end()
})

void t.test('quantities are read as Kubernetes reads them', (t) => {
  t.same(['100m', '2', '1.5', '1Gi', '500M', '16318120Ki', '1e3', undefined].map(quantity), [0.1, 2, 1.5, 2 ** 30, 5e8, 16318120 * 1024, 1000, 0])
  t.ok(Number.isNaN(quantity('lots')))
  t.end()
})

void t.test('selectors are read as Kubernetes reads them', (t) => {
  const labels = { tier: 'airflow', age: '5' }
  const meets = (operator: string, values: string[], key = 'tier') => matchesLabels({ matchExpressions: [{ key, operator, values }] }, labels)
  t.same([meets('In', ['airflow']), meets('NotIn', ['airflow']), meets('Exists', []), meets('DoesNotExist', []), meets('NotIn', ['x'], 'none')], [true, false, true, false, true])
  t.same([meets('Gt', ['4'], 'age'), meets('Lt', ['4'], 'age')], [true, false])
  t.equal(matchesNode({ nodeSelectorTerms: [{}] }, {}), false, 'an empty term matches nothing')
  t.equal(matchesNode({ nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['home'] }] }] }, { metadata: { name: 'home' } }), true)
  t.end()
})

const tried = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }
const wants = (spec: Record<string, unknown>, message?: string) => pod({
  name: 'airflow-webserver-9f8-new01', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-9f8' }, labels: { 'pod-template-hash': '9f8' },
  spec: { nodeName: undefined, containers: [{ name: 'webserver', ports: [{ containerPort: 8080, hostPort: 8080 }] }], ...spec },
  status: { phase: 'Pending', conditions: message === undefined ? [] : [{ ...tried, message }] },
})

void t.test('a port of the node that the pod of before has is never free in a rolling update', (t) => {
  const said = '0/1 nodes are available: 1 node(s) didn\'t have free ports for the requested pod ports.'
  const before = pod({ name: 'airflow-webserver-5c9-old01', owner: { kind: 'ReplicaSet', name: 'airflow-webserver-5c9' }, labels: { 'pod-template-hash': '5c9' }, spec: { containers: [{ name: 'webserver', ports: [{ containerPort: 8080, hostPort: 8080 }] }] }, status: ready })
  const look = (pods: ReturnType<typeof pod>[]) => observePod(wants({}, said), context({ pods: [...pods, wants({}, said)] }))
  t.match(look([before]), { state: 'failed', settleMs: 60_000, finding: { id: 'host-port-taken', title: 'Port 8080 of the node, which Deployment airflow-webserver wants for itself, is taken', evidence: [/free ports/, /airflow-webserver-5c9-old01 has 8080 on home/], fix: [/patch deployment\/airflow-webserver -p '\{"spec":\{"strategy":\{"type":"Recreate"/, /grep -wE '8080'/] } })
  const other = pod({ name: 'web-5c9-x', owner: { kind: 'ReplicaSet', name: 'web-5c9' }, labels: { 'pod-template-hash': '5c9' }, spec: { hostNetwork: true, containers: [{ name: 'web', ports: [{ containerPort: 8080 }] }] }, status: ready })
  t.match(look([other]), { state: 'failed', finding: { id: 'host-port-taken', fix: [/scale deployment\/web --replicas=0/, /who has it/] } })
  t.match(look([{ ...before, metadata: { ...before.metadata, deletionTimestamp: '2023-08-02T10:29:50Z' } }]), { state: 'waiting' }, 'one that leaves gives it free')
  t.end()
})

void t.test('pods that are to run beside others, or away from them, where that cannot be', (t) => {
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: 'none' } }, topologyKey: 'kubernetes.io/hostname' }] } }
  // The first two as Kubernetes 1.20 has them, the third as 1.22.
  for (const rule of ['didn\'t match pod affinity/anti-affinity rules, 1 node(s) didn\'t match pod affinity rules', 'didn\'t match pod affinity/anti-affinity rules, 1 node(s) didn\'t match pod anti-affinity rules', 'didn\'t satisfy existing pods anti-affinity rules']) {
    t.match(observePod(wants({ affinity }, `0/1 nodes are available: 1 node(s) ${rule}.`), context()), { state: 'failed', settleMs: 60_000, finding: { id: 'pod-affinity-unsatisfied', title: /pod affinity or anti-affinity of Deployment airflow-webserver/, fix: [/patch deployment\/airflow-webserver -p .*"podAffinity":null/, /^npx tsx run\.ts apply --from helm/] } }, rule)
  }
  t.match(observePod(wants({}, '0/1 nodes are available: 1 node(s) didn\'t satisfy existing pods anti-affinity rules.'), context()), { finding: { id: 'pod-affinity-unsatisfied', title: /of a pod that is there/ } })
  t.match(observePod(wants({ topologySpreadConstraints: [{ maxSkew: 1 }] }, '0/2 nodes are available: 2 node(s) didn\'t match pod topology spread constraints.'), context()), { finding: { id: 'pod-affinity-unsatisfied', fix: [/"topologySpreadConstraints":null/] } })
  t.end()
})

void t.test('a pod that is bound to a node which there is not', (t) => {
  t.match(observePod(wants({ nodeName: 'old-laptop' }), context()), { state: 'failed', settleMs: 15_000, finding: { id: 'node-affinity-mismatch', title: 'Deployment airflow-webserver is bound to node old-laptop, which does not exist', evidence: [/names node old-laptop; there are: home/], fix: [/patch deployment\/airflow-webserver .*"nodeName":null/, /airflow\.values/] } })
  t.match(observePod(wants({ nodeName: 'home' }), context()), { state: 'waiting' })
  t.match(observePod(wants({ nodeName: 'old-laptop' }), context({ nodes: undefined })), { state: 'waiting' }, 'where the nodes could not be listed nothing is known')
  t.end()
})

void t.test('a pod that names a scheduler which nobody has heard of', (t) => {
  t.match(observePod(wants({ schedulerName: 'volcano' }), context()), { state: 'failed', settleMs: 60_000, finding: { id: 'scheduler-unknown', title: 'No scheduler called volcano has looked at the pods of Deployment airflow-webserver', fix: [/"schedulerName":"default-scheduler"/, /airflow\.values/] } })
  t.match(observePod(wants({ schedulerName: 'default-scheduler' }), context()), { state: 'waiting' }, 'the own scheduler of the cluster has a rule of its own')
  const seen = wants({ schedulerName: 'volcano' })
  t.match(observePod(seen, context({ events: [event(seen, 'FailedScheduling', 'all nodes are unavailable')] })), { state: 'waiting' }, 'one that has spoken is there')
  t.end()
})
