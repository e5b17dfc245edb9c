import t from 'tap'
import { explained } from '../../../lib/doctor/explains.ts'
import type { FaultId } from '../../../lib/observe/faults.ts'
import type { Finding } from '../../../lib/step.ts'
import { pod } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (id: FaultId, title: string, seen: string[] = [], severity: Finding['severity'] = 'error'): Finding => ({ id, severity, title, evidence: seen, why: '', fix: [''] })

/** What the second is explained by. */
const causes = (cause: Finding, symptom: Finding): string[] => (explained([cause, symptom], evidence())[1]?.causes ?? []).map(({ id }) => id)

const refused = found('database-unreachable', 'PostgreSQL has no database airflow')
const silent = found('database-unreachable', 'Airflow gets no connection to its database, which is ready')
const crash = found('crash-loop', 'Container webserver of Deployment airflow-webserver keeps crashing', ['Pod airflow/airflow-webserver-1, container webserver: exit code 1', 'ModuleNotFoundError: No module named authlib'])

const silentCrash = found('crash-loop', 'Container webserver of Deployment airflow-webserver keeps crashing', ['Pod airflow/airflow-webserver-1, container webserver: exit code 1'])

void t.test('what is only a warning explains no error', (t) => {
  t.same(causes(found('node-cordoned', 'A node is cordoned', [], 'warning'), silent), [])
  t.same(causes(found('scaled-to-zero', 'The rollout of Deployment airflow/airflow-statsd is paused', [], 'warning'), crash), [])
  t.same(causes(found('node-cordoned', 'Every node is cordoned'), silent), ['node-cordoned'])
  t.same(causes(found('fernet-key-rotated', 'Another key', [], 'warning'), found('not-ready-unexplained', 'It is not ready', [], 'warning')), ['fernet-key-rotated'])
  t.end()
})

void t.test('whom the database answered has reached it, whatever else is broken', (t) => {
  const causesOfSilence: [FaultId, string, string[]?][] = [
    ['node-not-ready', 'Node second is not ready'], ['node-pressure-evicted', 'A pod was evicted'], ['pod-network-broken', 'Pods get no network'],
    ['release-object-missing', 'Objects are missing', ['Service airflow/airflow-postgresql does not exist']],
  ]
  for (const [id, title, seen] of causesOfSilence) {
    t.same(causes(found(id, title, seen), silent), [id])
    t.same(causes(found(id, title, seen), refused), [], id)
  }
  t.end()
})

void t.test('a key or password explains the crashes that speak of it', (t) => {
  const dies = (container: string, words: string) => found('crash-loop', 'It keeps crashing', [`Pod airflow/x, container ${container}: exit code 1`, words])
  const fernet = found('fernet-key-rotated', 'Another key')
  t.same([causes(fernet, dies('scheduler', 'cryptography.fernet.InvalidToken')), causes(fernet, crash)], [['fernet-key-rotated'], []])
  const redis = found('redis-password-drift', 'Another password')
  t.same([causes(redis, dies('worker', 'exit')), causes(redis, dies('scheduler', 'kombu.exceptions.OperationalError: invalid username-password pair')), causes(redis, crash)], [['redis-password-drift'], ['redis-password-drift'], []])
  t.end()
})

void t.test('with its namespace the password of a database goes before its claim', (t) => {
  const claim = 'PersistentVolumeClaim airflow/data-airflow-postgresql-0'
  const deleted = found('namespace-terminating', 'Namespace airflow is being deleted')
  t.same(causes(deleted, found('postgres-pvc-old-password', `${claim} holds a database whose password is not known`)), ['namespace-terminating'])
  t.same(causes(deleted, found('postgres-pvc-old-password', `${claim} has another database password than the Secret`)), [])
  t.end()
})

