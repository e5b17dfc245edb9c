/** What looked hopeless for a while on the lab, and healed: each of these ended an install that was going well. */
import t from 'tap'
import type { KubernetesObject, ReleaseHook } from '../../../lib/access.ts'
import { saidMissing } from '../../../lib/observe/config-error.ts'
import { surroundings } from '../../../lib/observe/look.ts'
import { observe } from '../../../lib/observe/registry.ts'
import { observePod } from '../../../lib/observe/pod.ts'
import { observeRelease } from '../../../lib/observe/release.ts'
import { reader } from '../doctor/evidence.ts'
import { container, context, crashed, deployment, event, inManifest, job, now, pod, ready, release, statefulSet } from './objects.ts'

const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString()

function pulled(seconds: number, image = 'apache/airflow:2.6.2', owner = 'airflow-scheduler'): { one: KubernetesObject; said: KubernetesObject } {
  const one = pod({ name: `${owner}-6d5b9c7f9-x2x4z`, owner: { kind: 'ReplicaSet', name: `${owner}-6d5b9c7f9` }, spec: { containers: [{ name: 'scheduler', image }] }, status: { phase: 'Pending', containerStatuses: [container({ image, state: { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } } })] } })
  return { one, said: event(one, 'Failed', `Failed to pull image "${image}": rpc error: dial tcp 10.0.0.1:443: connect: connection refused`, { lastTimestamp: ago(seconds) }) }
}

void t.test('a registry is given its next try: what came back between two tries is not seen', (t) => {
  const look = (seconds: number) => {
    const { one, said } = pulled(seconds)
    return observePod(one, context({ events: [said] }))
  }
  t.match(look(10), { state: 'failed', settleMs: 60_000, triedAt: ago(10) })
  t.match(look(30), { state: 'failed', settleMs: 330_000, triedAt: ago(30) }, 'the next try is due within ten seconds')
  t.end()
})

void t.test('two images that are tried in turns are one cause, whichever was tried last', (t) => {
  const objects = [deployment('airflow-scheduler', 0), deployment('airflow-statsd', 0)]
  const look = (first: number, second: number) => {
    const all = [pulled(first), pulled(second, 'statsd-exporter:v0.22', 'airflow-statsd')]
    return observeRelease({ ...context({ pods: all.map(({ one }) => one), events: all.map(({ said }) => said) }), objects, hooks: [], release: release({ objects: objects.map(inManifest) }) })
  }
  for (const [first, second] of [[5, 35], [35, 5]] as const) {
    t.match(look(first, second), { state: 'failed', settleMs: 60_000, findings: [{ title: /airflow:2\.6\.2/ }, { title: /statsd-exporter/ }] })
  }
  t.match(look(35, 35), { state: 'failed', settleMs: 330_000, findings: [{ title: /airflow:2\.6\.2/ }, { title: /statsd-exporter/ }] })
  t.end()
})

void t.test('a refusal is of before where others were let in since, until its own next try', (t) => {
  const refused = job({ active: 0 })
  const message = 'Error creating: pods "airflow-run-airflow-migrations-x" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0'
  const look = (seconds: number, pods: KubernetesObject[]) => observe(refused, context({ pods, events: [event(refused, 'FailedCreate', message, { lastTimestamp: ago(seconds) })] }))
  const made = (seconds: number, fields: Parameters<typeof pod>[0] = {}): KubernetesObject => {
    const one = pod({ status: ready, ...fields })
    return { ...one, metadata: { ...one.metadata, creationTimestamp: ago(seconds) } }
  }
  t.match(look(15, [made(60)]), { state: 'failed', finding: { id: 'quota-exceeded' } })
  t.match(look(15, [made(3)]), { state: 'waiting', reason: /could not make a pod, as others could since then: Error creating/ })
  t.match(look(1, [made(3)]), { state: 'failed' }, 'it was refused again')
  t.match(look(15, [made(3, { labels: { kubernetes_executor: 'True' } })]), { state: 'failed' }, 'tasks come and go')
  t.match(look(15, [made(3, { owner: { kind: 'Job', name: 'cron-28' } })]), { state: 'failed' }, 'and so do Jobs')
  t.match(look(100, [made(3)]), { state: 'failed' }, 'by now it would have been tried again')
  const other = (said: string) => observe(refused, context({ pods: [made(3)], events: [event(refused, 'FailedCreate', said, { lastTimestamp: ago(15) })] }))
  t.match(other('Error creating: pods "airflow-run-airflow-migrations-" is forbidden: error looking up service account airflow/migrate: serviceaccount "migrate" not found'), { state: 'failed', finding: { id: 'service-account-missing' } }, 'which others do not need')
  t.match(other('Error creating: admission webhook "policy.example.org" denied the request: not now'), { state: 'waiting' })
  t.end()
})

const hook = (fields: Partial<ReleaseHook>): ReleaseHook => ({ ref: { apiVersion: 'batch/v1', kind: 'Job', name: 'airflow-run-airflow-migrations', namespace: 'airflow' }, events: ['post-install'], deletePolicies: [], phase: 'Succeeded', ...fields })

