import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { inManifest, placed, pod, ready, release, workload } from '../observe/objects.ts'
import { answers, judged, makeEndpoints, makeService, silent, site, traefik, traefikPod, wanted, webPod, webserver } from './way.ts'

type Rules = Record<string, unknown>

const policy = (name: string, spec: Rules): KubernetesObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'airflow', creationTimestamp: '2023-08-02T10:10:00Z' }, spec: { podSelector: {}, ...spec } })
const found = (parts: Partial<Evidence>) => judged(parts).findings.filter(({ id, causes = [] }) => id === 'network-policy-blocks' && causes.length === 0)
const rejected = answers({ status: 502, body: 'Bad Gateway' })
const denyIn = policy('deny', { policyTypes: ['Ingress'] })
const among = policy('allow-same-namespace', { policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] })

void t.test('a policy that lets Traefik not in is told whether its packets are dropped or rejected', (t) => {
  const dropped = silent('192.168.1.10:443 took the request and gave no answer within 4 s')
  for (const answered of [rejected, answers({ status: 503, body: 'no available server' }), answers({ status: 504, body: 'Gateway Timeout' }), dropped]) {
    const { findings } = judged({ networkPolicies: [among], answered })
    t.match(findings[0], { id: 'network-policy-blocks', title: 'NetworkPolicy allow-same-namespace keeps Airflow\'s parts apart', fix: [/^\(umask 077 && kubectl -n airflow get networkpolicy allow-same-namespace -o yaml > allow-same-namespace-before-\$\(date \+%s\)\.yaml\) && kubectl -n airflow delete networkpolicy allow-same-namespace #/] })
    t.ok(findings.slice(1).every(({ causes = [] }) => causes.some(({ id }) => id === 'network-policy-blocks')), 'and explains the rest')
  }
  t.match(found({ networkPolicies: [denyIn], answered: dropped }), [{ evidence: [/^no policy lets Traefik reach Pod airflow\/airflow-webserver-6f8-web01, and it took the request/] }])
  t.same(found({ networkPolicies: [denyIn] }), [], 'a plugin that does not enforce it')
  t.same(found({ networkPolicies: [denyIn], answered: answers({ status: 500, body: 'Ooops!' }) }), [], 'an answer of Airflow\'s')
  t.end()
})

void t.test('whoever may be Traefik is let in, and a port that is not the page\'s is not', (t) => {
  const ui = webPod({ container: { ports: [{ name: 'airflow-ui', containerPort: 8080 }] } })
  const told = (ingress: unknown[], parts: Partial<Evidence> = {}) => found({ pods: [ui], networkPolicies: [policy('p', { policyTypes: ['Ingress'], ingress })], answered: rejected, ...parts }).length
  for (const peers of [undefined, [], [{ ipBlock: { cidr: '10.0.0.0/8' } }], [{ namespaceSelector: {} }], [{ namespaceSelector: { matchLabels: { zone: 'edge' } } }], [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'traefik' } } }]]) t.equal(told([{ from: peers }]), 0, JSON.stringify(peers))
  t.equal(told([{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }] }]), 1, 'another namespace by its name')
  t.equal(told([{ ports: [{ port: 9999 }] }]), 1)
  t.equal(told([{ ports: [{ port: 8080 }] }]), 0)
  const [deployment, running] = [traefik(), traefikPod()].map((object) => ({ ...object, metadata: { ...object.metadata, namespace: 'airflow' } }))
  const beside = { system: [], workloads: [webserver(), deployment ?? traefik()], pods: [ui, running ?? traefikPod()] }
  t.equal(told([{ from: [{ podSelector: { matchLabels: { app: 'traefik' } } }] }], beside), 0, 'of the same namespace')
  t.equal(told([{ from: [{ podSelector: { matchLabels: { tier: 'airflow' } } }] }], beside), 1)
  const onHost = { ...traefik(), spec: { replicas: 1, template: { metadata: { labels: { app: 'traefik' } }, spec: { hostNetwork: true, containers: [{ name: 'traefik', image: 'traefik:v2.9.10' }] } } } }
  t.equal(told([], { system: [onHost, traefikPod()] }), 0, 'the node\'s own address most plugins let in')
  t.end()
})

