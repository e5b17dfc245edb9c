import t from 'tap'
import { leftObjects } from '../../../lib/airflow/failed-revision.ts'
import { foreignAdditions, handEdits } from '../../../lib/airflow/hand-edits.ts'
import { withHelmMarks } from '../../../lib/airflow/helm-marks.ts'
import { plannedObjects } from '../../../lib/airflow/planned.ts'
import type { KubernetesObject, ReleaseWish } from '../../../lib/access.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { release } from '../observe/objects.ts'

const name = { name: 'airflow', namespace: 'airflow' }
const wish: ReleaseWish = { ...name, chart: { reference: 'x', version: '1' }, values: {}, timeoutSeconds: 1 }

function deployment(called: string, spec: Record<string, unknown> = { replicas: 1 }, annotations?: Record<string, string>): KubernetesObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: called, namespace: 'airflow', ...(annotations === undefined ? {} : { annotations }) }, spec }
}

const job = (ttl?: number): KubernetesObject => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate', namespace: 'airflow' }, spec: ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl } })
const live = (object: KubernetesObject): KubernetesObject => withHelmMarks(object, name)

/** As an API server keeps it after `kubectl label … foo=bar`. */
function labelled(object: KubernetesObject): KubernetesObject {
  const managedFields = [{ manager: 'kubectl-label', time: '2026-01-01T10:00:00Z', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:foo': {} } } } }]
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, foo: 'bar' }, managedFields } }
}

void t.test('what Helm made and nobody touched is left alone', (t) => {
  const one = deployment('scheduler')
  t.same(handEdits(release({ objects: [one, job(300)] }), [live(one), undefined], []), [], 'and a Job with a time to live may be gone')
  t.end()
})

void t.test('each object that was deleted or edited is one change, with who did it', (t) => {
  const [scheduler, statsd] = [deployment('scheduler'), deployment('statsd')]
  const edits = handEdits(release({ objects: [scheduler, statsd, job()] }), [labelled(live(deployment('scheduler', { replicas: 3 }))), live(statsd), undefined], [])
  t.match(edits, [
    { op: 'patch', live: { metadata: { name: 'scheduler' } }, why: 'spec.replicas, metadata.labels.foo differ; written by kubectl-label at 2026-01-01T10:00:00Z' },
    { op: 'create', want: live(job()) },
  ])
  t.equal(edits.length, 2)
  t.end()
})

void t.test('an object that another release laid its hand on is shown as such', (t) => {
  const one = deployment('scheduler')
  const taken = withHelmMarks(one, { name: 'other', namespace: 'airflow' })
  t.match(handEdits(release({ objects: [one] }), [taken], []), [{ op: 'patch', patch: [{ op: 'test', value: 'other' }, { op: 'replace', path: '/metadata/annotations/meta.helm.sh~1release-name', value: 'airflow' }] }])
  t.end()
})

void t.test('before an upgrade only what was added is taken away: Helm puts back the rest', (t) => {
  const one = deployment('scheduler')
  t.match(foreignAdditions(release({ objects: [one] }), [labelled(live(deployment('scheduler', { replicas: 3 })))], []), [{ op: 'patch', why: /^metadata\.labels\.foo differs/ }])
  t.same(foreignAdditions(release({ objects: [one] }), [undefined], []), [])
  t.end()
})

void t.test('what a revision that failed has added goes before an upgrade that does not want it: Helm would keep it', (t) => {
  const of = (...names: string[]): KubernetesObject => deployment('scheduler', { template: { spec: { containers: [{ name: 'scheduler', env: names.map((one) => ({ name: one, value: '1' })) }] } } })
  const there = live(of('A', 'ROUND'))
  const failedRelease = { ...release({ status: 'failed', objects: [of('A', 'ROUND')] }), base: [of('A')] }
  const goes = (wanted: KubernetesObject[], one = failedRelease) => foreignAdditions(one, [there], [], wanted).flatMap(({ why }) => why)
  t.match(goes([of('A')]), [/env\[ROUND\] differs/])
  t.same(goes([of('A', 'ROUND')]), [], 'what the next one wants as well stays for it')
  t.match(goes([of()]), [/\.env differs/], 'all of the pods at once')
  t.same(goes([]), [], 'a chart that cannot be rendered is refused by Helm')
  const plain = deployment('scheduler', { template: { spec: { containers: [{ name: 'scheduler' }] } } })
  t.match(goes([plain], { ...failedRelease, base: [plain] }), [/env differs/], 'a list that goes whole')
  const mounting = (volumes: string[], mount?: string): KubernetesObject => deployment('scheduler', { template: { spec: { containers: [{ name: 'scheduler', ...(mount === undefined ? {} : { volumeMounts: [{ name: mount, mountPath: '/plugins' }] }) }], volumes: volumes.map((one) => ({ name: one, emptyDir: {} })) } } })
  const [was, trialled] = [mounting(['a'], 'a'), mounting(['a', 'b'], 'b')]
  const [change] = foreignAdditions({ ...release({ status: 'failed', objects: [trialled] }), base: [was] }, [live(trialled)], [], [was])
  t.match(change?.op === 'patch' && change.patch.filter(({ op }) => op !== 'test'), [{ path: /volumeMounts/ }, { op: 'remove', path: '/spec/template/spec/volumes/1' }], 'a volume goes with its mount, or the API server refuses it')
  const trial = { ...job(), spec: { template: { metadata: { labels: { round: '1' } } } } }
  t.same(foreignAdditions({ ...release({ status: 'failed', objects: [trial] }), base: [job()] }, [live(trial)], [], [job()]), [], 'of a Job nobody may change anything')
  t.end()
})

