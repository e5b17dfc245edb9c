import t from 'tap'
import { consumersOf, observeClaim, waitsForConsumer } from '../../../lib/observe/claim.ts'
import { observeVolume } from '../../../lib/observe/volume.ts'
import { type Deleted, deletedVolumes, keeperOf } from '../../../lib/observe/volume-leaving.ts'
import { airflowStorage, claim, context, event, logsClaim, pod, storageClass, volume } from './objects.ts'

const localPath = storageClass('local-path', {}, true)
const noClass = 'no persistent volumes available for this claim and no storage class is set'

void t.test('a bound claim is done', (t) => {
  t.match(observeClaim(claim({ volumeName: 'pvc-1' }, { phase: 'Bound' }), context()), { state: 'done', evidence: /pvc-1/ })
  t.end()
})

void t.test('a claim without a class on a cluster without a default never binds', (t) => {
  const lonely = claim()
  const look = observeClaim(lonely, context({ events: [event(lonely, 'FailedBinding', noClass, { type: 'Normal' })] }))
  t.match(look, { state: 'failed', settleMs: 10_000, finding: { id: 'pvc-no-usable-storageclass', evidence: [/is Pending/, /no storage class is set/, /default/] } })
  t.match(observeClaim(lonely, context()), { state: 'failed' }, 'even when the event is gone after its hour')
  t.match(observeClaim(lonely, context({ classes: [storageClass('local-path')] })), { state: 'failed' }, 'a class that is not the default does not help')
  t.end()
})

void t.test('without a list of classes only the controller is believed', (t) => {
  const lonely = claim()
  t.match(observeClaim(lonely, context({ classes: undefined })), { state: 'waiting', reason: /could not be read/ })
  const events = [event(lonely, 'FailedBinding', noClass)]
  t.match(observeClaim(lonely, context({ classes: undefined, events })), { state: 'failed', finding: { id: 'pvc-no-usable-storageclass' } })
  t.end()
})

void t.test('a claim that is older than the default class is given time, then named with its remedy', (t) => {
  const look = observeClaim(claim(), context({ classes: [localPath] }))
  t.match(look, { state: 'failed', settleMs: 60_000, finding: { id: 'pvc-no-usable-storageclass', fix: [/delete pvc data-airflow-postgresql-0/] } })
  t.end()
})

void t.test('what was said of an earlier claim of the same name is not believed', (t) => {
  const before = claim()
  before.metadata.uid = 'uid-before'
  const events = [event(before, 'ProvisioningFailed', 'Only support ReadWriteOnce access mode')]
  t.match(observeClaim(claim({ storageClassName: 'local-path' }), context({ classes: [localPath], events })), { state: 'waiting' })
  t.end()
})

void t.test('a class that does not exist is hopeless, one that does is not', (t) => {
  const fast = claim({ storageClassName: 'fast' })
  t.match(observeClaim(fast, context({ classes: [localPath] })), { state: 'failed', finding: { id: 'pvc-no-usable-storageclass', title: /"fast"/ } })
  t.match(observeClaim(fast, context({ classes: [storageClass('fast')] })), { state: 'waiting' })
  t.match(observeClaim(fast, context({ classes: undefined })), { state: 'waiting' })
  t.end()
})

