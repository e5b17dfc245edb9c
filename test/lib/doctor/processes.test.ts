/** What runs and is ended. The texts are of Kubernetes 1.20's kubelet and of Airflow 2.6, from the lab and the failure reports that the faults link to. */
import t from 'tap'
import { explained } from '../../../lib/doctor/explains.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { processRules } from '../../../lib/doctor/rules/processes.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { container, crashed, deployment, event, inManifest, node, pod, ready, release, statefulSet } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], processRules).findings
const ids = (parts: Partial<Evidence>) => found(parts).map(({ id, severity }) => `${id} ${severity}`)

const running = (fields: Record<string, unknown> = {}, startedAt = '2023-08-02T10:28:00Z') => container({ state: { running: { startedAt } }, started: true, ...fields })
const healthy = pod({ status: { ...ready, containerStatuses: [running({ ready: true })] } })

function said(line: string, name = 'scheduler', of = healthy): Partial<Evidence> {
  return { pods: [of], logs: [{ namespace: 'airflow', pod: of.metadata.name, container: name, previous: false, lines: ['first', line, 'last'] }] }
}

void t.test('a healthy pod and one that is starting are no finding', (t) => {
  const starting = pod({ status: { phase: 'Pending', containerStatuses: [container()] } })
  t.same(found(said('[2023-08-02T10:29:40.123+0000] {scheduler_job.py:720} INFO - Starting the scheduler')), [])
  t.same(found({ pods: [starting] }), [])
  t.end()
})

function pulling(text: string, spec: Record<string, unknown> = {}): { pods: KubernetesObject[]; events: KubernetesObject[] } {
  const image = 'apache/airflow:2.6.2'
  const one = pod({ spec: { containers: [{ name: 'scheduler', image }], ...spec }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
  return { pods: [one], events: [event(one, 'Failed', `Failed to pull image "${image}": ${text}`)] }
}

void t.test('a rate limit is told, though it ends no wait', (t) => {
  const text = 'rpc error: code = Unknown desc = failed to copy: httpReadSeeker: failed open: unexpected status code 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.'
  t.match(found(pulling(text)), [{ id: 'dockerhub-rate-limit', severity: 'error', fix: [/^test -s FILE && printf .* https:\/\/index\.docker\.io\/v1\/ .* \| kubectl -n airflow create secret generic registry-login --type=kubernetes\.io\/dockerconfigjson /] }])
  t.end()
})

void t.test('a registry that does not give an image is told after two minutes of tries, and one that nobody trusts with the pod', (t) => {
  const asking = 'rpc error: code = Unknown desc = failed to do request: Head "https://registry.home/v2/"'
  const busy = `${asking}: net/http: TLS handshake timeout`
  t.match(found(pulling(busy)), [{ id: 'image-registry-unreachable', title: /does not give it/ }])
  const young = pulling(busy)
  for (const one of young.pods) one.metadata.creationTimestamp = '2023-08-02T10:29:00Z'
  t.same(found(young), [])
  t.same(found(pulling(`${asking}: x509: certificate signed by unknown authority`)), [], 'no retry changes that, so it is told there')
  t.end()
})

void t.test('a pull secret that is not there is told where the pull failed', (t) => {
  const spec = { imagePullSecrets: [{ name: 'registry-login' }] }
  const denied = pulling('rpc error: code = Unknown desc = failed to authorize: 401 Unauthorized', spec)
  t.match(found({ ...denied, secrets: [] }), [{ id: 'image-pull-denied', title: 'Pull secret registry-login does not exist', fix: [/^test -s FILE && .* create secret generic registry-login /] }])
  const [own] = found({ ...denied, secrets: [] })
  const [first = ''] = own?.evidence.slice(1) ?? []
  const said = { id: 'image-pull-denied', severity: 'error' as const, title: 'The registry does not let this cluster pull apache/airflow:2', evidence: [first], why: '', fix: [''] as [string] }
  t.match(own && explained([own, said], evidence()).map(({ causes = [] }) => causes.length), [0, 1], 'and is why the registry says no')
  t.same(found(denied), [], 'not where the Secrets could not be read')
  t.same(found({ pods: [pod({ spec, status: ready })], secrets: [] }), [], 'nor where the image is there without it')
  t.end()
})

void t.test('two crashes are enough to tell, unless the database is not there', (t) => {
  const crashing = pod({ status: { containerStatuses: [crashed(2, {})] } })
  t.match(found({ pods: [crashing] }), [{ id: 'crash-loop', title: 'Container scheduler of Deployment airflow-scheduler keeps crashing' }])
  const objects = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 0)]
  t.same(found({ pods: [crashing], workloads: objects, record: release({ objects: objects.map(inManifest) }) }), [])
  t.same(found({ pods: [pod({ status: { containerStatuses: [crashed(1, {})] } })] }), [])
  const between = crashed(3, {}, { state: { running: { startedAt: '2023-08-02T10:29:55Z' } } })
  t.match(found({ pods: [pod({ status: { containerStatuses: [between] } })] }), [{ id: 'crash-loop' }], 'and between two of them')
  t.end()
})