void t.test('what a revision that failed has made goes, too, but for what holds data', (t) => {
  const [scheduler, redis] = [deployment('scheduler'), deployment('redis')]
  const claim: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'redis-db', namespace: 'airflow' } }
  const made = [scheduler, redis, deployment('kept', {}, { 'helm.sh/resource-policy': 'keep' }), claim]
  const failed = { ...release({ status: 'failed', objects: made }), base: [scheduler] }
  const left = (wanted: KubernetesObject[], one = failed) => leftObjects(one, made.map(live), wanted).map((change) => `${change.op} ${change.op === 'delete' ? change.live.metadata.name : ''}`)
  t.same(left([scheduler]), ['delete redis'])
  t.same(left([scheduler, redis]), [], 'what is wanted stays')
  t.same(left([scheduler], { ...failed, base: [scheduler, redis] }), [], 'and what was deployed Helm takes away itself')
  const theirs = withHelmMarks(redis, { name: 'redis', namespace: 'airflow' })
  t.same(leftObjects(failed, [live(scheduler), theirs], [scheduler]), [], 'nor what somebody else has made of that name since')
  t.same(leftObjects(failed, [live(scheduler), redis], [scheduler]), [], 'whoever that was')
  t.same(left([]), [], 'nor does anything go for a chart that cannot be rendered')
  t.same(leftObjects(release({ objects: made }), made.map(live), [scheduler]), [], 'nor of a release that was deployed')
  t.end()
})

void t.test('an upgrade is shown object by object: what comes, what changes, what goes, what runs', async (t) => {
  const old = [deployment('scheduler', { replicas: 1, paused: true }), deployment('worker'), deployment('kept', {}, { 'helm.sh/resource-policy': 'keep' })]
  const hook: KubernetesObject = { ...job(), metadata: { name: 'migrate', namespace: 'airflow', annotations: { 'helm.sh/hook': 'post-install,post-upgrade' } } }
  const rendered = { objects: [deployment('scheduler', { replicas: 2 }), deployment('triggerer')], hooks: [hook] }
  const reader = clusterReader({ objects: old.map(live), rendered })
  const changes = await plannedObjects(wish, release({ objects: old }), reader, new Map())
  t.same(changes.map(({ op, before, after }) => `${op} ${(after ?? before)?.metadata.name ?? ''}`), ['update scheduler', 'create triggerer', 'delete worker', 'run migrate'])
  t.same(changes[0]?.after?.spec, { replicas: 2 })
})

void t.test('an upgrade is laid over what the changes before it leave', async (t) => {
  const scheduler = deployment('scheduler', { replicas: 1 })
  const reader = clusterReader({ objects: [labelled(live(scheduler))], rendered: { objects: [deployment('scheduler', { replicas: 2 })], hooks: [] } })
  const [change] = await plannedObjects(wish, release({ objects: [scheduler] }), reader, new Map([['Deployment airflow/scheduler', live(scheduler)]]))
  t.equal(change?.before?.metadata.labels?.foo, undefined)
})

void t.test('after a failed upgrade what goes is told from the revision that was deployed, as Helm does', async (t) => {
  const [scheduler, redis] = [deployment('scheduler'), deployment('redis')]
  const reader = clusterReader({ objects: [live(scheduler), live(redis)], rendered: { objects: [scheduler], hooks: [] } })
  const failed = release({ status: 'failed', objects: [scheduler], base: [scheduler, redis] })
  t.match(await plannedObjects(wish, failed, reader, new Map()), [{ op: 'delete', before: { metadata: { name: 'redis' } } }])
})

void t.test('what an earlier change takes away is made again, not updated', async (t) => {
  const set = deployment('postgresql')
  const reader = clusterReader({ objects: [live(set)], rendered: { objects: [set], hooks: [] } })
  t.match(await plannedObjects(wish, release({ objects: [set] }), reader, new Map([['Deployment airflow/postgresql', undefined]])), [{ op: 'create' }])
})
