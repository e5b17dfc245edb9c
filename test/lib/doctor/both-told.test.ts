/** Two faults at once that have nothing to do with each other: both are told, and neither under the other. */
import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { explained } from '../../../lib/doctor/explains.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { Finding } from '../../../lib/step.ts'
import { container, deployment, event, inManifest, placed, pod, release, statefulSet, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'
import { answers, makeEndpoints, makeService, site } from './way.ts'

const found = (id: FaultId, title: string, seen: string[] = []): Finding => ({ id, severity: 'error', title, evidence: seen, why: '', fix: [''] })
const causes = (cause: Finding, symptom: Finding, parts: Partial<Evidence> = {}): string[] => (explained([cause, symptom], evidence(parts))[1]?.causes ?? []).map(({ id }) => id)
const roots = (one: Evidence): string[] => diagnose(one).findings.filter(({ severity, causes: under = [] }) => severity === 'error' && under.length === 0).map(({ id }) => id)

const service = (name: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'airflow' }, spec: { selector: {} } })
const gone = { operation: { holderIdentity: 'home/12', leaseDurationSeconds: 60, alive: false } }
const unfinished: [Partial<Evidence>, Parameters<typeof release>[0]][] = [
  [{}, { status: 'failed', description: 'Upgrade "airflow" failed: cannot patch "airflow-postgresql"', revision: 2, updatedAt: '2023-08-02T10:10:00Z' }],
  [gone, { status: 'pending-upgrade', revision: 2, updatedAt: long }],
]

void t.test('what was taken away is told although Helm did not come to its end', (t) => {
  const sets = ['airflow-postgresql', 'airflow-redis'].map((name) => statefulSet(name, 1))
  const scheduler = statefulSet('airflow-scheduler', 1)
  const brought = release({ objects: [inManifest(scheduler), service('airflow-scheduler')], status: 'failed', revision: 2, updatedAt: '2023-08-02T10:10:00Z' })
  t.notOk(roots(evidence({ workloads: [scheduler], autoscalers: [], services: [], record: brought })).includes('release-object-missing'), 'a Service that another executor brings to a workload of before')
  for (const [parts, record] of unfinished) {
    const of = (more: Partial<Evidence>) => evidence({ workloads: sets, autoscalers: [], services: [service('airflow-postgresql')], ...parts, record: release({ objects: [...sets.map(inManifest), service('airflow-postgresql'), service('airflow-new')], ...record }), ...more })
    t.notOk(roots(of({})).includes('release-object-missing'), 'what no workload is there for may not have been made')
    t.match(diagnose(of({ services: [] })).findings.find(({ id }) => id === 'release-object-missing'), { title: 'Service airflow/airflow-postgresql does not exist, and the release needs it', causes: undefined })
    const none = { ...statefulSet('airflow-redis', 0), spec: { replicas: 0 } }
    t.ok(roots(of({ workloads: [statefulSet('airflow-postgresql', 1), none] })).includes('scaled-to-zero'))
    t.notOk(roots(of({ services: [], operation: { ...gone.operation, alive: true }, record: release({ objects: [service('airflow-postgresql')], status: 'pending-upgrade', revision: 2, updatedAt: '2023-08-02T10:29:00Z' }) })).includes('release-object-missing'), 'a Helm that is at work makes it')
  }
  t.end()
})

void t.test('a ConfigMap that was edited is no error for a part that is short and does not read it', (t) => {
  const map = (mark: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'airflow-config', namespace: 'airflow' }, keys: ['airflow.cfg'], marks: { 'airflow.cfg': mark } })
  const lame = (spec: object) => workload('Deployment', 'airflow-statsd', { readyReplicas: 0 }, { template: { spec } })
  const told = (spec: object) => diagnose(evidence({ workloads: [lame(spec)], configMaps: [map(2)], record: release({ updatedAt: long, objects: [inManifest(lame(spec)), map(1)] }) })).findings.find(({ id }) => id === 'config-edited')?.severity
  t.equal(told({ containers: [{ name: 'statsd', image: 'nope/statsd:1' }] }), 'warning')
  t.equal(told({ containers: [{ name: 'statsd' }], volumes: [{ name: 'config', configMap: { name: 'airflow-config' } }] }), 'error')
  t.end()
})

