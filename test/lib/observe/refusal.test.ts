/** What a controller was refused, as the condition of a Deployment and the events of its ReplicaSet tell it. */
import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { container, context, event, now, pod, ready, statefulSet, workload } from './objects.ts'

const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()

/** Refused some seconds ago for the last time. */
function refused(message: string, seconds: number, pods: KubernetesObject[] = [], more: KubernetesObject[] = []) {
  const scheduler = workload('Deployment', 'airflow-scheduler', { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] })
  const set: KubernetesObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-scheduler-9f8', namespace: 'airflow', uid: 'u' } }
  return observe(scheduler, context({ pods, events: [event(set, 'FailedCreate', `Error creating: ${message}`, { lastTimestamp: ago(seconds) }), ...more] }))
}

function webserver(hash: string, status: Record<string, unknown>, seconds = 600): KubernetesObject {
  const one = pod({ name: `airflow-webserver-${hash}-x`, owner: { kind: 'ReplicaSet', name: `airflow-webserver-${hash}` }, labels: { 'pod-template-hash': hash }, status })
  return { ...one, metadata: { ...one.metadata, creationTimestamp: ago(seconds) } }
}

const readySince = (seconds: number) => ({ phase: 'Running', conditions: [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'True', lastTransitionTime: ago(seconds) }] })
const starting = { containerStatuses: [container({ state: { running: {} } })] }
const memory = 'pods "airflow-scheduler-9f8-" is forbidden: exceeded quota: compute, requested: limits.memory=2Gi, used: limits.memory=10Gi, limited: limits.memory=11Gi'
const gone = 'Internal error occurred: failed calling webhook "pod.policy.example.org": failed to call webhook: Post "https://policy.policy.svc:443/mutate?timeout=10s": service "policy" not found'

void t.test('a quota that a rolling update of another part will give back is waited for', (t) => {
  const full = { state: 'failed', settleMs: 20_000, finding: { id: 'quota-exceeded' } }
  t.match(refused(memory, 10, [webserver('5c9', readySince(500)), webserver('9f8', starting)]), { state: 'waiting' })
  t.match(refused(memory, 10, [webserver('5c9', readySince(500))]), full)
  t.match(refused(memory.replaceAll('limits.memory', 'requests.storage'), 10, [webserver('5c9', readySince(500)), webserver('9f8', starting)]), full, 'no pod gives back a claim')
  const set: KubernetesObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'airflow-webserver-5c9', namespace: 'airflow', uid: 'w' } }
  const went = [event(set, 'SuccessfulDelete', 'Deleted pod: airflow-webserver-5c9-x', { type: 'Normal', lastTimestamp: ago(8) })]
  t.match(refused(memory, 40, [webserver('9f8', readySince(8))], went), { state: 'waiting', reason: /as others could since then/ }, 'the pod before it went when it was ready, and who was refused has not tried since')
  t.match(refused(memory, 5, [webserver('9f8', readySince(8))], went), full, 'it has')
  t.match(refused(memory, 40, [webserver('9f8', readySince(8))]), full, 'at a first install what becomes ready replaces nobody')
  t.end()
})

void t.test('a pod that should be gone long ago, on a node that does not answer, is no room to come', (t) => {
  const leaving = (seconds: number) => {
    const one = webserver('5c9', readySince(9000), 9999)
    return { ...one, metadata: { ...one.metadata, deletionTimestamp: ago(seconds) } }
  }
  t.match(refused(memory, 10, [leaving(-20)]), { state: 'waiting' })
  t.match(refused(memory, 10, [leaving(120)]), { state: 'waiting' }, 'what a quota counts is counted anew every five minutes')
  t.match(refused(memory, 10, [leaving(7200)]), { state: 'failed', finding: { id: 'quota-exceeded' } })
  t.end()
})

void t.test('a Deployment, too, is told that others were let in since', (t) => {
  const raised = 'pods "airflow-scheduler-9f8-" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=4, limited: pods=4'
  for (const message of [gone, raised]) {
    t.match(refused(message, 10), { state: 'failed' })
    t.match(refused(message, 10, [webserver('5c9', starting, 3)]), { state: 'waiting', reason: `0/1 of the newest version; could not make a pod, as others could since then: ${message}` })
    t.match(refused(message, 10, [webserver('5c9', starting, 30)]), { state: 'failed' }, 'it was refused again')
  }
  t.match(refused('pods "x" is forbidden: no PriorityClass with name nope was found', 10, [webserver('5c9', starting, 3)]), { state: 'failed' }, 'others do not name it')
  t.match(refused(gone, 10, [webserver('5c9', readySince(3))]), { state: 'failed' }, 'that one of before became ready says nothing of a webhook')
  t.end()
})

// Kyverno 1.10 verifyImages; the Vault agent injector.
const troubled = [
  'admission webhook "mutate.kyverno.svc-fail" denied the request: \n\nresource Pod/airflow/airflow-scheduler- was blocked due to the following policies \n\nverify-image:\n  autogen-check: \'failed to verify image docker.io/apache/airflow:2.6.2: .attestors[0].entries[0].keys: Get "https://index.docker.io/v2/": dial tcp: lookup index.docker.io on 10.96.0.10:53: read udp 10.244.0.9:4->10.96.0.10:53: i/o timeout\'',
  'admission webhook "vault.hashicorp.com" denied the request: error getting agent config: Get "https://vault.vault.svc:8200/v1/sys/health": context deadline exceeded',
  'admission webhook "mutate.kyverno.svc-fail" denied the request: failed to verify image: Get "http://registry.home:5000/v2/": dial tcp 10.43.0.9:5000: connect: connection refused',
  'admission webhook "policy.sigstore.dev" denied the request: validation failed: HEAD https://ghcr.io/v2/me/airflow/manifests/1: unexpected status code 503 Service Unavailable',
]

void t.test('a webhook that denies since it cannot ask somebody else is given minutes', (t) => {
  for (const message of troubled) t.match(refused(message, 5), { state: 'failed', settleMs: 300_000, finding: { id: 'admission-refused', title: /^Pods are refused by webhook \S+, which cannot reach what it asks itself$/ } }, message.slice(0, 60))
  t.match(refused('admission webhook "validation.gatekeeper.sh" denied the request: [k8srequiredlabels] you must provide labels: {"owner"}', 5), { state: 'failed', settleMs: 20_000, finding: { title: 'Pods are refused by webhook validation.gatekeeper.sh' } })
  t.end()
})

void t.test('OpenShift\'s constraints judge the pod itself', (t) => {
  const message = 'pods "airflow-scheduler-9f8-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .spec.securityContext.fsGroup: Invalid value: []int64{0}: 0 is not an allowed group]'
  t.match(refused(message, 5), { state: 'failed', settleMs: 20_000, finding: { id: 'admission-refused', title: 'Pods are refused by every SecurityContextConstraints', fix: [/./, /securitycontextconstraints/] } })
  t.end()
})

void t.test('the line of a Deployment shows a refusal that no rule knows, as that of a StatefulSet does', (t) => {
  const unknown = 'pods "airflow-scheduler-9f8-" is forbidden: status unknown for quota: compute, resources: limits.cpu,limits.memory'
  t.match(refused(unknown, 5), { state: 'waiting', reason: `0/1 of the newest version; cannot make a pod: ${unknown}` })
  const set = statefulSet('airflow-postgresql', 0)
  t.match(observe(set, context({ pods: [webserver('5c9', ready)], events: [event(set, 'FailedCreate', unknown)] })), { state: 'waiting', reason: `0/1 ready; cannot make a pod: ${unknown}` })
  t.end()
})