void t.test('a part that nobody needs explains nobody else\'s crash', (t) => {
  const none = (name: string) => found('scaled-to-zero', `${name} is scaled to no pod`, [`${name}: spec.replicas is 0, the release has 1`])
  for (const name of ['StatefulSet airflow/airflow-triggerer', 'Deployment airflow/airflow-statsd', 'Deployment airflow/airflow-scheduler']) t.same(causes(none(name), crash), [], name)
  t.same([causes(none('StatefulSet airflow/airflow-postgresql'), silentCrash), causes(none('StatefulSet airflow/airflow-postgresql'), crash)], [['scaled-to-zero'], []], 'and a database only that of a crash which names nothing else')
  const gone = (name: string) => found('release-object-missing', 'An object is missing', [`${name} does not exist`])
  t.same(causes(gone('Service airflow/airflow-statsd'), crash), [])
  t.same(causes(gone('ServiceAccount airflow/airflow-webserver'), silentCrash), ['release-object-missing'])
  t.end()
})

void t.test('what was set in the object itself is a root, whatever else is broken', (t) => {
  const set: Finding[] = [
    found('traefik-not-running', 'Traefik is scaled to no pod: Deployment traefik/traefik', ['Deployment traefik/traefik: spec.replicas is 0']),
    found('cluster-dns-broken', 'The cluster\'s DNS is scaled to no pod', ['Deployment kube-system/coredns has replicas: 0']),
    found('provisioner-not-running', 'The provisioner x does not run, and claims wait for it', ['Deployment local-path-storage/local-path-provisioner is scaled to 0']),
    found('service-without-endpoints', 'Service airflow/airflow-webserver does not lead to its pods', ['Service airflow/airflow-webserver selects component=x, which no pod has; the chart\'s selector is component=webserver']),
    found('traefik-404-route-not-loaded', 'Traefik does not load the route: Middleware airflow/airflow-webserver does not exist', ['Middleware airflow/airflow-webserver does not exist']),
    found('traefik-404-route-not-loaded', 'Traefik does not load the route: Service airflow/airflow-webserver has no port 8081, only 8080', ['Service airflow/airflow-webserver has no port 8081, only 8080', 'IngressRoute airflow/airflow-webserver: spec.routes[0].services[0].port is 8081; airstrip writes 8080']),
    found('traefik-404-route-not-loaded', 'Traefik may not read the cluster\'s routes'),
    found('certresolver-missing', 'Traefik has no certificate resolver "nope"', [], 'warning'),
    found('webserver-oom-or-slow-start', 'Container webserver of Deployment airflow-webserver needs more memory than it may use', ['Pod airflow/x, container webserver: OOMKilled']),
    found('scheduler-liveness-restart-loop', 'Container scheduler of Deployment airflow-scheduler is restarted again and again by its liveness probe', ['Deployment airflow/airflow-scheduler is not as the release has it: spec.template.spec.containers[scheduler].livenessProbe.exec.command']),
    found('wait-for-migrations-crashloop', 'The database is at revision a, and the image wants b'),
  ]
  const others: Finding[] = [
    found('node-cordoned', 'Every node is cordoned'), found('no-schedulable-node', 'The only node takes no pod'), found('control-plane-down', 'The scheduler of the cluster does not work'),
    found('runtime-handler-missing', 'The node\'s runtime has no handler gvisor'), found('network-policy-blocks', 'A NetworkPolicy keeps the database away'),
    found('scaled-to-zero', 'StatefulSet airflow/airflow-postgresql is scaled to no pod', ['StatefulSet airflow/airflow-postgresql: spec.replicas is 0, the release has 1']),
    found('database-unreachable', 'Airflow gets no connection to its database'), found('fernet-key-rotated', 'Another key'), found('image-not-found', 'Image a does not exist'),
  ]
  for (const one of set) for (const other of others) t.same(causes(other, one), [], `${one.id} beside ${other.id}`)
  const unwritten = found('service-without-endpoints', 'Service airflow/airflow-webserver does not lead to its pods', ['Service airflow/airflow-webserver has no endpoints, while Pod airflow/x is ready', 'Pod airflow/x is ready since noon'])
  t.same(causes(found('control-plane-down', 'The controller manager does not work'), unwritten), ['control-plane-down'], 'endpoints that nobody writes down are another\'s fault')
  const edited = found('traefik-404-route-not-loaded', 'Traefik answers, but has not loaded the route', ['Middleware airflow/airflow-webserver: spec.stripPrefix is {}; airstrip writes /airflow'])
  t.same(causes(found('route-missing', 'Middleware airflow/airflow-webserver was changed'), edited), ['route-missing'], 'and an edit is told with the route')
  const away = found('namespace-terminating', 'Namespace airflow is being deleted')
  t.same(causes(away, found('webserver-oom-or-slow-start', 'The webserver is ended before it answers')), ['namespace-terminating'])
  t.end()
})

