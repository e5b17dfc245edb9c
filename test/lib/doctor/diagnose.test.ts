import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import { unready } from '../../../lib/doctor/unready.ts'
import { claim, container, crashed, deployment, event, inManifest, job, node, pod, ready, release, statefulSet, storageClass, unplaced, workload } from '../observe/objects.ts'
import { evidence, long } from './evidence.ts'

const good = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 1)]
const lonely = claim()
const postgres = statefulSet('airflow-postgresql', 0)
const postgresPod = pod({
  name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {},
  spec: { nodeName: undefined, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] },
  status: unplaced('0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.'),
})
const timedOut = 'failed post-install: 1 error occurred:\n\t* timed out waiting for the condition'
const failedJob = job({ failed: 7, conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'limit' }] })
const hook = { ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install'], deletePolicies: [], phase: 'Failed' }

function of(objects: typeof good, parts: Parameters<typeof evidence>[0] = {}, record: Parameters<typeof release>[0] = {}) {
  return evidence({ workloads: objects, record: release({ objects: objects.map(inManifest), updatedAt: long, ...record }), ...parts })
}

void t.test('a good release is healthy, with what was looked at', (t) => {
  t.match(diagnose(of(good, { looked: ['2 × Pod'] })), { healthy: true, findings: [], unknown: [], looked: ['2 × Pod'] })
  t.end()
})

void t.test('what could not be read is never health', (t) => {
  t.match(diagnose(of(good, { unknown: ['events could not be read'] })), { healthy: false, findings: [], unknown: ['events could not be read'] })
  const broke = diagnose(of(good), [], [function nonsense(): never { throw new Error('no such field') }])
  t.match(broke, { healthy: false, unknown: ['rule nonsense broke: no such field'] })
  t.end()
})

void t.test('the root cause is first, and what follows from it names it as its cause', (t) => {
  const parts = { claims: [lonely], pods: [postgresPod], jobs: [failedJob], events: [event(lonely, 'FailedBinding', 'no storage class is set')] }
  const { healthy, findings } = diagnose(of([postgres], parts, { status: 'failed', description: timedOut, hooks: [hook] }))
  t.equal(healthy, false)
  t.same(findings.map(({ id, causes = [] }) => [id, causes.map((cause) => cause.id)]), [
    ['pvc-no-usable-storageclass', []],
    ['job-failed', ['pvc-no-usable-storageclass']],
    ['post-install-hook-timeout', ['pvc-no-usable-storageclass']],
  ])
  t.end()
})

void t.test('a start is not an alarm: nothing can have been broken for longer than it is there', (t) => {
  const young = { ...lonely, metadata: { ...lonely.metadata, creationTimestamp: '2023-08-02T10:29:55Z' } }
  const record = { status: 'pending-install', updatedAt: '2023-08-02T10:29:50Z' }
  const starting = diagnose(of([postgres], { claims: [young], pods: [postgresPod] }, record))
  t.match(starting, { healthy: true, findings: [], looked: [], onTheirWay: [/^StatefulSet airflow\/airflow-postgresql/] })
  t.match(diagnose(of([postgres], { claims: [lonely], pods: [postgresPod] }, record)), { healthy: false, findings: [{ id: 'pvc-no-usable-storageclass' }] })
  t.end()
})

void t.test('several independent causes are all named, the deeper ones first', (t) => {
  const image = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ErrImagePull', message: 'manifest unknown' } } })] } })
  const parts = { claims: [lonely], pods: [postgresPod, image], nodes: [node({ conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] })] }
  const { findings } = diagnose(of([postgres, deployment('airflow-scheduler', 0)], parts))
  t.same(findings.map(({ id }) => id), ['node-not-ready', 'pvc-no-usable-storageclass', 'image-not-found'])
  t.end()
})

void t.test('a crash carries the last words of its container', (t) => {
  const crashing = pod({ status: { containerStatuses: [crashed(6, {})] } })
  const logs = [{ namespace: 'airflow', pod: crashing.metadata.name, container: 'scheduler', previous: false, lines: ['a', 'b', 'c', 'd', 'e', 'f: AirflowConfigException'] }]
  const { findings, onTheirWay } = diagnose(of([...good.slice(0, 1), deployment('airflow-scheduler', 0)], { pods: [crashing], logs }))
  t.same(onTheirWay, [], 'what is wrong is not on its way besides')
  t.match(findings, [{ id: 'crash-loop', evidence: [/exit code 1/, /b$/, /c$/, /d$/, /e$/, /scheduler: f: AirflowConfigException/] }])
  t.end()
})

