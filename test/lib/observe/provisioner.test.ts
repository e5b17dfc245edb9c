/** The texts are those of Kubernetes 1.20's controller and of local-path-provisioner v0.0.24, seen on the lab. */
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import t from 'tap'
import { observeClaim } from '../../../lib/observe/claim.ts'
import { observeIdleProvisioner } from '../../../lib/observe/provisioner.ts'
import { lookForProvisioners, provisionersIn } from '../../../lib/observe/look-provisioners.ts'
import type { KubernetesObject, ListQuery } from '../../../lib/access.ts'
import { claim, container, context, event, node, now, pod, ready, storageClass, workload } from './objects.ts'

const localPath = storageClass('local-path')

/** A claim whose pod has its place: now it is the provisioner's turn. */
function chosen(className = 'local-path'): KubernetesObject {
  const one = claim({ storageClassName: className })
  one.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'home' }
  return one
}

function provisioner(available: number, spec: Record<string, unknown> = {}): KubernetesObject {
  const template = { spec: { containers: [{ name: 'local-path-provisioner', image: 'rancher/local-path-provisioner:v0.0.24' }] } }
  const one = workload('Deployment', 'local-path-provisioner', { replicas: 1, updatedReplicas: 1, availableReplicas: available }, { template, ...spec })
  one.metadata.namespace = 'local-path-storage'
  return one
}

function near(object: KubernetesObject): KubernetesObject {
  object.metadata.namespace = 'local-path-storage'
  return object
}

const asked = (about: KubernetesObject, by: string, fields = {}) =>
  event(about, 'ExternalProvisioning', `waiting for a volume to be created, either by external provisioner "${by}" or manually created by system administrator`, { type: 'Normal', ...fields })

function look(one: KubernetesObject, system: KubernetesObject[], events: KubernetesObject[] = [], classes = [localPath]) {
  return observeClaim(one, context({ classes, events, provisioners: provisionersIn(system, { nodes: [node()], now }) }))
}

