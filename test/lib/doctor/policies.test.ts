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

const foundation = (name: string, app: string, containerPort: number, readyAt = '2023-08-02T10:00:00Z', labels: Record<string, string> = {}) => pod({
  name: `${name}-0`, owner: { kind: 'StatefulSet', name }, labels: { 'app.kubernetes.io/name': app, ...labels },
  spec: { containers: [{ name: app, ports: [{ containerPort }] }] }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: readyAt }] },
})
const letsIn = (name: string, app: string, podSelector: Rules, appName = 'app.kubernetes.io/name') => policy(name, { podSelector: { matchLabels: { [appName]: app } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector }] }] })

void t.test('a connection that failed is held against who keeps it out, and not against a policy of somebody else\'s', (t) => {
  const broker = letsIn('broker', 'redis', { matchExpressions: [{ key: 'component', operator: 'In', values: ['worker', 'scheduler'] }] })
  const own = [broker, letsIn('database', 'postgresql', { matchLabels: { tier: 'airflow' } })]
  const pods = [webPod(), foundation('airflow-postgresql', 'postgresql', 5432, '2023-08-02T10:25:00Z'), foundation('airflow-redis', 'redis', 6379)]
  const blamed = (line: string, parts: Partial<Evidence> = {}, time = '10:24:40') => {
    const lines = [`[2023-08-02T${time}.000+0000] {app.py:1744} ERROR - Exception on /health [GET]`, line]
    return found({ pods, networkPolicies: own, logs: [{ namespace: 'airflow', pod: webPod().metadata.name, container: 'webserver', previous: false, lines }], ...parts }).map(({ title }) => /NetworkPolicy (\S+)/.exec(title)?.[1])
  }
  const refused = 'sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at "airflow-postgresql.airflow" (10.43.1.2), port 5432 failed: Connection refused'
  t.same(blamed(refused), [], 'a database that was made anew, and a policy for the broker')
  t.same(blamed('(UNKNOWN) [10.43.1.2] 5432 (postgresql) : Connection refused'), [], 'by its port')
  t.same(blamed('redis.exceptions.ConnectionError: Error 111 connecting to airflow-redis:6379. Connection refused.'), ['broker'])
  t.same(blamed('(UNKNOWN) [10.43.1.3] 6379 (redis) : Connection timed out'), ['broker'])
  t.same(blamed(refused.replace('airflow-postgresql.airflow', 'db.home.lan')), [], 'one outside the cluster')
  const named = { services: [makeService(), { ...makeService({ clusterIP: '10.43.1.9', selector: { 'app.kubernetes.io/name': 'redis' } }), metadata: { name: 'queue', namespace: 'airflow' } }] }
  for (const line of ['Error 110 connecting to queue.airflow.svc:6380. Connection timed out.', '[2023-08-02 10:05:09,123: ERROR/MainProcess] consumer: Cannot connect to redis://:**@queue.airflow.svc:6380/0: Timeout connecting to server.', '(UNKNOWN) [10.43.1.9] 6380 (redis) : Connection timed out']) t.same(blamed(line, named), ['broker'], `by its Service: ${line}`)
  t.same(blamed('Error 110 connecting to queue.other:6379. Connection timed out.', named), [], 'of another namespace')
  t.same(blamed('redis.exceptions.TimeoutError: Timeout connecting to server'), ['broker'], 'where nobody is named it may be any of them')
  t.same(blamed('redis.exceptions.TimeoutError: Timeout connecting to server', {}, '10:12:00'), [], 'as long as it is said now')
  const cloud = foundation('cloud-redis', 'redis', 6379, undefined, { 'app.kubernetes.io/instance': 'cloud' })
  const beside = { pods: [...pods, cloud], workloads: [webserver(), workload('StatefulSet', 'cloud-redis', {})], networkPolicies: [letsIn('cloud', 'cloud', { matchLabels: { app: 'cloud' } }, 'app.kubernetes.io/instance')] }
  for (const line of ['Timeout connecting to server', '(UNKNOWN) [10.43.1.3] 6379 (redis) : Connection timed out', 'Error 110 connecting to airflow-redis:6379. Connection timed out.']) t.same(blamed(line, beside), [], `a broker of another program: ${line}`)
  const pooled = { pods: [...pods, pod({ name: 'airflow-pgbouncer-5d4-abcde', owner: { kind: 'ReplicaSet', name: 'airflow-pgbouncer-5d4' }, labels: { component: 'pgbouncer', tier: 'airflow' }, status: ready })] }
  const byPooler = 'connection to server at "airflow-pgbouncer.airflow" (10.43.1.4), port 6543 failed: FATAL:  server login failed'
  const shut = (podSelector: Rules) => blamed(byPooler, { ...pooled, networkPolicies: [letsIn('database', 'postgresql', podSelector)] }, '10:26:00')
  t.same([shut({ matchLabels: { app: 'x' } }), shut({ matchLabels: { component: 'pgbouncer' } })], [['database'], []], 'PgBouncer asks the database, and nobody else need')
  t.same(blamed('Error 110 connecting to cloud-redis.airflow:6379. Connection timed out.', beside), ['cloud'], 'unless Airflow asks for it by its name')
  t.end()
})