void t.test('of a page that is not ready, has just become so, or whose Service leads nowhere, no policy is blamed', (t) => {
  const told = (parts: Partial<Evidence>) => found({ networkPolicies: [denyIn], answered: rejected, ...parts })
  t.same(told({ pods: [webPod({ status: { phase: 'Running' } })] }), [])
  t.same(told({ pods: [webPod({ status: { ...ready, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:29:30Z' }] } })] }), [])
  t.same(told({ services: [makeService({ ports: [{ port: 8080, targetPort: 9999 }] })] }), [])
  t.end()
})

void t.test('the chart\'s own policy that lets nobody in is told with the value that opens it', (t) => {
  const own = policy('airflow-webserver-policy', { podSelector: { matchLabels: { component: 'webserver' } }, policyTypes: ['Ingress'] })
  const record = release({ objects: [inManifest(webserver()), makeService(), own], updatedAt: '2023-08-02T09:00:00Z' })
  t.match(found({ record, networkPolicies: [own], answered: rejected }), [{
    title: 'NetworkPolicy airflow-webserver-policy of the release keeps Traefik out', evidence: [/^no policy lets Traefik reach/],
    fix: ['Set webserver.networkPolicy.ingress.from: [{namespaceSelector: {}}] in airflow.values, then: npx tsx run.ts apply --from helm'],
  }])
  t.equal(found({ record, networkPolicies: [own, denyIn], answered: rejected }).length, 1, 'one that allows is enough')
  t.same(found({ record, networkPolicies: [own], answered: answers({}) }), [])
  const page = webPod()
  const three = { ...page, metadata: { ...page.metadata, labels: { tier: 'airflow', component: 'api-server' } } }
  const policies = [policy('airflow-webserver-policy', { podSelector: { matchLabels: { component: 'api-server' } } })]
  t.match(found({ record, pods: [three], networkPolicies: policies, answered: rejected }), [{ fix: [/^Set apiServer\.networkPolicy/] }], 'of Airflow 3')
  t.end()
})

const deployed = workload('Deployment', 'coredns', { availableReplicas: 1 }, { template: { spec: { containers: [] } } })
const coredns = { ...deployed, metadata: { ...deployed.metadata, namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } } }
const kubeDns = { ...makeService(), metadata: { name: 'kube-dns', namespace: 'kube-system' } }
const waits = (line: string) => {
  const part = pod({ labels: { 'tier': 'airflow', 'component': 'scheduler', 'pod-template-hash': '6d5b9c7f9' }, status: { ...placed, initContainerStatuses: [{ name: 'wait-for-airflow-migrations', state: { running: { startedAt: '2023-08-02T10:11:00Z' } }, restartCount: 0, ready: false }] } })
  return { system: [traefik(), traefikPod(), coredns, kubeDns, { ...makeEndpoints([{ addresses: [{ ip: '10.244.0.3' }] }]), metadata: kubeDns.metadata }], pods: [webPod(), part], logs: [{ namespace: 'airflow', pod: part.metadata.name, container: 'wait-for-airflow-migrations', previous: false, lines: [line] }] }
}
const egress = (...rules: Rules[]) => policy('egress', { policyTypes: ['Egress'], egress: [{ to: [{ podSelector: {} }] }, ...rules] })

void t.test('a policy that lets nobody ask for names is told where names are not found', (t) => {
  const unresolved = waits('could not translate host name "airflow-postgresql.airflow" to address: Temporary failure in name resolution')
  const told = (rules: Rules[], parts: Partial<Evidence> = {}) => found({ ...unresolved, networkPolicies: [egress(...rules)], ...parts })
  t.match(told([]), [{ title: /^NetworkPolicy egress keeps/, evidence: [/^no policy lets Pod airflow\/airflow-scheduler\S+ ask the cluster's DNS/, /Temporary failure/], fix: [/delete networkpolicy egress # or let .* port 53 of kube-system/] }])
  const kubeSystem = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }
  for (const rule of [{}, { ports: [{ port: 53, protocol: 'UDP' }] }, { to: [kubeSystem] }, { to: [{ namespaceSelector: {} }], ports: [{ port: 53 }] }, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }]) t.same(told([rule]), [], JSON.stringify(rule))
  for (const rule of [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 443 }] }, { to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'airflow' } } }] }]) t.equal(told([rule]).length, 1, JSON.stringify(rule))
  t.same(told([], waits('could not translate host name "airflow-postgresql.airflow" to address: Name or service not known')), [], 'the DNS has answered')
  t.same(told([], { pods: [webPod()] }), [])
  const named = { ...makeService(), metadata: { name: 'airflow-postgresql', namespace: 'airflow' } }
  const database = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: { ...ready, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2023-08-02T10:00:00Z' }] } })
  const whole = site({ ...unresolved, pods: [...unresolved.pods, database], services: [makeService(), named], networkPolicies: [egress()] })
  const about = diagnose(whole).findings.filter(({ id }) => ['network-policy-blocks', 'cluster-dns-broken', 'database-unreachable'].includes(id))
  t.same(about.map(({ id, causes = [] }) => [id, causes.map((cause) => cause.id)]), [['network-policy-blocks', []], ['cluster-dns-broken', ['network-policy-blocks']]], 'the policy is why')
  t.same(told([], { system: [traefik(), traefikPod(), kubeDns, { ...coredns, spec: { replicas: 0, template: {} } }] }), [], 'the DNS itself is off')
  t.end()
})

void t.test('a policy that lets nobody out to an external database is told where it is not reached', (t) => {
  const external = { ...wanted, bundledDatabase: false, database: { user: 'airflow', host: 'db.home.lan', port: 5432, name: 'airflow' } }
  const told = (rules: Rules[], line = 'connection to server at "db.home.lan" (192.168.1.5), port 5432 failed: Connection timed out', parts: Partial<Evidence> = {}) => found({ wanted: external, ...waits(line), networkPolicies: [egress(...rules)], ...parts })
  t.match(told([{ ports: [{ port: 53 }] }]), [{ evidence: [/^no policy lets Pod \S+ out to db\.home\.lan:5432/, /timed out/], fix: [/# or let .* port 5432 of db\.home\.lan/] }])
  for (const rule of [{}, { ports: [{ port: 5432 }] }, { to: [{ ipBlock: { cidr: '192.168.1.0/24' } }] }, { to: [{ namespaceSelector: {} }] }]) t.same(told([rule]), [], JSON.stringify(rule))
  t.same(told([], 'connection to server at "db.home.lan" (192.168.1.5), port 5432 failed: FATAL:  password authentication failed for user "airflow"'), [], 'it has answered')
  const inside = { services: [makeService(), { ...makeService(), metadata: { name: 'db', namespace: 'airflow' } }], wanted: { ...external, database: { ...external.database, host: 'db.airflow' } } }
  t.same(told([], undefined, inside), [], 'a pod of the same namespace')
  t.same(told([], undefined, { wanted }), [], 'the bundled one')
  t.end()
})
