import t from 'tap'
import type { KubernetesObject } from '../../../lib/access.ts'
import { collect } from '../../../lib/doctor/collect/index.ts'
import { explainRelease } from '../../../lib/doctor/explain.ts'
import { keepers } from '../../../lib/doctor/collect/keep.ts'
import { collectLogs, wantedLogs } from '../../../lib/doctor/collect/logs.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { redactWith } from '../../../lib/doctor/redact.ts'
import { claim, container, crashed, deployment, event, inManifest, job, node, now, pod, ready, release, statefulSet, storageClass, volume } from '../observe/objects.ts'
import { reader } from './evidence.ts'

const scope = { namespace: 'airflow', release: 'airflow' }
const running = { state: { running: { startedAt: '2023-08-02T10:28:00Z' } } }

void t.test('everything is collected, each kind alone', async (t) => {
  const objects = [pod({ status: ready }), claim(), deployment('airflow-scheduler', 1), statefulSet('airflow-redis', 1), job({}), node(), storageClass('local-path'), volume()]
  const { reader: scripted, asked } = reader({ objects, release: release() })
  const found = await collect(scripted, scope)
  const lists = asked.flatMap((query) => ('resources' in query ? [query] : []))
  t.ok(lists.every(({ resources }) => resources.length === 1))
  const named = lists.map(({ resources, namespace = '' }) => `${namespace}/${resources[0]}`)
  t.same(named.filter((name, index) => named.indexOf(name) !== index), [], 'and once')
  t.match(found, { pods: { length: 1 }, claims: { length: 1 }, workloads: { length: 2 }, jobs: { length: 1 }, nodes: { length: 1 }, classes: { length: 1 }, volumes: { length: 1 }, unknown: [], record: { name: 'airflow' } })
  t.ok(found.looked.includes('1 pods'))
  t.match(JSON.parse(JSON.stringify(found)), { at: '2023-08-02T10:30:00.000Z' }, 'it survives being written to a file')
})

void t.test('a kind that may not be read costs only itself, and is named', async (t) => {
  const { reader: scripted } = reader({ objects: [node(), volume(), pod({ status: ready })], forbidden: ['storageclasses.storage.k8s.io', 'events', 'secrets'] })
  const found = await collect(scripted, scope)
  t.match(found, { nodes: { length: 1 }, volumes: { length: 1 }, pods: { length: 1 }, classes: undefined })
  t.match(found.unknown, [/^events in airflow could not be read: events is forbidden/, /^storageclasses/, /record of Helm release airflow\/airflow/, /^secrets in airflow/, /^events in kube-system/])
  t.notMatch(found.unknown.join(), /\n/)
})

void t.test('logs come from what crashed or is not ready, both runs where there are two', (t) => {
  const names = (status: Record<string, unknown>) => wantedLogs([pod({ status })], now).map(({ container: name, previous }) => `${name}${previous ? ' previous' : ''}`)
  t.same(names({ containerStatuses: [crashed(3, {})] }), ['scheduler'], 'in back-off the plain log is the run before')
  t.same(names({ containerStatuses: [crashed(3, {}, running)] }), ['scheduler', 'scheduler previous'])
  t.same(names({ containerStatuses: [container(running)] }), ['scheduler'])
  t.same(names({ containerStatuses: [container({ ...running, restartCount: 1 })] }), ['scheduler', 'scheduler previous'], 'a restart whose end its status does not have')
  t.same(names({ containerStatuses: [container()] }), [], 'nothing has run yet')
  t.same(names({ ...ready, containerStatuses: [crashed(3, {}, { ready: true })] }), [], 'a ready pod')
  const last = { terminated: { exitCode: 1, startedAt: '2023-08-02T10:27:20Z', finishedAt: '2023-08-02T10:28:00Z' } }
  t.same(names({ ...ready, containerStatuses: [container({ ready: true, restartCount: 3, state: { running: { startedAt: '2023-08-02T10:29:40Z' } }, lastState: last })] }), ['scheduler', 'scheduler previous'], 'one that is called ready between two ends')
  const ofJob = (status: Record<string, unknown>) => wantedLogs([pod({ name: 'migrations-x', owner: { kind: 'Job', name: 'migrations' }, status })], now).map(({ previous }) => previous)
  t.same(ofJob({ ...ready, phase: 'Running', containerStatuses: [crashed(1, {}, { ...running, ready: true })] }), [false, true], 'a Job is on its way until its pod has ended, called ready or not')
  t.same(ofJob({ ...ready, phase: 'Running', containerStatuses: [container({ ...running, ready: true })] }), [false])
  t.same(ofJob({ phase: 'Succeeded', containerStatuses: [container({ state: { terminated: { exitCode: 0 } } })] }), [])
  t.same(wantedLogs([pod({ labels: { kubernetes_executor: 'True' }, status: { phase: 'Failed', containerStatuses: [container({ state: { terminated: { exitCode: 1 } } })] } })], now), [], 'a task')
  t.end()
})