void t.test('a claim that waits for its first consumer is no fault', (t) => {
  const waits = claim({ storageClassName: 'local-path' })
  const events = [event(waits, 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding', { type: 'Normal' })]
  t.match(observeClaim(waits, context({ classes: [localPath], events })), { state: 'waiting', reason: /first consumer; no pod uses it yet/ })
  t.equal(waitsForConsumer(waits, { classes: [localPath] }), true)
  t.equal(waitsForConsumer(claim({}, { phase: 'Bound' }), { classes: [localPath] }), false)
  t.equal(waitsForConsumer(waits, { classes: [storageClass('local-path', { volumeBindingMode: 'Immediate' })] }), false)
  t.end()
})

void t.test('local-path refuses ReadWriteMany for good, in both of its wordings', (t) => {
  const many = claim({ storageClassName: 'local-path', accessModes: ['ReadWriteMany'] })
  const said = (text: string) => observeClaim(many, context({ classes: [localPath], events: [event(many, 'ProvisioningFailed', text)] }))
  const refused = { state: 'failed', settleMs: 10_000, finding: { id: 'local-path-provisioning-failed' } }
  t.match(said('failed to provision volume with StorageClass "local-path": Only support ReadWriteOnce access mode'), refused)
  t.match(said('failed to provision volume with StorageClass "local-path": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes'), refused)
  t.match(said('failed to provision volume with StorageClass "local-path": claim.Spec.Selector is not supported'), refused)
  t.match(said('failed to provision volume with StorageClass "local-path": failed to create volume pvc-1: create process timeout after 120 seconds'), { state: 'waiting', reason: /timeout/ }, 'a slow helper pod is tried again')
  t.end()
})

void t.test('a provisioner that was slow and then succeeded is not held against the claim', (t) => {
  const slow = claim({ storageClassName: 'local-path' })
  const events = [event(slow, 'ProvisioningFailed', 'Only support ReadWriteOnce access mode'), event(slow, 'ProvisioningSucceeded', 'Successfully provisioned volume pvc-1')]
  t.match(observeClaim(slow, context({ classes: [localPath], events })), { state: 'waiting' })
  t.end()
})

void t.test('a static pair that fits only waits', (t) => {
  const parts = { classes: [airflowStorage], volumes: [volume()] }
  t.match(observeClaim(logsClaim(), context(parts)), { state: 'waiting', reason: /fits volume airflow-local-logs-pv/ })
  t.match(observeClaim(logsClaim(), context({ classes: [], volumes: [volume()] })), { state: 'waiting' }, 'its class need not exist as an object')
  t.end()
})

void t.test('a static pair that does not fit is told every reason', (t) => {
  const look = (spec: Record<string, unknown>) => observeClaim(logsClaim(), context({ classes: [airflowStorage], volumes: [volume(spec)] }))
  const mismatch = (reason: RegExp) => ({ state: 'failed', settleMs: 20_000, finding: { id: 'static-pv-mismatch', evidence: [/is Pending/, reason] } })
  t.match(look({ capacity: { storage: '5Gi' } }), mismatch(/has 5Gi where 10Gi are wanted/))
  t.match(look({ accessModes: ['ReadOnlyMany'] }), mismatch(/offers ReadOnlyMany and not ReadWriteMany/))
  t.match(look({ storageClassName: 'other' }), mismatch(/is of class "other"/))
  t.match(look({ claimRef: { namespace: 'airflow', name: 'another', uid: '1' } }), mismatch(/for airflow\/another/))
  t.match(observeClaim(logsClaim(), context({ classes: [airflowStorage] })), mismatch(/there is no volume of its class/))
  t.match(observeClaim(logsClaim(), context({ classes: [airflowStorage], volumes: undefined })), { state: 'waiting' }, 'unless the volumes are unknown')
  t.end()
})

void t.test('a claim that got the default class instead of its volume is a mismatch, not a provisioning failure', (t) => {
  const surprised = logsClaim({ storageClassName: 'local-path' })
  const events = [event(surprised, 'ProvisioningFailed', 'claim.Spec.Selector is not supported')]
  const look = observeClaim(surprised, context({ classes: [localPath, airflowStorage], volumes: [volume()], events }))
  t.match(look, { state: 'failed', finding: { id: 'static-pv-mismatch' } })
  t.end()
})

void t.test('a released volume does not bind again, for its claim or on its own', (t) => {
  const released = volume({ claimRef: { namespace: 'airflow', name: 'airflow-local-logs-folder', uid: 'uid-before' } }, 'Released')
  const verdict = { state: 'failed', settleMs: 10_000, finding: { id: 'pv-released-not-rebinding', fix: [/^kubectl patch pv airflow-local-logs-pv --type=merge -p '\{"spec":\{"claimRef":\{"uid":null,"resourceVersion":null\}\}\}' #/] } }
  const parts = { classes: [airflowStorage], volumes: [released] }
  t.match(observeClaim(logsClaim(), context(parts)), verdict)
  t.match(observeVolume(released, context({ ...parts, claims: [logsClaim()] })), verdict)
  t.match(observeVolume(released, context(parts)), { state: 'waiting', reason: /its data is kept/ }, 'while nobody wants it, it is only kept')
  t.match(observeClaim(logsClaim(), context({ classes: [airflowStorage], volumes: [released, volume({}, 'Available', 'another-pv')] })), { state: 'waiting' }, 'another volume that fits is as good')
  t.end()
})

void t.test('a released volume that the claim could not take is not what it waits for', (t) => {
  const released = volume({ claimRef: { namespace: 'airflow', name: 'airflow-local-logs-folder', uid: 'uid-before' } }, 'Released')
  const other = claim({ accessModes: ['ReadWriteMany'], resources: { requests: { storage: '10Gi' } }, storageClassName: 'no-such-class' }, { phase: 'Pending' }, 'airflow-local-logs-folder')
  const parts = { classes: [airflowStorage, localPath], volumes: [released] }
  t.match(observeClaim(other, context(parts)), { state: 'failed', finding: { id: 'pvc-no-usable-storageclass', title: /"no-such-class"/ } })
  t.match(observeVolume(released, context({ ...parts, claims: [other] })), { state: 'waiting' })
  const bigger = logsClaim({ resources: { requests: { storage: '20Gi' } } })
  t.match(observeClaim(bigger, context(parts)), { state: 'failed', finding: { id: 'static-pv-mismatch', evidence: [/is Pending/, /still refers to an earlier claim of that name, has 10Gi where 20Gi are wanted/] } })
  t.end()
})

void t.test('a volume that was deleted works for as long as its claim keeps it', (t) => {
  const bound = claim({ volumeName: 'airflow-local-logs-pv' }, { phase: 'Bound' }, 'airflow-local-logs-folder')
  const since = '2023-08-02T10:29:00Z'
  const going = (labels: Record<string, string> = {}) => {
    const one = volume({ claimRef: { namespace: 'airflow', name: bound.metadata.name, uid: bound.metadata.uid } }, 'Bound')
    return { ...one, metadata: { ...one.metadata, labels, deletionTimestamp: since } }
  }
  t.match(observeVolume(going(), context({ claims: [bound] })), { state: 'done', evidence: /goes with its claim/ })
  t.match(observeVolume(going(), context({ claims: [{ ...bound, metadata: { ...bound.metadata, deletionTimestamp: since } }] })), { state: 'waiting' }, 'both go')
  t.match(observeVolume(going(), context()), { state: 'waiting' }, 'its claim is gone, or unknown')
  t.equal(keeperOf(volume(), [bound]), undefined, 'nobody has deleted it')
  t.end()
})

void t.test('a volume that was deleted is made again over the same data, and nothing goes before its successor is there', (t) => {
  const named = (name: string, labels: Record<string, string> = {}): Deleted => {
    const kept = claim({ volumeName: `pv-of-${name}` }, { phase: 'Bound' }, name)
    const one = volume({}, 'Bound', `pv-of-${name}`)
    return { claim: kept, volume: { ...one, metadata: { ...one.metadata, labels, deletionTimestamp: '2023-08-02T10:29:00Z' } } }
  }
  const user = (name: string, claims: string[], status: Record<string, unknown> = { phase: 'Running' }) => pod({ name, owner: { kind: 'StatefulSet', name: name.slice(0, -2) }, spec: { volumes: claims.map((claimName) => ({ persistentVolumeClaim: { claimName } })) }, status })
  const ours = { 'app.kubernetes.io/managed-by': 'airstrip' }
  const [dags, logs, data] = [named('dags', ours), named('logs', ours), named('data-airflow-postgresql-0')]
  const pods = [user('airflow-triggerer-0', ['dags', 'logs']), user('airflow-worker-0', ['logs']), user('task-0', ['logs'], { phase: 'Succeeded' }), user('airflow-postgresql-0', ['data-airflow-postgresql-0'])]
  const [own, database, ...rest] = deletedVolumes([dags, logs, data], pods)
  t.match(own, { id: 'volume-terminating', severity: 'warning', title: /pv-of-dags and .*pv-of-logs were deleted/, fix: [/^kubectl -n airflow delete pvc dags logs --wait=false && kubectl -n airflow delete pod --ignore-not-found airflow-triggerer-0 airflow-worker-0 && npx tsx run\.ts apply #/] })
  t.match(database?.fix[0], /^kubectl patch pv pv-of-data-airflow-postgresql-0 -p '.*"Retain".*' && \(umask 077 && kubectl get pv \S+ -o yaml > pv-of-data-airflow-postgresql-0\.yaml\) && sed -E .*name: pv-of-data-airflow-postgresql-0-again.* \| kubectl create -f - && kubectl -n airflow scale statefulset airflow-postgresql --replicas=0 && kubectl -n airflow delete pvc data-airflow-postgresql-0 && kubectl -n airflow scale statefulset airflow-postgresql --replicas=1 && npx/)
  t.same(rest, [])
  const [shared] = deletedVolumes([named('logs')], pods)
  t.match(shared?.fix[0], /get pvc logs -o yaml > logs\.yaml/)
  t.notMatch(shared?.fix[0], / delete |scale/, 'whoever shares one is stopped by a person')
  const [held] = deletedVolumes([dags], pods, pods.slice(0, 1))
  t.match(held?.fix[0], /get pvc dags -o yaml > dags\.yaml/)
  t.notMatch(held?.fix[0], / delete /, 'as is one that a stranger uses')
  t.end()
})

void t.test('a volume on its own is done when anyone can have it', (t) => {
  t.match(observeVolume(volume(), context()), { state: 'done' })
  t.match(observeVolume(volume({}, 'Bound'), context()), { state: 'done' })
  t.match(observeVolume(volume({}, 'Pending'), context()), { state: 'waiting' })
  t.match(observeVolume(volume({ persistentVolumeReclaimPolicy: 'Delete' }, 'Released'), context()), { state: 'waiting' })
  t.match(observeVolume(volume({}, 'Failed'), context()), { state: 'failed', finding: { id: 'volume-reclaim-failed' } })
  t.end()
})

void t.test('a claim that lost its volume stays lost', (t) => {
  t.match(observeClaim(claim({}, { phase: 'Lost' }), context()), { state: 'failed', finding: { id: 'claim-lost' } })
  t.end()
})

void t.test('the consumers of a claim are the pods that mount it', (t) => {
  const user = pod({ spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }] } })
  t.same(consumersOf(claim(), [user, pod({ name: 'other' })]), [user])
  t.end()
})