void t.test('a program that ends again and again is told also while it is called ready', (t) => {
  // No readiness probe: ready is whatever runs.
  const flapping = (restartCount: number, startedAt: string) => ids({ pods: [pod({ status: { ...ready, containerStatuses: [running({ ready: true, restartCount, state: { running: { startedAt } }, lastState: { terminated: { exitCode: 1, startedAt: '2023-08-02T10:26:00Z', finishedAt: '2023-08-02T10:26:50Z' } } })] } })] })
  t.same(flapping(5, '2023-08-02T10:29:30Z'), ['crash-loop error'])
  t.same(flapping(5, '2023-08-02T10:27:30Z'), [], 'it has run for longer than it did last')
  t.same(flapping(2, '2023-08-02T10:29:30Z'), [], 'and it may have got over two')
  t.end()
})

void t.test('what somebody else runs in the namespace is no matter of the release', (t) => {
  // The lab, official chart: a Deployment my-app beside Airflow, whose program says what a rule listens for, and ends.
  const mine = pod({ name: 'my-app-74f9-abcde', owner: { kind: 'ReplicaSet', name: 'my-app-74f9' }, labels: { 'app': 'mine', 'pod-template-hash': '74f9' }, status: { containerStatuses: [crashed(4, {}, { name: 'app' })] } })
  const airflow = deployment('airflow-scheduler', 1)
  const logs = [{ namespace: 'airflow', pod: mine.metadata.name, container: 'app', previous: false, lines: ['FATAL:  password authentication failed for user "airflow"', 'pods is forbidden: User "system:serviceaccount:airflow:mine" cannot list resource "pods" in API group "" in the namespace "airflow"'] }]
  const all = { pods: [mine], workloads: [airflow, deployment('my-app', 0)], logs, record: release({ objects: [inManifest(airflow)] }), autoscalers: [] }
  t.same(diagnose(evidence(all)).findings.map(({ id, severity }) => `${id} ${severity}`).filter((one) => !one.startsWith('release-not-airstrips')), [])
  const bare = { ...mine, metadata: { name: 'other-app', namespace: 'airflow', labels: { app: 'other' } } }
  t.same(diagnose(evidence({ ...all, pods: [bare], logs: logs.map((log) => ({ ...log, pod: 'other-app' })) })).findings.map(({ id }) => id).filter((id) => id !== 'release-not-airstrips'), [], 'nor a pod that nothing makes again')
  const own = { ...all, workloads: [deployment('airflow-scheduler', 0)], pods: [pod({ status: { containerStatuses: [crashed(4, {})] } })], logs: [] }
  t.match(found(own), [{ id: 'crash-loop' }], 'its own is')
  t.end()
})