void t.test('doctor names a crash whose next try is minutes away', (t) => {
  const crashing = pod({ status: { containerStatuses: [crashed(6, { startedAt: '2023-08-02T10:26:00Z', finishedAt: '2023-08-02T10:26:05Z' })] } })
  const young = { ...crashing, metadata: { ...crashing.metadata, creationTimestamp: '2023-08-02T10:25:30Z' } }
  t.match(diagnose(of([...good.slice(0, 1), deployment('airflow-scheduler', 0)], { pods: [young] })), { findings: [{ id: 'crash-loop' }] })
  t.end()
})

void t.test('a fault outside the catalogue is told with all there is, once it is old', (t) => {
  const slow = pod({ status: { containerStatuses: [container({ state: { running: {} } })] } })
  const old = { ...slow, metadata: { ...slow.metadata, creationTimestamp: long } }
  const starting = diagnose(of([deployment('airflow-scheduler', 0)], { pods: [{ ...slow, metadata: { ...slow.metadata, creationTimestamp: '2023-08-02T10:25:00Z' } }] }))
  t.match(starting, { healthy: true, findings: [] })
  t.match(diagnose(of([deployment('airflow-scheduler', 0)], { pods: [old] })), { healthy: false, findings: [{ id: 'not-ready-unexplained', evidence: [/^Deployment airflow\/airflow-scheduler: 0\/1 available/] }] })
  // kubectl rollout restart, eight seconds ago: a new ReplicaSet, and no new pod yet (a quota was in the way).
  const rolled = deployment('airflow-scheduler', 1)
  const status = { ...(rolled.status as object), updatedReplicas: 0, conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', lastUpdateTime: '2023-08-02T10:29:52Z' }, { type: 'Available', status: 'True', lastTransitionTime: long }] }
  const running = pod({ status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: long } } })] } })
  t.match(diagnose(of([{ ...rolled, status }], { pods: [{ ...running, metadata: { ...running.metadata, creationTimestamp: long } }] })), { healthy: true, findings: [] }, 'a rollout that has just begun')
  t.end()
})

void t.test('a StatefulSet whose old pod still ends its work waits for nobody else', (t) => {
  const [old, deletionGracePeriodSeconds] = ['2023-07-20T09:00:00Z', 600]
  const set = workload('StatefulSet', 'airflow-worker', { replicas: 1, readyReplicas: 1, currentReplicas: 1, updatedReplicas: 0, currentRevision: 'airflow-worker-a', updateRevision: 'airflow-worker-b' })
  const one = pod({ name: 'airflow-worker-0', owner: { kind: 'StatefulSet', name: 'airflow-worker' }, labels: { 'controller-revision-hash': 'airflow-worker-a' }, status: { ...ready, containerStatuses: [container({ ready: true, state: { running: { startedAt: old } } })] } })
  const told = (fields: object, updatedAt = long) => diagnose(of([...good, { ...set, metadata: { ...set.metadata, creationTimestamp: old } }], { pods: [{ ...one, metadata: { ...one.metadata, creationTimestamp: old, ...fields } }] }, { updatedAt })).findings.map(({ id, causes = [] }) => `${id}${causes.map((cause) => ` under ${cause.id}`).join('')}`)
  t.same(told({ deletionTimestamp: '2023-08-02T10:39:30Z', deletionGracePeriodSeconds }), [])
  t.same(told({ deletionTimestamp: '2023-08-02T10:28:00Z', deletionGracePeriodSeconds }), ['pod-not-ending', 'not-ready-unexplained under pod-not-ending'], 'one that was to be gone')
  t.same(told({}), ['not-ready-unexplained'], 'one that nobody ends')
  t.same(told({}, '2023-08-02T10:29:20Z'), [], 'half a minute after an upgrade')
  t.end()
})

void t.test('what a boot left unready has five minutes, what was edited by hand two', (t) => {
  const since = (lastTransitionTime: string, edit = {}) => {
    const unready = [{ type: 'PodScheduled', status: 'True' }, { type: 'Ready', status: 'False', lastTransitionTime }]
    const web = pod({ status: { phase: 'Running', conditions: unready, containerStatuses: [container({ restartCount: 5, state: { running: { startedAt: lastTransitionTime } }, lastState: { terminated: { exitCode: 255, reason: 'Unknown', startedAt: long, finishedAt: lastTransitionTime } } })] } })
    const want = deployment('airflow-scheduler', 0, [{ type: 'Available', status: 'False', lastTransitionTime }])
    const template = { template: { spec: { containers: [{ name: 'scheduler', image: 'apache/airflow:2.6.2' }] } } }
    const live = { ...want, spec: { ...(want.spec as object), template: { spec: { ...template.template.spec, ...edit } } } }
    return diagnose(evidence({ workloads: [statefulSet('airflow-postgresql', 1), live], pods: [web], record: release({ objects: [inManifest(statefulSet('airflow-postgresql', 1)), { ...inManifest(want), spec: template }], updatedAt: long }) })).findings.map(({ id, severity }) => `${id} ${severity}`)
  }
  t.same(since('2023-08-02T10:27:00Z'), [])
  t.same(since('2023-08-02T10:24:30Z'), ['not-ready-unexplained warning'])
  t.same(since('2023-08-02T10:10:00Z'), ['not-ready-unexplained error'])
  t.same(since('2023-08-02T10:27:00Z', { initContainers: [{ name: 'wait', image: 'apache/airflow:2.6.2', command: ['sleep', '100000'] }] }), ['not-ready-unexplained warning'])
  t.end()
})