void t.test('who waits for the database without a word is held against the policy that surely keeps it out', (t) => {
  const closed = (createdAt = '2023-08-02T10:20:00Z') => ({ ...policy('closed', { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'postgresql' } }, policyTypes: ['Ingress'] }), metadata: { name: 'closed', namespace: 'airflow', creationTimestamp: createdAt } })
  const waiter = (startedAt: string, init: Rules = {}, name = 'wait-for-airflow-migrations') => pod({
    labels: { 'tier': 'airflow', 'component': 'scheduler', 'pod-template-hash': '6d5b9c7f9' },
    status: { ...placed, phase: 'Pending', initContainerStatuses: [{ name, restartCount: 0, ready: false, state: { running: { startedAt } }, ...init }] },
  })
  const database = foundation('airflow-postgresql', 'postgresql', 5432)
  const dots = (...lines: string[]) => [{ namespace: 'airflow', pod: waiter('').metadata.name, container: 'wait-for-airflow-migrations', previous: false, lines }]
  const told = (parts: Partial<Evidence> = {}, startedAt = '2023-08-02T10:26:40Z') => found({ pods: [webPod(), waiter(startedAt), database], networkPolicies: [closed()], ...parts })
  t.match(told(), [{ title: 'NetworkPolicy closed keeps Airflow\'s parts apart', severity: 'error', evidence: [/^no policy lets Pod airflow\/airflow-scheduler\S+ reach Pod airflow\/airflow-postgresql-0/, /has said nothing since it started at 2023-08-02T10:26:40Z/] }])
  t.equal(told({ logs: dots('....') }).length, 1)
  t.equal(told({ networkPolicies: [policy('no-egress', { podSelector: { matchLabels: { component: 'scheduler' } }, policyTypes: ['Egress'] })] }).length, 1)
  for (const startedAt of ['2023-08-02T10:29:30Z', '2023-08-02T10:28:00Z']) t.same(told({}, startedAt), [], 'Airflow takes that long to load on a slow machine')
  t.same(told({ logs: dots('[2023-08-02T10:29:40.123+0000] {migration.py:213} INFO - Context impl PostgresqlImpl.') }), [], 'it has reached it')
  t.same(told({ networkPolicies: [letsIn('closed', 'postgresql', { matchLabels: { tier: 'airflow' } })] }), [], 'it is let in')
  t.same(told({ networkPolicies: [closed('2023-08-02T10:29:20Z')] }), [], 'what was tried before the policy was there')
  t.equal(told({ networkPolicies: [closed('2023-08-02T10:27:00Z')] }, '2023-08-02T10:15:00Z').length, 1, 'and at last a try that began after it')
  t.same(told({ pods: [waiter('2023-08-02T10:26:40Z')] }), [], 'a database that is not ready')
  const runs = pod({ labels: { 'tier': 'airflow', 'component': 'scheduler', 'pod-template-hash': '6d5b9c7f9' }, status: { ...ready, containerStatuses: [{ name: 'scheduler', ready: true, restartCount: 0, state: { running: { startedAt: '2023-08-02T10:21:00Z' } } }] } })
  t.same(told({ pods: [runs, database] }), [], 'one that is ready, whose log was just begun anew')
  t.same(told({ pods: [waiter('2023-08-02T10:26:40Z', {}, 'init-plugins'), database] }), [], 'a container that asks no database')
  const unread = { unknown: [`the log of ${waiter('').metadata.name}, container wait-for-airflow-migrations, could not be read: no`] }
  t.same(told(unread), [], 'nobody could read what it says')
  const page = webPod()
  const through = { ...page, status: { ...(page.status as object), initContainerStatuses: [{ name: 'wait-for-airflow-migrations', ready: true, state: { terminated: { exitCode: 0, finishedAt: '2023-08-02T10:21:00Z' } } }] } }
  t.same(told({ pods: [through, waiter('2023-08-02T10:26:40Z'), database] }), [], 'a plugin that does not enforce it has let another through')
  t.end()
})