void t.test('what waits for the database is not told, a command that is not there is', (t) => {
  const init = (fields: Record<string, unknown>, name = 'wait-for-airflow-migrations') => pod({ status: { phase: 'Pending', initContainerStatuses: [crashed(5, fields, { name })], containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })] } })
  t.same(found({ pods: [init({})] }), [])
  t.match(found({ pods: [init({ exitCode: 127 })] }), [{ id: 'crash-loop' }])
  t.match(found({ pods: [init({}, 'init-plugins')] }), [{ id: 'crash-loop', title: /init-plugins/ }])
  t.end()
})

void t.test('killed for memory is a warning once, and an error when it comes again', (t) => {
  const ended = { lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: '2023-08-02T10:25:00Z' } } }
  t.same(ids({ pods: [pod({ status: { ...ready, containerStatuses: [running({ ready: true, restartCount: 1, ...ended })] } })] }), ['oom-killed warning'])
  t.same(ids({ pods: [pod({ status: { containerStatuses: [running({ restartCount: 3, ...ended })] } })] }), ['oom-killed error'])
  t.same(ids({ pods: [pod({ status: { containerStatuses: [running({ name: 'webserver', restartCount: 3, ...ended })] } })] }), ['webserver-oom-or-slow-start error'])
  t.match(found(said('[2023-08-02 10:29:40 +0000] [42] [ERROR] Worker (pid:57) was sent SIGKILL! Perhaps out of memory?', 'webserver')), [{ id: 'webserver-oom-or-slow-start' }])
  t.match(found(said('[2023-08-02 10:29:40 +0000] [31] [WARNING] Worker with pid 31 was terminated due to signal 9', 'webserver')), [{ id: 'webserver-oom-or-slow-start', title: /killed for want of memory/ }], 'in the words of gunicorn 20')
  t.end()
})

void t.test('of a Job that Helm gave up the first end tells, of one that it waits for none', (t) => {
  const ended = { exitCode: 1, startedAt: '2023-08-02T10:29:00Z', finishedAt: '2023-08-02T10:29:05Z' }
  const one = (restarts: number) => pod({ name: 'airflow-run-airflow-migrations-x', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, labels: {}, status: { phase: 'Running', containerStatuses: [crashed(restarts, ended, { name: 'run-airflow-migrations' })] } })
  const of = (restarts: number, status: string) => found({ pods: [one(restarts)], record: release({ status, description: 'Upgrade "airflow" failed: context canceled' }) }).map(({ id }) => id)
  t.same(of(1, 'failed'), ['crash-loop'])
  t.same(of(1, 'pending-upgrade'), [])
  t.end()
})

void t.test('a pod that was made without the token of its account is told, with how it gets one', (t) => {
  const line = 'kubernetes.config.config_exception.ConfigException: Service token file does not exists.'
  const made = (volumeMounts: object[]) => pod({ spec: { serviceAccountName: 'airflow-scheduler', containers: [{ name: 'scheduler', volumeMounts }] }, status: { containerStatuses: [crashed(4, {})] } })
  const look = (one: ReturnType<typeof made>) => found({ ...said(line, 'scheduler', one), pods: [one] })
  t.match(look(made([{ name: 'dags', mountPath: '/opt/airflow/dags' }])), [
    { id: 'k8s-executor-forbidden', title: 'Deployment airflow-scheduler has no token of its service account airflow-scheduler', fix: [/^kubectl -n airflow patch serviceaccount airflow-scheduler -p '\{"automountServiceAccountToken":true\}' && kubectl -n airflow rollout restart deployment\/airflow-scheduler/] },
    { id: 'crash-loop', causes: [{ id: 'k8s-executor-forbidden' }] },
  ])
  t.equal(look(made([]))[0]?.id, 'k8s-executor-forbidden', 'one that mounts nothing')
  t.match(look(made([{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }])), [{ id: 'crash-loop' }], 'one that has it')
  t.end()
})

const forbidden = 'HTTP response body: {"kind":"Status","message":"pods is forbidden: User \\"system:serviceaccount:airflow:airflow-scheduler\\" cannot list resource \\"pods\\" in API group \\"\\" in the namespace \\"airflow\\""}'