void t.test('logs are bounded: replicas fail alike, crashed ones come first, twelve are enough', (t) => {
  const replicas = ['a', 'b', 'c'].map((name) => pod({ name, status: { containerStatuses: [crashed(3, {})] } }))
  t.equal(wantedLogs(replicas, now).length, 1)
  const going = { ...pod({ name: 'old', status: { containerStatuses: [crashed(3, {})] } }) }
  t.match(wantedLogs([{ ...going, metadata: { ...going.metadata, deletionTimestamp: '2023-08-02T10:30:00Z' } }, ...replicas], now), [{ pod: 'a' }], 'of one that stays')
  const many = Array.from({ length: 30 }, (_, i) => pod({ name: `p${i}`, owner: { kind: 'Job', name: `j${i}` }, status: { containerStatuses: [i === 29 ? crashed(3, {}) : container(running)] } }))
  const wanted = wantedLogs(many, now)
  t.equal(wanted.length, 12)
  t.match(wanted, [{ pod: 'p29', lines: 20 }])
  t.end()
})

void t.test('a log that cannot be read is named, an empty one is left out', async (t) => {
  const pods = [pod({ status: { containerStatuses: [container(running)] } })]
  t.match(await collectLogs(reader({}).reader, { pods, system: [] }, (text) => text), { logs: [], unknown: [/^the log of airflow-scheduler-.*, container scheduler, could not be read/] })
  t.same(await collectLogs(reader({ logs: () => '\n' }).reader, { pods, system: [] }, (text) => text), { logs: [], unknown: [] })
})

void t.test('what ended is heard although the next run has begun when its log is asked for', async (t) => {
  const logs = ({ previous }: { previous?: boolean }): string => (previous === true ? 'it crashed' : '')
  const said = async (status: object) => (await collectLogs(reader({ logs }).reader, { pods: [pod({ status: { containerStatuses: [status] } })], system: [] }, (text) => text)).logs
  t.match(await said(crashed(1, {})), [{ previous: false, lines: ['it crashed'] }], 'the only one in back-off')
  const ended = { state: { terminated: { exitCode: 1, startedAt: '2023-08-02T10:29:58Z', finishedAt: '2023-08-02T10:30:00Z' } } }
  t.match(await said(container(ended)), [{ previous: true, lines: ['it crashed'] }], 'not yet in back-off')
  const patience = (finishedAt: string) => wantedLogs([pod({ status: { containerStatuses: [crashed(1, { finishedAt })] } })], now).map(({ patient }) => patient)
  t.same([patience('2023-08-02T10:29:42Z'), patience('2023-08-02T09:29:42Z')], [[true], [false]], 'what ended just now is waited for, what is gone since long is not')
  const again = reader({ logs: ({ previous }) => (previous === true ? undefined : 'it crashed again') }).reader
  t.match((await collectLogs(again, { pods: [pod({ status: { containerStatuses: [crashed(1, {})] } })], system: [] }, (text) => text)).logs, [{ previous: false, lines: ['it crashed again'] }], 'nor is the next one lost that has ended, too, when the one before is cleared away')
})