void t.test('a part that is missing explains what speaks of it, and not another part\'s fault', (t) => {
  const secret = found('release-object-missing', 'Secret airflow/a-key does not exist, and the release needs it', ['Secret airflow/a-key does not exist'])
  const misses = (name: string) => found('container-config-error', 'A container cannot be made', [`Pod airflow/x, container scheduler: secret "${name}" not found`])
  t.same([causes(secret, misses('a-key')), causes(secret, misses('other'))], [['release-object-missing'], []])
  const service = found('release-object-missing', 'An object is missing', ['Service airflow/airflow-webserver does not exist'])
  t.same(causes(service, found('container-config-error', 'A container cannot be made', ['Pod airflow/airflow-webserver-6f8-x, container webserver: secret "foo" not found'])), [], 'whose pod is only called so')
  const account = found('release-object-missing', 'An object is missing', ['ServiceAccount airflow/airflow-scheduler does not exist'])
  t.same(causes(account, misses('airflow-scheduler-token-x7k2p')), ['release-object-missing'], 'whose token goes with it')
  const claim = found('claim-missing', 'Claim airflow-local-dags-folder does not exist', ['Pod airflow/x is not placed: persistentvolumeclaim "airflow-local-dags-folder" not found'])
  const drift = found('redis-password-drift', 'Redis runs with another password', ['Pod airflow/airflow-worker-0: WRONGPASS'])
  t.same([causes(secret, claim), causes(secret, drift)], [[], []])
  const none = (name: string) => found('scaled-to-zero', `${name} is scaled to no pod`, [`${name}: spec.replicas is 0, the release has 1`])
  t.same([causes(none('StatefulSet airflow/airflow-postgresql'), drift), causes(none('StatefulSet airflow/airflow-redis'), drift)], [[], ['scaled-to-zero']])
  t.end()
})

void t.test('an edited ConfigMap explains what its readers die of, and no other database than theirs', (t) => {
  const edited = found('config-edited', 'ConfigMap airflow/airflow-config of the release was edited by hand', ['ConfigMap airflow/airflow-config is not as the release has it: airflow.cfg'])
  const [reader, other] = [pod({ name: 'airflow-webserver-1', spec: { volumes: [{ name: 'config', configMap: { name: 'airflow-config' } }] } }), pod({ name: 'airflow-statsd-1', spec: {} })]
  const of = (symptom: Finding) => (explained([edited, symptom], evidence({ pods: [reader, other] }))[1]?.causes ?? []).map(({ id }) => id)
  t.same(of(silentCrash), ['config-edited'])
  t.same(of(found('crash-loop', 'statsd', ['Pod airflow/airflow-statsd-1, container statsd: exit code 1'])), [])
  t.same([of(refused), of(silent)], [[], []])
  t.same(of(found('probe-path-mismatch', 'x', ['Pod airflow/airflow-webserver-1: 404', 'the chart\'s own is /health'])), [])
  t.end()
})

void t.test('an edited probe that asks for a path which is not there is told once, with the path', (t) => {
  const probe = found('probe-path-mismatch', 'x', ['Pod airflow/airflow-webserver-1: Unhealthy: 404'])
  const same = (name: string) => found('readiness-probe-failing', 'y', [`Pod airflow/${name}, container webserver: is not ready`, 'Deployment airflow/airflow-webserver is not as the release has it: spec.template.spec.containers[webserver].readinessProbe'])
  const of = (symptom: Finding) => (explained([probe, symptom], evidence({ pods: [pod({ name: 'airflow-webserver-1' }), pod({ name: 'airflow-statsd-1' })] }))[1]?.causes ?? []).map(({ id }) => id)
  t.same([of(same('airflow-webserver-1')), of(same('airflow-statsd-1'))], [['probe-path-mismatch'], []])
  t.end()
})