void t.test('an image for another CPU, a broken DAG and logs out of reach are told from logs', (t) => {
  t.match(found(said('standard_init_linux.go:228: exec user process caused: exec format error')), [{ id: 'wrong-cpu-architecture' }])
  t.match(found(said('exec /usr/bin/dumb-init: exec format error')), [{ id: 'wrong-cpu-architecture' }])
  const init = pod({ spec: { initContainers: [{ name: 'wait-for-airflow-migrations', image: 'me/airflow:mac' }] }, status: { phase: 'Pending', initContainerStatuses: [crashed(1, {}, { name: 'wait-for-airflow-migrations' })] } })
  t.match(found(said('exec /usr/bin/dumb-init: exec format error', 'wait-for-airflow-migrations', init)), [{ id: 'wrong-cpu-architecture', title: /^Image me\/airflow:mac/ }])
  t.match(found(said('[2023-08-02T10:29:40.123+0000] {dagbag.py:347} ERROR - Failed to import: /opt/airflow/dags/etl.py')), [{ id: 'dag-import-error', severity: 'warning', evidence: [/etl.py/, 'file /opt/airflow/dags/etl.py'] }])
  const brokenDags = [{ file: '/opt/airflow/dags/etl.py', said: 'SyntaxError: invalid syntax', at: '2023-08-02T10:29:00.000Z' }]
  t.match(found(evidence({ brokenDags })), [{ id: 'dag-import-error', severity: 'warning', evidence: ['file /opt/airflow/dags/etl.py: SyntaxError: invalid syntax, as its log said at 2023-08-02T10:29:00.000Z'], fix: [/^Mend \/opt\/airflow\/dags\/etl\.py/] }], 'or by the logs folder on the node')
  t.same(found(said('[2023-08-02T09:29:40.123+0000] {dagbag.py:347} ERROR - Failed to import: /opt/airflow/dags/etl.py')), [], 'but not of an hour ago')
  t.match(found(said('*** Could not read served logs: [Errno -2] Name or service not known', 'webserver')), [{ id: 'task-logs-unreachable', severity: 'warning' }])
  t.end()
})

void t.test('logs that are refused with 403 are a matter of keys or clocks, and no pod that is gone', (t) => {
  // Airflow 2.3 to 2.6 asks with httpx and requests, 2.7 to 3 with requests (airflow/utils/log/file_task_handler.py)
  for (const line of [
    'requests.exceptions.HTTPError: 403 Client Error: FORBIDDEN for url: http://airflow-worker-0.airflow-worker.airflow.svc.cluster.local:8793/log/dag_id=etl/run_id=x/task_id=load/attempt=1.log',
    '*** Could not read served logs: Client error \'403 FORBIDDEN\' for url \'http://airflow-scheduler:8793/log/dag_id=etl/attempt=1.log\'',
  ]) t.match(found(said(line, 'webserver')), [{ id: 'webserver-secret-dynamic', severity: 'warning', title: /refuse the webserver the logs of tasks/, evidence: [/403/] }], line.slice(0, 40))
  const both = { ...said('', 'webserver'), logs: [{ namespace: 'airflow', pod: healthy.metadata.name, container: 'webserver', previous: false, lines: ['ERROR - Could not read served logs', 'requests.exceptions.HTTPError: 403 Client Error: FORBIDDEN for url: http://airflow-worker-0:8793/log/x'] }] }
  t.same(ids(both), ['webserver-secret-dynamic warning'])
  t.same(found(said('requests.exceptions.HTTPError: 403 Client Error: FORBIDDEN for url: https://api.example.org/', 'webserver')), [], 'somebody else\'s')
  t.end()
})