void t.test('a kubelet that gives no log in time is not asked for more, and others are', async (t) => {
  const on = (node: string, index: number) => pod({ name: `${node}-${index}`, spec: { nodeName: node }, owner: { kind: 'Job', name: `${node}-${index}` }, status: { containerStatuses: [container(running)] } })
  const pods = [...Array.from({ length: 8 }, (_, index) => on('hangs', index)), on('well', 0)]
  const asked: string[] = []
  let slow = false
  const logs = ({ pod: name }: { pod: string }): string => {
    asked.push(name)
    if (name.startsWith('well') || (slow && name === 'hangs-3')) return 'it runs'
    throw new AirstripError('TIMEOUT', 'The kubelet gave no log within 8 s.')
  }
  const found = await collectLogs(reader({ logs }).reader, { pods, system: [] }, (text) => text)
  t.match(found.logs, [{ pod: 'well-0', lines: ['it runs'] }])
  t.equal(asked.length, 7, 'six at once, and the other node')
  t.match(found.unknown.slice(-2), [/^the log of hangs-6, container scheduler, was not asked for: the kubelet of hangs gives none$/, /hangs-7/])
  slow = true
  asked.length = 0
  await collectLogs(reader({ logs }).reader, { pods, system: [] }, (text) => text)
  t.equal(asked.length, 9, 'one that answers anything is asked for all')
})

void t.test('no secret is in the evidence: not in logs, events or last words', async (t) => {
  const secret = 'hunter2hunter2'
  const talkative = pod({
    status: { containerStatuses: [crashed(5, { message: `bad password ${secret}` }, { state: { waiting: { reason: 'CrashLoopBackOff' } } })] },
  })
  const events = [event(talkative, 'Unhealthy', `Readiness probe failed: ${secret}`)]
  const logs = () => `connecting\npostgresql://postgres:unknown1@airflow-postgresql:5432\nkey ${secret}`
  const { reader: scripted } = reader({ objects: [talkative, ...events], logs, release: release() })
  const found = await collect(scripted, { ...scope, redact: (text) => text.replaceAll(secret, '***') })
  t.notMatch(JSON.stringify(found), secret)
  t.match(found.logs, [{ container: 'scheduler', lines: ['connecting', 'postgresql://postgres:••••••@airflow-postgresql:5432', 'key ***'] }])
})

void t.test('what looks like a secret is taken out, what only speaks of one stays', (t) => {
  const redact = redactWith()
  const hidden = ['redis://:hunter2@airflow-redis:6379/0', 'AIRFLOW__CORE__FERNET_KEY=hunter2', '{"password": "hunter2"}', 'webserver_secret_key: hunter2', 'Authorization: Bearer hunter2hunter2']
  for (const text of hidden) t.notMatch(redact(text), /hunter2/, text)
  const plain = ['FATAL: password authentication failed for user "postgres"', 'secret "airflow-fernet-key" not found', 'GET http://10.0.0.1:8080/health', 'couldn\'t find key connection in Secret airflow/airflow-metadata', 'connects with password authentication', 'log in with password or token', 'pulls with secret regcred', 'using secret airflow-ssh-secret', 'Password (optional):', 'password [default: none]', 'using token audience', 'with password complexity', 'with key manual__2023-08-02T10:29:40']
  for (const text of plain) t.equal(redact(text), text)
  t.end()
})

void t.test('an explanation has reasons, events and log lines, and says what it could not read', async (t) => {
  const crashing = pod({ status: { containerStatuses: [crashed(2, {})] } })
  const objects = [deployment('airflow-scheduler', 0), crashing, event(crashing, 'BackOff', 'Back-off restarting failed container')]
  const { reader: scripted } = reader({ objects, logs: () => 'ImportError: no module named airflow', release: release({ objects: [inManifest(deployment('airflow-scheduler', 0))] }), forbidden: ['nodes'] })
  t.match(await explainRelease('airflow', 'airflow', scripted), [
    /^Deployment airflow\/airflow-scheduler: 0\/1 available; Pod .*CrashLoopBackOff/,
    /^ {2}event: Pod airflow\/airflow-scheduler-6d5b9c7f9-x2x4z: BackOff \(3 times\): Back-off/,
    '  last log lines of airflow-scheduler-6d5b9c7f9-x2x4z/scheduler:',
    '    ImportError: no module named airflow',
    /^nodes could not be read/,
  ])
})