void t.test('who talks to nobody is explained by what keeps everybody from it, and another\'s crash is not', (t) => {
  const policy = found('network-policy-blocks', 'NetworkPolicy deny-all keeps pods from the database')
  t.same([causes(policy, silent), causes(policy, refused), causes(policy, silentCrash), causes(policy, crash)], [['network-policy-blocks'], [], ['network-policy-blocks'], []])
  const git = (line: string) => found('git-sync-failure', 'git-sync cannot fetch the DAGs', [line])
  for (const id of ['cluster-dns-broken', 'network-policy-blocks', 'pod-network-broken', 'kube-proxy-not-running'] as const) {
    t.same([causes(found(id, 'x'), git('Could not resolve host: github.com')), causes(found(id, 'x'), git('Permission denied (publickey)'))], [[id], []], id)
  }
  const image = found('image-registry-unreachable', 'Image a is not on the node', ['Pod airflow/x, container statsd: ErrImagePull'])
  t.same(causes(found('git-sync-failure', 'git-sync cannot fetch the DAGs'), found('heartbeat-missing', 'Airflow\'s scheduler runs and gives no sign of life')), [])
  t.same(causes(found('database-unreachable', 'Airflow gets no connection'), found('heartbeat-missing', 'Airflow\'s scheduler runs and gives no sign of life')), ['database-unreachable'])
  t.same(causes(found('control-plane-down', 'x'), found('release-object-missing', 'ConfigMap airflow/a does not exist')), [], 'nobody else has deleted it')
  t.same(causes(found('admission-webhook-down', 'x'), image), [])
  t.end()
})

void t.test('the Job that proves the folders fails of a folder that is not as it has to be', (t) => {
  const job = found('job-failed', 'Job airflow/airstrip-folders-home has failed')
  const under = (cause: Finding, symptom = job) => explained([cause, symptom], evidence({})).at(-1)?.causes?.map(({ id }) => id)
  const closed = found('dags-not-readable', 'Airflow cannot read its DAGs folder')
  t.same(under(closed), ['dags-not-readable'])
  t.same(under(found('hostpath-not-on-the-node', '/srv/airflow/dags is not a directory on node home')), ['hostpath-not-on-the-node'])
  t.same(under({ ...closed, severity: 'warning' }), undefined, 'a DAG alone is not looked at by it')
  t.same(under(closed, found('job-failed', 'Job airflow/airflow-run-airflow-migrations has failed')), undefined)
  t.end()
})

void t.test('a Traefik that does not run is enough for nobody answering there, whatever else is wrong', (t) => {
  const [closed, traefik, nobody] = [found('database-unreachable', 'Database airflow takes no connections'), found('traefik-not-running', 'Traefik is scaled to no pod: Deployment traefik/traefik'), found('ingress-unproven', 'Nobody answers at 192.0.2.7, where ingress.address says that Traefik is')] as const
  const under = (...all: Finding[]) => explained([...all, nobody], evidence({})).at(-1)?.causes?.map(({ id }) => id)
  t.same(under(closed, traefik), ['traefik-not-running'])
  t.same(under(closed), ['database-unreachable'])
  t.end()
})

void t.test('a route that was changed is enough for what Traefik answers, whatever else is wrong', (t) => {
  const [cordoned, changed, unloaded] = [found('node-cordoned', 'Every node is cordoned'), found('route-missing', 'IngressRoute airflow/x was changed'), found('traefik-404-route-not-loaded', 'Traefik answers, but has not loaded the route')] as const
  const under = (...all: Finding[]) => explained([...all, unloaded], evidence({})).at(-1)?.causes?.map(({ id }) => id)
  t.same(under(cordoned, changed), ['route-missing'])
  t.same(under(cordoned), ['node-cordoned'])
  t.same(under(found('traefik-crd-group-mismatch', 'Traefik reads another group'), changed), ['traefik-crd-group-mismatch'], 'unless that has a cause itself')
  t.end()
})