void t.test('what crashed before the migrations were done, or the database was there, is waited for until its next try', (t) => {
  const objects = [statefulSet('airflow-postgresql', 1), deployment('airflow-scheduler', 0)]
  const crashing = pod({ status: { containerStatuses: [crashed(5, { startedAt: ago(48), finishedAt: ago(40) })] } })
  const database = (since: string): KubernetesObject => pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] } })
  const look = (hooks: ReleaseHook[], more: KubernetesObject[] = [], parts: Partial<Parameters<typeof observeRelease>[0]> = {}) =>
    observeRelease({ ...context({ pods: [crashing, ...more] }), objects, hooks: [], release: release({ objects: objects.map(inManifest), hooks }), ...parts })
  t.match(look([hook({ endedAt: ago(10) })]), { state: 'waiting', on: [{ object: 'Deployment airflow/airflow-scheduler', reason: /^crashed before what it stands on/ }] })
  t.match(look([hook({ endedAt: ago(60) })]), { state: 'failed', findings: [{ id: 'crash-loop' }] }, 'it was there already')
  t.match(look([hook({ phase: 'Failed', endedAt: ago(10) })]), { state: 'failed' }, 'nothing was done that could help')
  t.match(look([], [database(ago(10))]), { state: 'waiting' })
  t.match(look([hook({ events: ['test'], endedAt: ago(10) })]), { state: 'failed' }, 'helm test')
  const old = pod({ status: { containerStatuses: [crashed(5, { startedAt: ago(408), finishedAt: ago(400) })] } })
  t.match(observeRelease({ ...context({ pods: [old] }), objects, hooks: [], release: release({ objects: objects.map(inManifest), hooks: [hook({ endedAt: ago(340) })] }) }), { state: 'failed' }, 'by now it would have been started again')
  t.match(look([], [database(ago(60))]), { state: 'failed', findings: [{ id: 'crash-loop' }] })
  const ordinary = { ...job({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }], completionTime: ago(10) }) }
  t.match(look([], [], { objects: [...objects, ordinary], release: release({ objects: [...objects, ordinary].map(inManifest) }) }), { state: 'waiting' }, 'a Job that is no hook')
  t.end()
})

void t.test('a database that was scaled to no pod ends the wait, a program that was is for its autoscaler to say', (t) => {
  const none = (object: KubernetesObject): KubernetesObject => ({ ...object, spec: { replicas: 0 } })
  const objects = [statefulSet('airflow-postgresql', 0), deployment('airflow-scheduler', 0)]
  const look = (live: KubernetesObject[], wanted = 1) => observeRelease({ ...context(), objects: live, hooks: [], release: release({ status: 'pending-install', objects: objects.map((one) => ({ ...inManifest(one), spec: { replicas: wanted } })) }) })
  t.match(look(objects.map(none)), { state: 'failed', settleMs: 30_000, findings: [{ id: 'scaled-to-zero', title: 'StatefulSet airflow/airflow-postgresql is scaled to no pod', fix: ['kubectl -n airflow scale statefulset airflow-postgresql --replicas=1', /apply/] }] })
  t.match(look([...objects.slice(0, 1), ...objects.slice(1).map(none)]), { state: 'waiting' })
  t.match(look(objects.map(none), 0), { state: 'waiting' }, 'so it is wanted')
  t.end()
})

void t.test('beside what is failed Helm is still said to be at work', (t) => {
  const objects = [{ ...statefulSet('airflow-postgresql', 0), spec: { replicas: 0 } }]
  const look = observeRelease({ ...context(), objects, hooks: [], release: release({ status: 'pending-install', objects: objects.map(inManifest) }) })
  t.match(look, { state: 'failed', on: [{ object: 'StatefulSet airflow/airflow-postgresql' }, { object: 'Helm release airflow/airflow', reason: 'is pending-install' }] })
  t.end()
})

void t.test('what a pod lacked when the kubelet looked last, and what is there by now, is waited for', async (t) => {
  const said = 'secret "late" not found'
  const one = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message: said } } })] } })
  const mounting = pod({ name: 'airflow-triggerer-0', status: { phase: 'Pending', containerStatuses: [container()] } })
  const mount = event(mounting, 'FailedMount', 'MountVolume.SetUp failed for volume "more" : configmap "later" not found')
  const pods = [one, mounting]
  t.match(saidMissing(pods, [mount]), [{ kind: 'Secret', name: 'late', namespace: 'airflow' }, { kind: 'ConfigMap', name: 'later', namespace: 'airflow' }])
  t.match(pods.map((object) => observePod(object, context({ events: [mount] })).state), ['failed', 'failed'])
  const present = ['Secret airflow/late', 'ConfigMap airflow/later']
  t.match(pods.map((object) => observePod(object, context({ events: [mount], present }))), [{ state: 'waiting', reason: /Secret airflow\/late is there by now/ }, { state: 'waiting', reason: /ConfigMap airflow\/later is there by now/ }])
  const keyless = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'couldn\'t find key other in Secret airflow/late' } } })] } })
  t.match(observePod(keyless, context({ present })), { state: 'failed' }, 'it is there, and what is wanted of it is not')
  const late: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'late', namespace: 'airflow' } }
  t.match(await surroundings(['airflow'], reader({ objects: [one, mounting, mount, late] }).reader), { present: ['Secret airflow/late'] })
  t.match(await surroundings(['airflow'], { ...reader({ objects: [one, mount] }).reader, get: () => Promise.reject(new Error('secrets is forbidden')) }), { present: [] }, 'who may not ask goes by what the kubelet said')
})