void t.test('a Helm that is gone leaves a lock, one that works does not', (t) => {
  const pending = (updatedAt: string) => diagnose(of(good, {}, { status: 'pending-upgrade', updatedAt })).findings
  t.match(pending(long), [{ id: 'helm-pending-lock' }])
  t.same(pending('2023-08-02T10:28:00Z'), [])
  t.end()
})

void t.test('a release that is not there is said, unless its record could not be read', (t) => {
  t.match(diagnose(evidence()), { healthy: false, findings: [{ id: 'release-not-installed' }] })
  t.match(diagnose(evidence({ unknown: ['the record of Helm release airflow/airflow could not be read: no'] })), { healthy: false, findings: [] })
  t.match(diagnose(evidence({ release: undefined })), { healthy: true }, 'or nobody asked for one')
  t.end()
})

void t.test('nodes and classes are judged even where the release is well', (t) => {
  const ids = (parts: Parameters<typeof evidence>[0]) => diagnose(of(good, parts)).findings.map(({ id, severity }) => `${id} ${severity}`)
  t.same(ids({ nodes: [node({ conditions: [{ type: 'Ready', status: 'True' }, { type: 'DiskPressure', status: 'True', message: 'kubelet has disk pressure' }] })] }), ['node-pressure-evicted error'])
  t.same(ids({ nodes: [node({ unschedulable: true })] }), ['node-cordoned error'])
  t.same(ids({ nodes: [node({ unschedulable: true }), node({}, 'other')] }), ['node-cordoned warning'])
  t.same(ids({ classes: [storageClass('local-path', {}, true), storageClass('longhorn', {}, true)] }), ['two-default-storageclasses warning'])
  t.same(ids({ classes: [storageClass('local-path', {}, true)], nodes: undefined }), [])
  t.end()
})

void t.test('without a record everything in the namespace is listed', (t) => {
  const list = unready(evidence({ workloads: [postgres], claims: [claim({}, { phase: 'Bound' })] }))
  t.match(list, [{ object: 'StatefulSet airflow/airflow-postgresql', reason: '0/1 ready', logs: [], events: [] }])
  t.equal(list.length, 1)
  t.match(diagnose(evidence({ release: undefined, workloads: [postgres], claims: [lonely], pods: [postgresPod] })), { findings: [{ id: 'pvc-no-usable-storageclass' }] }, 'and judged')
  t.end()
})

void t.test('what is said of a claim that a pod waits for is told with the pod\'s owner', (t) => {
  const asked = event(lonely, 'ExternalProvisioning', 'waiting for a volume to be created by external provisioner "example.org/nobody"')
  t.match(unready(of([postgres], { pods: [postgresPod], claims: [lonely], events: [asked] })), [{ events: [/data-airflow-postgresql-0: ExternalProvisioning.*nobody/] }])
  t.end()
})

void t.test('everyday events are left out and the last five kept', (t) => {
  const events = ['Scheduled', 'Pulled', 'A', 'B', 'C', 'D', 'E', 'F'].map((reason) => event(postgres, reason, 'text'))
  t.match(unready(of([postgres], { events: [...events, event(postgres, 'F', 'text')] })), [{ events: [/: B/, /: C/, /: D/, /: E/, /: F/] }])
  t.end()
})

void t.test('what a Job says belongs to it also while its pod runs, which Kubernetes calls ready', (t) => {
  const trying = pod({ name: 'migrations-x', owner: { kind: 'Job', name: 'airflow-run-airflow-migrations' }, labels: {}, status: { ...ready, phase: 'Running', containerStatuses: [crashed(1, {}, { ready: true, state: { running: { startedAt: '2023-08-02T10:29:58Z' } } })] } })
  const logs = [{ namespace: 'airflow', pod: 'migrations-x', container: 'run-airflow-migrations', previous: true, lines: ['told to crash'] }]
  t.match(unready(evidence({ jobs: [job({ active: 1 })], pods: [trying], logs, events: [event(trying, 'BackOff', 'Back-off restarting failed container')] })), [
    { object: 'Job airflow/airflow-run-airflow-migrations', logs: [{ container: /previous run/, lines: ['told to crash'] }], events: [/BackOff/] },
  ])
  t.end()
})