void t.test('a provisioner that was scaled to 0, or is not there, will not make a volume', (t) => {
  const scaled = look(chosen(), [provisioner(0, { replicas: 0 })])
  t.match(scaled, { state: 'failed', settleMs: 30_000, finding: { id: 'provisioner-not-running', evidence: [/is Pending/, /scaled to 0/], fix: [/^kubectl -n local-path-storage scale deployment local-path-provisioner --replicas=1 && npx tsx run\.ts apply #/] } })
  t.match(look(chosen(), []), { state: 'failed', finding: { id: 'provisioner-not-running', evidence: [/is Pending/, /no Deployment/] } })
  t.end()
})

void t.test('a provisioner under another name, from a mirror, is known by what it says of the claim', (t) => {
  const said = (seconds: number) => [event(chosen(), 'Provisioning', 'External provisioner is provisioning volume for claim "airflow/data-airflow-postgresql-0"', { type: 'Normal', lastTimestamp: new Date(now.getTime() - seconds * 1000).toISOString() })]
  t.match(look(chosen(), [], said(30)), { state: 'waiting' })
  const fails = event(chosen(), 'ProvisioningFailed', 'failed to provision volume with StorageClass "local-path": pods "helper-pod" is forbidden: violates PodSecurity "restricted:latest"', { count: 6, firstTimestamp: new Date(now.getTime() - 200_000).toISOString(), lastTimestamp: now.toISOString() })
  t.match(look(chosen(), [], [...said(30), fails]), { state: 'failed', finding: { id: 'local-path-provisioning-failed' } }, 'and by what it fails at again and again')
  t.match(look(chosen(), [], said(900)), { state: 'failed', finding: { id: 'provisioner-not-running' } }, 'it has said nothing for long')
  t.match(look(chosen(), [provisioner(0, { replicas: 0 })], said(30)), { state: 'failed', finding: { id: 'provisioner-not-running' } }, 'one that is known to be scaled to 0')
  t.end()
})

void t.test('one that cannot start is told with its own cause, one that is starting is waited for', (t) => {
  const waiting = { phase: 'Pending', containerStatuses: [container({ name: 'local-path-provisioner', state: { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = docker.io/rancher/local-path-provisioner:v9: not found' } } })] }
  const mine = (status: Record<string, unknown>) => near(pod({ name: 'local-path-provisioner-1-x', owner: { kind: 'ReplicaSet', name: 'local-path-provisioner-1' }, labels: { 'pod-template-hash': '1' }, spec: { containers: [{ name: 'local-path-provisioner', image: 'rancher/local-path-provisioner:v9' }] }, status }))
  t.match(look(chosen(), [provisioner(0), mine(waiting)]), { state: 'failed', finding: { id: 'provisioner-not-running', evidence: [/Pending/, /v9 does not exist/, /ErrImagePull/, /not found/], fix: [/apply --only provisioner/] } })
  t.match(look(chosen(), [provisioner(0), mine({ phase: 'Pending', containerStatuses: [container()] })]), { state: 'waiting' })
  t.match(look(chosen(), [provisioner(1), mine(waiting)]), { state: 'waiting' }, 'and a stuck update leaves the one before at work')
  t.end()
})

void t.test('while no claim waits, one that is there and of which nothing runs is told as such', (t) => {
  const crashing = near(pod({ name: 'local-path-provisioner-1-x', owner: { kind: 'ReplicaSet', name: 'local-path-provisioner-1' }, labels: { 'pod-template-hash': '1' }, status: { phase: 'Running', containerStatuses: [container({ name: 'local-path-provisioner', restartCount: 6, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: now.toISOString() } } })] } }))
  const idle = (...system: KubernetesObject[]) => observeIdleProvisioner(localPath as unknown as StorageClass, provisionersIn(system, { nodes: [node()], now }))
  t.match(idle(provisioner(0), crashing), { finding: { id: 'provisioner-not-running', title: /local-path does not run$/, evidence: [/has no ready pod/, /exit code 1/], fix: [/^npx tsx run\.ts apply --only provisioner #/] } })
  t.match(idle(provisioner(0, { replicas: 0 })), { finding: { evidence: [/scaled to 0/], fix: [/--replicas=1$/] } })
  t.equal(idle(provisioner(1), crashing), undefined, 'a stuck update leaves the one before at work')
  t.equal(idle(provisioner(0)), undefined, 'one that starts')
  t.equal(idle(), undefined, 'one that is not there may have another name')
  t.end()
})

void t.test('nothing is concluded where the Deployments could not be read, or before a pod has its place', (t) => {
  t.match(observeClaim(chosen(), context({ classes: [localPath] })), { state: 'waiting' })
  t.match(look(claim({ storageClassName: 'local-path' }), []), { state: 'waiting', reason: /first consumer/ })
  t.end()
})

void t.test('a provisioner of somebody else\'s that fails again and again is told with its own words', (t) => {
  const one = chosen('longhorn')
  const failing = (count: number, why = 'code = Internal desc = no disk') => look(one, [], [event(one, 'ProvisioningFailed', `failed to provision volume with StorageClass "longhorn": rpc error: ${why}`, { count })], [storageClass('longhorn', { provisioner: 'driver.longhorn.io' })])
  t.match(failing(1), { state: 'waiting' })
  for (const why of ['code = DeadlineExceeded desc = context deadline exceeded', 'code = Aborted desc = an operation with the given volume already exists', 'no topology key found on CSINode home']) t.match(failing(9, why), { state: 'waiting' }, why)
  t.match(failing(5), { state: 'failed', settleMs: 300_000, finding: { id: 'local-path-provisioning-failed', title: /driver\.longhorn\.io does not manage/, evidence: [/Pending/, /no disk/] } })
  t.end()
})

void t.test('a class whose provisioner nobody runs is told by its silence', (t) => {
  const classes = [storageClass('nobody', { provisioner: 'example.org/nobody' })]
  const one = chosen('nobody')
  const since127 = event(one, 'ExternalProvisioning', 'Waiting for a volume to be created either by the external provisioner \'example.org/nobody\' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.', { type: 'Normal', firstTimestamp: '2023-08-02T10:28:00Z' })
  t.match(look(one, [], [since127], classes), { state: 'failed', finding: { id: 'provisioner-not-running' } })
  const silent = look(one, [], [asked(one, 'example.org/nobody')], classes)
  t.match(silent, { state: 'failed', settleMs: 180_000, finding: { id: 'provisioner-not-running', title: /example.org\/nobody/ } })
  const working = [asked(one, 'example.org/nobody'), event(one, 'Provisioning', 'External provisioner is provisioning volume for claim', { type: 'Normal' })]
  t.match(look(one, [], working, classes), { state: 'waiting' }, 'one that has begun may take its time')
  t.match(look(one, [], [asked(one, 'example.org/nobody', { firstTimestamp: '2023-08-02T10:29:40Z' })], classes), { state: 'waiting' }, 'and one that was asked just now')
  t.end()
})

void t.test('a helper pod that cannot make the folder is the cause, one that is at it is not', (t) => {
  const one = chosen()
  const helper = (status: Record<string, unknown>) => {
    const made = near(pod({ name: `helper-pod-create-pvc-${String(one.metadata.uid)}`, labels: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'helper-pod', image: 'busybox:nope' }] }, status }))
    delete made.metadata.ownerReferences
    return made
  }
  const broken = helper({ phase: 'Pending', containerStatuses: [container({ name: 'helper-pod', state: { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = docker.io/library/busybox:nope: not found' } } })] })
  t.match(look(one, [provisioner(1), broken]), { state: 'failed', finding: { id: 'local-path-provisioning-failed', why: /busybox:nope does not exist/, fix: [/apply --only provisioner/] } })
  const unwritable = helper({ phase: 'Failed', containerStatuses: [container({ name: 'helper-pod', state: { terminated: { exitCode: 1, reason: 'Error' } } })] })
  t.match(look(one, [provisioner(1), unwritable]), { state: 'failed', finding: { id: 'local-path-provisioning-failed', evidence: [/Pending/, /exit code 1/] } })
  t.match(look(one, [provisioner(1), helper({ phase: 'Pending', containerStatuses: [container({ name: 'helper-pod' })] })]), { state: 'waiting' })
  const timeout = 'failed to provision volume with StorageClass "local-path": failed to create volume pvc-1: create process timeout after 120 seconds'
  t.match(look(one, [provisioner(1)], [event(one, 'ProvisioningFailed', timeout, { count: 1 })]), { state: 'waiting' }, 'a first time is a slow pull')
  t.match(look(one, [provisioner(1)], [event(one, 'ProvisioningFailed', timeout, { count: 2 })]), { state: 'failed', settleMs: 150_000, finding: { id: 'local-path-provisioning-failed' } })
  t.end()
})

void t.test('a claim on its way out is a fault only while pods that stay use it', (t) => {
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }]
  const going = claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })
  going.metadata.deletionTimestamp = '2023-08-02T10:28:00Z'
  const user = pod({ spec: { volumes } })
  t.match(observeClaim(going, context({ pods: [user] })), { state: 'failed', since: '2023-08-02T10:28:00Z', finding: { id: 'claim-terminating', evidence: [/since 2023/, /uses it/], fix: [/patch pv pvc-1/, /delete pod airflow-scheduler/] } })
  const own = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, spec: { volumes } })
  t.match(observeClaim(going, context({ pods: [own] })), { finding: { fix: [/^kubectl patch pv pvc-1 .*Retain\S+ && kubectl -n airflow scale statefulset airflow-postgresql --replicas=0 && kubectl -n airflow delete pvc \S+ --ignore-not-found && kubectl patch pv pvc-1 .*"uid":null.* --replicas=1 && npx tsx run\.ts apply #/] } }, 'a database is not begun anew')
  const task = pod({ name: 'etl-1', labels: { kubernetes_executor: 'True' }, spec: { volumes } })
  t.match([observeClaim(going, context({ pods: [task] })), observeClaim(going, context({ pods: [task, user] }))], [{ state: 'waiting' }, { state: 'failed' }], 'a task ends by itself')
  const leaving = { ...user, metadata: { ...user.metadata, deletionTimestamp: '2023-08-02T10:29:00Z' } }
  for (const [pods, name] of [[[], 'nobody'], [[leaving], 'a pod that goes'], [[pod({ spec: { volumes, nodeName: undefined } })], 'a pod without a place']] as const) {
    t.match(observeClaim(going, context({ pods })), { state: 'waiting' }, name)
  }
  t.end()
})

void t.test('a claim that no pod keeps, and somebody\'s finalizer does, is told with how it goes and its volume is kept for the next', (t) => {
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-airflow-postgresql-0' } }]
  const pending = pod({ name: 'airflow-postgresql-0', owner: { kind: 'StatefulSet', name: 'airflow-postgresql' }, labels: {}, spec: { volumes, nodeName: undefined } })
  const stuck = (finalizers: string[], { spec = { volumeName: 'pvc-1' }, pods = [pending], events = [] }: { spec?: object; pods?: KubernetesObject[]; events?: KubernetesObject[] } = {}) => {
    const going = claim(spec as Record<string, unknown>, { phase: 'Bound' })
    Object.assign(going.metadata, { deletionTimestamp: '2023-08-02T10:28:00Z', finalizers })
    return observeClaim(going, context({ pods, events }))
  }
  const foreign = ['kubernetes.io/pvc-protection', 'backup.example.org/keep']
  const [scale, claimRef] = ['kubectl -n airflow scale statefulset airflow-postgresql --replicas=', '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}']
  const letsGo = `kubectl -n airflow patch persistentvolumeclaim data-airflow-postgresql-0 --type=merge -p '{"metadata":{"finalizers":["kubernetes.io/pvc-protection"]}}'`
  const found = stuck(foreign)
  t.match(found, { state: 'failed', since: '2023-08-02T10:28:00Z', finding: { id: 'claim-terminating', title: /does not go$/, evidence: [/since 2023/, 'it has the finalizers backup.example.org/keep'], fix: [/^kubectl patch pv pvc-1 .*Retain/] } })
  t.equal(found.state === 'failed' && found.finding.fix[0].split(' # ')[0], ['kubectl patch pv pvc-1 -p \'{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}\'', `${scale}0`, letsGo, 'kubectl -n airflow delete pvc data-airflow-postgresql-0 --ignore-not-found', `kubectl patch pv pvc-1 --type=merge -p '${claimRef}'`, `${scale}1`, 'npx tsx run.ts apply'].join(' && '))
  const set = { kind: 'StatefulSet', name: 'airflow-postgresql', namespace: 'airflow' }
  const refused = event(pending, 'FailedCreate', 'create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: pvc data-airflow-postgresql-0 is being deleted', { involvedObject: set })
  t.match(stuck(foreign, { pods: [], events: [refused] }), { finding: { fix: [/ && kubectl -n airflow scale statefulset airflow-postgresql --replicas=0 && /] } }, 'also where its set makes no pod for it')
  const unbound = stuck(foreign, { spec: {}, pods: [] })
  t.equal(unbound.state === 'failed' && unbound.finding.fix[0].split(' # ')[0], `${letsGo} && npx tsx run.ts apply`, 'one without a volume')
  for (const own of ['kubernetes.io/pvc-protection', 'snapshot.storage.kubernetes.io/pvc-as-source-protection', 'provisioner.storage.kubernetes.io/cloning-protection', 'foregroundDeletion', 'orphan']) t.match(stuck([own]), { state: 'waiting' }, own)
  t.end()
})

void t.test('provisioners are only looked for while a claim waits', async (t) => {
  const asks: string[][] = []
  const list = (query: { resources: string[] }) => {
    asks.push(query.resources)
    return Promise.resolve(query.resources[0] === 'deployments.apps' ? [provisioner(1)] : [])
  }
  t.same(await lookForProvisioners([claim({}, { phase: 'Bound' })], { now }, { list }), [])
  t.same(asks, [])
  t.match(await lookForProvisioners([claim()], { now }, { list }), [{ object: { kind: 'Deployment' }, look: { state: 'done' } }])
  t.same(asks, [['deployments.apps'], ['pods', 'events'], ['pods', 'events']])
  t.equal(await lookForProvisioners([claim()], { now }, { list: () => Promise.reject(new Error('forbidden')) }), undefined)
})

void t.test('Minikube\'s provisioner, a bare pod that no Deployment leads to, is found in kube-system', async (t) => {
  const storage = (status: Record<string, unknown>): KubernetesObject => {
    const made = pod({ name: 'storage-provisioner', labels: {}, spec: { containers: [{ name: 'storage-provisioner', image: 'gcr.io/k8s-minikube/storage-provisioner:v5' }] }, status })
    made.metadata.namespace = 'kube-system'
    delete made.metadata.ownerReferences
    return made
  }
  const classes = [storageClass('standard', { provisioner: 'k8s.io/minikube-hostpath', volumeBindingMode: 'Immediate' })]
  const look = async (...pods: KubernetesObject[]) => {
    const list = ({ resources, namespace }: ListQuery) => Promise.resolve(resources.includes('pods') && namespace === 'kube-system' ? pods : [])
    const one = claim({ storageClassName: 'standard' })
    return observeClaim(one, context({ classes, provisioners: await lookForProvisioners([one], { nodes: [node()], now }, { list }) }))
  }
  t.match(await look(storage(ready)), { state: 'waiting' })
  t.match(await look(storage({ phase: 'Pending', containerStatuses: [container({ name: 'storage-provisioner' })] })), { state: 'waiting' })
  const lacking = container({ name: 'storage-provisioner', state: { waiting: { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = not found' } } })
  t.match(await look(storage({ phase: 'Pending', containerStatuses: [lacking] })), { state: 'failed', finding: { id: 'provisioner-not-running', evidence: [/Pending/, /Pod kube-system\/storage-provisioner has no ready pod/, /./, /./] } })
  t.match(await look(), { state: 'failed', finding: { id: 'provisioner-not-running', evidence: [/Pending/, /no pod in the cluster runs/], fix: [/^minikube addons .*enable storage-provisioner/] } })
})