void t.test('of arguments and Middlewares only what is known to be no secret is kept', (t) => {
  const keep = keepers({})
  const args = ['--entrypoints.web.address=:80', '--certificatesresolvers.le.acme.email=me@example.org', '--certificatesresolvers.le.acme.storage=/data/acme.json', '--providers.kubernetescrd.token=hunter2', '--api=true', '--password', 'hunter2', 'bash', '-c', 'exec airflow webserver']
  const kept = keep.workload({ ...deployment('traefik', 1), spec: { template: { spec: { containers: [{ name: 'traefik', args }] } } } })
  t.match(kept, { spec: { template: { spec: { containers: [{ args: ['--entrypoints.web.address=:80', '--certificatesresolvers.le.acme.email=••••••', '--certificatesresolvers.le.acme.storage=/data/acme.json', '--providers.kubernetescrd.token=••••••', '--api=true', '--password', '••••••', 'bash', '-c', 'exec airflow webserver'] }] } } } })
  const middleware = { apiVersion: 'traefik.io/v1alpha1', kind: 'Middleware', metadata: { name: 'a' }, spec: { stripPrefix: { prefixes: ['/airflow'] }, headers: { customRequestHeaders: { Authorization: 'hunter2' } } } }
  t.same(keep.middleware(middleware).spec, { stripPrefix: { prefixes: ['/airflow'] }, headers: {} })
  t.end()
})

void t.test('of Traefik\'s log only complaints are kept, from far back: it may hold every request', async (t) => {
  const traefik = { ...pod({ name: 'traefik-1', spec: { containers: [{ name: 'traefik', image: 'traefik:v2.9' }] }, status: ready }) }
  const said = ['10.0.0.1 - - [02/Aug/2023] "GET /?token=hunter2 HTTP/2.0" 404 19', 'level=info msg=started', 'level=error msg="middleware does not exist"', '2023-08-02T10:00:00Z ERR error="service not found"', '{"level":"warn","message":"x"}', 'E0802 10:29:50.123456       1 reflector.go:138] k8s.io/client-go@v0.22.1/tools/cache/reflector.go:167: Failed to watch *v1alpha1.IngressRoute', 'W0802 10:29:50.123456       1 reflector.go:561] failed to list *v1alpha1.IngressRoute']
  const { logs } = await collectLogs(reader({ logs: ({ lines }) => (lines === 500 ? said.join('\n') : '') }).reader, { pods: [], system: [traefik] }, (text) => text)
  t.match(logs, [{ lines: said.slice(2) }])
})

void t.test('of a ConfigMap its keys are kept, who wrote it last, and whether a value is as the release has it', (t) => {
  const marks = new Map<string, number>()
  const keep = keepers({ marks })
  const map = (cfg: string, managedFields: object[] = []): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'airflow-config', namespace: 'airflow', managedFields }, data: { 'airflow.cfg': cfg, 'known_hosts': 'canary-host' } })
  const byHand = { manager: 'kubectl-edit', operation: 'Update', time: '2023-08-02T10:20:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:airflow.cfg': {} } } }
  const [made, same, edited] = [map('canary-one'), map('canary-one'), map('canary-two', [byHand])].map((one) => keep.keysOnly(one))
  t.same(made?.marks, same?.marks)
  t.match(edited, { keys: ['airflow.cfg', 'known_hosts'], marks: { 'airflow.cfg': 3, 'known_hosts': 2 }, written: { by: 'kubectl-edit', at: '2023-08-02T10:20:00Z' } })
  t.match(made, { marks: { 'airflow.cfg': 1, 'known_hosts': 2 } })
  t.notMatch(JSON.stringify([made, edited]), /canary/)
  t.end()
})