void t.test('a policy that keeps Traefik out is told beside another part\'s Service that leads nowhere', (t) => {
  const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny-web', namespace: 'airflow', creationTimestamp: long }, spec: { podSelector: {}, policyTypes: ['Ingress'] } }
  const redis = { ...service('airflow-redis'), spec: { selector: { component: 'redis' }, ports: [{ port: 6379 }] } }
  const base = site()
  const record = release({ ...base.record, objects: [...base.record?.objects ?? [], redis] })
  const answered = answers({ status: 502, body: 'Bad Gateway' })
  const broken = site({ record, networkPolicies: [policy], answered, services: [makeService(), { ...redis, spec: { ...redis.spec, selector: { component: 'x' } } }] })
  t.same(roots(broken), ['service-without-endpoints', 'network-policy-blocks'])
  t.notOk(roots(site({ record, networkPolicies: [policy], answered, services: [makeService({ selector: { component: 'x' } }), redis], endpoints: [makeEndpoints()] })).includes('network-policy-blocks'))
  t.end()
})

void t.test('a policy of what may come in keeps no node from making pods, and nobody from the world', (t) => {
  const policy = found('network-policy-blocks', 'NetworkPolicy deny keeps Airflow\'s parts apart')
  const deny = (policyTypes?: string[]) => ({ networkPolicies: [{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny' }, spec: { podSelector: {}, ...(policyTypes === undefined ? { egress: [] } : { policyTypes }) } }] })
  t.same([causes(policy, found('pod-network-broken', 'Flannel does not run on the node')), causes(policy, found('pod-network-broken', 'Pods on node second do not reach pods on node home'))], [[], ['network-policy-blocks']])
  const git = found('git-sync-failure', 'git-sync cannot fetch the DAGs', ['Could not resolve host: github.com'])
  t.same([causes(policy, git, deny(['Ingress'])), causes(policy, git, deny(['Ingress', 'Egress'])), causes(policy, git, deny())], [[], ['network-policy-blocks'], ['network-policy-blocks']])
  t.end()
})

void t.test('a key that is another, or gone, keeps nobody\'s probe from its answer but his who speaks of it', (t) => {
  const fernet = found('fernet-key-rotated', 'What is stored was encrypted with another Fernet key', ['Pod airflow/airflow-webserver-1, container webserver: cryptography.fernet.InvalidToken'])
  const probe = (name: string, id: FaultId = 'scheduler-liveness-restart-loop') => found(id, 'It is ended by its probe', [`Pod airflow/airflow-${name}, container x: 5 restarts`])
  const parts = { pods: ['webserver-1', 'triggerer-0'].map((name) => pod({ name: `airflow-${name}`, owner: { kind: 'StatefulSet', name: `airflow-${name.slice(0, -2)}` } })) }
  t.same([causes(fernet, probe('triggerer-0'), parts), causes(fernet, probe('webserver-1'), parts)], [[], ['fernet-key-rotated']])
  const says = { ...parts, logs: ['webserver-1', 'triggerer-0'].map((name) => ({ namespace: 'airflow', pod: `airflow-${name}`, container: 'x', previous: false, lines: ['cryptography.fernet.InvalidToken'] })) }
  t.same(causes(fernet, probe('triggerer-0'), says), ['fernet-key-rotated'], 'of those that say the same one is quoted')
  const missing = (name: string) => found('release-object-missing', `${name} does not exist, and the release needs it`, [`${name} is part of Helm's revision 1 and is not there`])
  for (const id of ['scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start'] as const) {
    t.same([causes(missing('Secret airflow/airflow-fernet-key'), probe('webserver-1', id)), causes(missing('Service airflow/airflow-postgresql'), probe('webserver-1', id))], [[], ['release-object-missing']], id)
  }
  t.end()
})

const unplaced = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 node(s) exceed max volume count.' }] }
const waits = (status: Record<string, unknown>, name = 'airflow-triggerer-0') => { const one = pod({ name, owner: { kind: 'StatefulSet', name: name.slice(0, -2) }, spec: { nodeName: undefined }, status }); return { ...one, metadata: { ...one.metadata, creationTimestamp: long } } }
const unpulled = (part: string, kind: 'Deployment' | 'StatefulSet' = 'Deployment') => {
  const owner = kind === 'StatefulSet' ? { kind, name: `airflow-${part}` } : { kind: 'ReplicaSet', name: `airflow-${part}-6f8` }
  return pod({ name: `airflow-${part}-x`, owner, labels: { 'pod-template-hash': '6f8' }, spec: { containers: [{ name: part, image: 'nope/x:1' }] }, status: { phase: 'Pending', ...placed, containerStatuses: [container({ name: part, image: 'nope/x:1', state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nope/x:1"' } } })] } })
}
const notFound = (one: ReturnType<typeof pod>) => event(one, 'Failed', 'Failed to pull image "nope/x:1": rpc error: code = NotFound desc = failed to resolve reference "nope/x:1": not found')

/** The triggerer has no place and no rule knows why; what else there is beside it. */
function beside(workloads: ReturnType<typeof deployment>[], pods: ReturnType<typeof pod>[], more: Partial<Evidence> = {}): string[] {
  const all = [{ ...statefulSet('airflow-triggerer', 0), metadata: { ...statefulSet('airflow-triggerer', 0).metadata, creationTimestamp: long } }, ...workloads]
  return roots(evidence({ workloads: all, pods: [waits(unplaced), ...pods], events: pods.map(notFound), autoscalers: [], record: release({ updatedAt: long, objects: all.map(inManifest) }), ...more }))
}

void t.test('what no rule knows the reason of is told beside another part that has failed', (t) => {
  t.same(beside([], []), ['not-ready-unexplained'])
  t.same(beside([deployment('airflow-statsd', 0)], [unpulled('statsd')]), ['image-not-found', 'not-ready-unexplained'])
  t.same(beside([{ ...deployment('airflow-webserver', 0), spec: { replicas: 0 }, status: { observedGeneration: 1 } }], []), ['scaled-to-zero', 'not-ready-unexplained'])
  t.same(beside([statefulSet('airflow-redis', 0)], [unpulled('redis', 'StatefulSet')]), ['image-not-found', 'not-ready-unexplained'], 'a triggerer needs no broker')
  t.end()
})

void t.test('what waits for the database, or has failed itself, is not told again', (t) => {
  t.same(beside([statefulSet('airflow-postgresql', 0)], [unpulled('postgresql', 'StatefulSet')]), ['image-not-found'])
  t.same(beside([deployment('airflow-statsd', 0)], [unpulled('statsd')], { pods: [unpulled('statsd'), unpulled('triggerer', 'StatefulSet')], events: [unpulled('statsd'), unpulled('triggerer', 'StatefulSet')].map(notFound) }), ['image-not-found'])
  t.end()
})

void t.test('what is not ready is told under what speaks of its own part, or of none, and under nothing that only runs badly', (t) => {
  const parts = { pods: [waits({}), waits({}, 'airflow-worker-0')], workloads: [statefulSet('airflow-triggerer', 0), statefulSet('airflow-worker', 0)] }
  const silent = found('not-ready-unexplained', 'One object is not ready', ['StatefulSet airflow/airflow-triggerer: 0/1 ready'])
  t.same(causes(found('volume-mount-failed', 'x', ['Pod airflow/airflow-triggerer-0: FailedMount']), silent, parts), ['volume-mount-failed'])
  t.same(causes(found('crash-loop', 'x', ['Pod airflow/airflow-worker-0, container worker: exit code 1']), silent, parts), [])
  t.same(causes(found('kube-proxy-not-running', 'x'), silent, parts), ['kube-proxy-not-running'])
  t.same(causes(found('web-page-failing', 'Airflow\'s page answers with an error of its own', ['https://home/ answers 500']), silent, parts), [])
  const service = (name: string) => found('service-without-endpoints', `Service airflow/airflow-${name} does not lead to its pods`, [`Service airflow/airflow-${name} selects x`])
  t.same([causes(service('worker'), silent, parts), causes(service('postgresql'), silent, { ...parts, workloads: [...parts.workloads, statefulSet('airflow-postgresql', 1)] })], [[], ['service-without-endpoints']])
  t.end()
})