void t.test('a pod that does not go is told with what keeps it', (t) => {
  const going = (fields: Record<string, unknown>, deletionTimestamp = '2023-08-02T10:25:00Z') => {
    const one = pod({ owner: { kind: 'StatefulSet', name: 'airflow-worker' } })
    return { ...one, metadata: { ...one.metadata, deletionTimestamp, ...fields } }
  }
  t.match(found({ pods: [going({ finalizers: ['example.org/keep'] })] }), [{ id: 'pod-not-ending', severity: 'error', fix: [/"finalizers":null/] }])
  t.match(found({ pods: [going({})] }), [{ id: 'pod-not-ending', evidence: [/./, 'its node has not ended it'], fix: [/^sudo crictl stopp .*--name '\^airflow-scheduler-\S+\$'\) # on home/] }], 'not by force while it may still write')
  t.match(found({ pods: [going({})], nodes: [] }), [{ evidence: [/./, /is gone$/], fix: [/--force/] }])
  t.match(found({ pods: [going({})], nodes: [node({ conditions: [{ type: 'Ready', status: 'Unknown' }] })] }), [{ evidence: [/./, 'its node home is not ready'], fix: [/--force/] }])
  t.same(found({ pods: [going({}, '2023-08-02T10:29:30Z')] }), [], 'one that is on its way is not')
  t.match(found({ pods: [going({ finalizers: ['example.org/keep'] }, '2023-08-02T10:29:30Z')] }), [{ id: 'pod-not-ending' }], 'nobody takes that long over a finalizer')
  t.end()
})

void t.test('what was edited by hand is told beside the fault, and put back first', (t) => {
  const template = (image: string) => ({ spec: { containers: [{ name: 'scheduler', image }] } })
  const live = deployment('airflow-scheduler', 0)
  const edited = { ...live, metadata: { ...live.metadata, labels: { 'app.kubernetes.io/managed-by': 'Helm' }, annotations: { 'meta.helm.sh/release-name': 'airflow', 'meta.helm.sh/release-namespace': 'airflow' } }, spec: { replicas: 1, template: template('apache/airflow:nope') } }
  const crash = { pods: [pod({ status: { containerStatuses: [crashed(4, {})] } })], workloads: [edited] }
  const record = (image: string) => release({ objects: [{ ...inManifest(live), spec: { replicas: 1, template: template(image) } }] })
  t.match(found({ ...crash, record: record('apache/airflow:2.6.2') }), [{ id: 'crash-loop', evidence: [/exit code 1/, 'Deployment airflow/airflow-scheduler is not as the release has it: spec.template.spec.containers[scheduler].image'], fix: [/^npx tsx run.ts apply/, /logs/] }])
  const added = { ...edited, spec: { replicas: 1, template: { spec: { ...template('apache/airflow:nope').spec, nodeSelector: { disk: 'ssd' } } } } }
  t.match(found({ ...crash, workloads: [added], record: record('apache/airflow:nope') }), [{ evidence: [/exit code 1/, /has it: spec\.template\.spec\.nodeSelector\.disk$/] }])
  const empty = release({ objects: [{ ...inManifest(live), spec: { replicas: 1, template: { spec: { ...template('apache/airflow:nope').spec, nodeSelector: {}, affinity: {}, tolerations: [] } } } }] })
  t.match(found({ ...crash, workloads: [added], record: empty }), [{ evidence: [/exit code 1/, /has it: spec\.template\.spec\.nodeSelector\.disk$/] }], 'as the official chart writes what is empty')
  const taking = { ...edited, spec: { replicas: 1, template: { spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:nope', ports: [{ containerPort: 9, hostPort: 80 }] }] } } } }
  t.match(found({ ...crash, workloads: [taking], record: record('apache/airflow:nope') }), [{ evidence: [/exit code 1/, /containers\[scheduler\]\.ports: hostPort 80$/] }])
  const changed = (spec: object) => found({ ...crash, workloads: [{ ...edited, spec: { replicas: 1, template: { spec: { ...template('apache/airflow:nope').spec, ...spec } } } }], record: record('apache/airflow:nope') })
  t.match(changed({ containers: [{ name: 'scheduler', image: 'apache/airflow:nope' }, { name: 'exporter', image: 'b' }] }), [{ evidence: [/exit code 1/, /has it: spec\.template\.spec\.containers\[exporter\]$/] }])
  t.match(changed({ dnsPolicy: 'None', automountServiceAccountToken: false, hostAliases: [{ ip: '10.0.0.1', hostnames: ['a'] }] }), [{ evidence: [/exit code 1/, /hostAliases, spec\.template\.spec\.automountServiceAccountToken, spec\.template\.spec\.dnsPolicy$/] }])
  t.match(changed({ dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', enableServiceLinks: true }), [{ id: 'crash-loop', fix: [/logs/] }], 'nor what the API server fills in')
  const mounted = (wanted: object[], there: object[]) => {
    const of = (volumeMounts: object[]) => ({ replicas: 1, template: { spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:nope', volumeMounts }] } } })
    return found({ ...crash, workloads: [{ ...edited, spec: of(there) }], record: release({ objects: [{ ...inManifest(live), spec: of(wanted) }] }) })
  }
  const data = { name: 'data', mountPath: '/data' }
  t.match(mounted([data], [{ ...data, subPath: 'old' }]), [{ evidence: [/exit code 1/, /has it: spec\.template\.spec\.containers\[scheduler\]\.volumeMounts\[data\]\.subPath$/] }], 'another folder of the same volume')
  t.match(mounted([data], [data, { ...data, mountPath: '/more' }]), [{ evidence: [/exit code 1/, /volumeMounts\[data\]/] }], 'the same volume in one place more')
  t.match(mounted([{ ...data, subPath: '', readOnly: false }], [data]), [{ id: 'crash-loop', fix: [/logs/] }], 'as charts write what is nothing')
  t.match(found({ ...crash, record: record('apache/airflow:nope') }), [{ id: 'crash-loop', fix: [/logs/] }], 'what is as it was wished is not')
  t.end()
})

void t.test('a task that does not come to run is told by its DAG, as a warning', (t) => {
  const task = (text: string, creationTimestamp = '2023-08-02T10:20:00Z') => {
    const { pods: [one], events } = pulling(text)
    if (one === undefined) throw new Error('there is one')
    const { metadata, ...rest } = one
    return { pods: [{ ...rest, metadata: { ...metadata, creationTimestamp, ownerReferences: [], labels: { kubernetes_executor: 'True', dag_id: 'backup', task_id: 'dump' } } }], events }
  }
  const absent = 'rpc error: code = NotFound desc = failed to pull and unpack image: not found'
  t.match(found(task(absent)), [{ id: 'image-not-found', severity: 'warning', evidence: [/ImagePullBackOff/, /not found/, /is to run task dump of DAG backup$/], fix: [/./, /executor_config/] }])
  t.same(found(task(absent, '2023-08-02T10:29:50Z')), [], 'one that has just been made may still get there')
  t.same(found(task('rpc error: code = Unknown desc = failed to copy: httpReadSeeker: failed open: unexpected EOF')), [], 'nor is one that is tried again')
  t.end()
})

void t.test('what was mended stays in a log: a line without a time of its own has that of the one above it', (t) => {
  const under = (time: string, of = healthy, after = '[2023-08-02T10:25:00.123+0000] {scheduler_job_runner.py:1553} INFO - Resetting orphaned tasks') =>
    found({ pods: [of], logs: [{ namespace: 'airflow', pod: of.metadata.name, container: 'scheduler', previous: false, lines: [`[${time}] {kubernetes_executor.py:114} ERROR - Unknown error in KubernetesJobWatcher. Failing`, forbidden, after] }] }).map(({ id }) => id)
  t.same(under('2023-08-01T12:00:00.123+0000'), [])
  t.same(under('2023-08-02T10:24:00.123+0000'), ['k8s-executor-forbidden'])
  t.same(under('2023-08-01T12:00:00.123+0000', healthy, forbidden), [])
  t.same(under('2023-08-01T12:00:00.123+0000', pod()), ['k8s-executor-forbidden'], 'of a pod that is not ready its last words count')
  t.same(found(said('[2023-08-01 22:57:46 +0000] [52] [ERROR] Worker (pid:42) was sent SIGKILL! Perhaps out of memory?', 'webserver')), [], 'as gunicorn writes the time')
  t.end()
})
