import t from 'tap'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { Evidence } from '../../../lib/doctor/evidence.ts'
import { storageRules } from '../../../lib/doctor/rules/storage.ts'
import { claim, container, deployment, event, pod, release, storageClass, unplaced, volume } from '../observe/objects.ts'
import { evidence } from './evidence.ts'

const found = (parts: Partial<Evidence>) => diagnose(evidence({ release: undefined, ...parts }), [], storageRules).findings
const of = (claimName: string, fields: Parameters<typeof pod>[0] = {}) => pod({ ...fields, spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }], ...fields.spec } })

void t.test('a claim that a running pod uses and has lost is told, one that nobody uses is not', (t) => {
  const lost = claim({ volumeName: 'pvc-1' }, { phase: 'Lost' })
  t.match(found({ claims: [lost], pods: [of('data-airflow-postgresql-0')] }), [{ id: 'claim-lost' }])
  t.same(found({ claims: [lost] }), [])
  t.same(found({ claims: [claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })], pods: [of('data-airflow-postgresql-0')] }), [])
  t.end()
})

void t.test('a volume that was deleted under the claim of a pod of ours is a warning, after ten seconds', (t) => {
  const bound = claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })
  const going = (deletionTimestamp: string) => { const one = volume({ claimRef: { namespace: 'airflow', name: bound.metadata.name, uid: bound.metadata.uid } }, 'Bound', 'pvc-1'); return { ...one, metadata: { ...one.metadata, deletionTimestamp } } }
  const parts = (time: string, pods = [of(bound.metadata.name)]): Partial<Evidence> => ({ claims: [bound], volumes: [going(time)], pods })
  t.match(found(parts('2023-08-02T10:29:00Z')), [{ id: 'volume-terminating', severity: 'warning', title: 'PersistentVolume pvc-1 was deleted, and only its claim still keeps it' }])
  t.same(found(parts('2023-08-02T10:29:55Z')), [])
  t.same(found(parts('2023-08-02T10:29:00Z', [])), [], 'nobody of ours uses it')
  t.end()
})

void t.test('a claim that only somebody else\'s pods use is no matter of the release, and no command is given that would delete it', (t) => {
  const lost = claim({ volumeName: 'pvc-1' }, { phase: 'Lost' }, 'minio')
  const minio = of('minio', { name: 'minio-7d9f8-abcde', owner: { kind: 'ReplicaSet', name: 'minio-7d9f8' }, labels: { 'app': 'minio', 'pod-template-hash': '7d9f8' } })
  const stuck = { ...minio, status: { phase: 'Pending', containerStatuses: [container()] } }
  const beside = { record: release(), release: 'airflow', workloads: [deployment('minio', 1)] }
  t.same(found({ ...beside, claims: [lost], pods: [minio] }), [])
  t.same(found({ ...beside, pods: [stuck], events: [event(stuck, 'FailedMount', 'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32')] }), [])
  t.match(found({ ...beside, claims: [lost], pods: [minio, of('minio')] }), [{ id: 'claim-lost' }], 'a claim that is shared is')
  t.end()
})

void t.test('a provisioner that does not run is a warning while no claim waits for it, where a pod of ours has a volume of its class', (t) => {
  const scaled = deployment('local-path-provisioner', 0)
  Object.assign(scaled.metadata, { namespace: 'local-path-storage' })
  Object.assign(scaled.spec as object, { replicas: 0 })
  const bound = claim({ storageClassName: 'local-path', volumeName: 'pvc-1' }, { phase: 'Bound' })
  const parts = { claims: [bound], pods: [of(bound.metadata.name)], system: [scaled], classes: [storageClass('local-path')] }
  t.match(found(parts), [{ id: 'provisioner-not-running', severity: 'warning', evidence: ['Deployment local-path-storage/local-path-provisioner is scaled to 0'] }])
  t.same(found({ ...parts, pods: [] }), [], 'nobody of ours has asked it')
  t.same(found({ ...parts, classes: [storageClass('other')] }), [], 'another class')
  const waits = { ...claim({ storageClassName: 'local-path' }, { phase: 'Pending' }), metadata: { ...claim().metadata, annotations: { 'volume.kubernetes.io/selected-node': 'home' } } }
  t.match(found({ ...parts, claims: [bound, waits] }), [{ id: 'provisioner-not-running', severity: 'error', title: /claims wait for it/ }], 'told once')
  t.end()
})

void t.test('the claim that a StatefulSet makes of its own is explained by what keeps it from being bound', (t) => {
  const own = claim({}, { phase: 'Pending' }, 'logs-airflow-triggerer-0')
  const triggerer = of('logs-airflow-triggerer-0', { name: 'airflow-triggerer-0', owner: { kind: 'StatefulSet', name: 'airflow-triggerer' }, labels: {}, status: unplaced('0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims.') })
  const bound = claim({ volumeName: 'pvc-1' }, { phase: 'Bound' })
  const findings = found({ claims: [bound, own], pods: [triggerer] })
  t.match(findings.map(({ id, causes = [] }) => [id, causes.map((cause) => cause.id)]), [['pvc-no-usable-storageclass', []], ['hidden-log-pvcs', ['pvc-no-usable-storageclass']]])
  t.match(findings[1], { fix: [/triggerer.persistence.enabled: false/] })
  t.same(found({ claims: [own], pods: [triggerer] }).map(({ id }) => id), ['pvc-no-usable-storageclass'], 'where all claims wait it is no matter of its own')
  t.end()
})

void t.test('a volume of ours that could not be reclaimed is a warning', (t) => {
  const failed = volume({ claimRef: { namespace: 'airflow', name: 'x', uid: 'old' } }, 'Failed')
  Object.assign(failed.status as object, { message: 'host_path deleter only supports /tmp/.+ but received provided /srv/airflow/logs' })
  t.match(found({ volumes: [failed] }), [{ id: 'volume-reclaim-failed', severity: 'warning', evidence: [/host_path deleter/], fix: [/^kubectl delete pv airflow-local-logs-pv/] }])
  t.same(found({ volumes: [volume({ claimRef: { namespace: 'other', name: 'x', uid: 'old' } }, 'Failed')] }), [])
  t.end()
})

void t.test('a volume that cannot be mounted is told with what its mount said', (t) => {
  const stuck = pod({ status: { phase: 'Pending', containerStatuses: [container()] } })
  const told = (reason: string, text: string, one = stuck) => found({ pods: [one], events: [event(one, reason, text)] })
  t.match(told('FailedAttachVolume', 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) airflow-webserver-1'), [{ id: 'volume-mount-failed', title: 'Volume pvc-1 is still attached to another node' }])
  t.match(told('FailedMount', 'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32'), [{ id: 'volume-mount-failed', title: 'Volume nfs cannot be mounted' }])
  const fresh = pod({ status: { phase: 'Pending', containerStatuses: [container()] } })
  fresh.metadata.creationTimestamp = '2023-08-02T10:29:30Z'
  t.match(told('FailedMount', 'MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32', fresh), [{ id: 'volume-mount-failed' }], 'a mount that has answered is told soon')
  t.same(told('FailedMount', 'MountVolume.SetUp failed for volume "nfs" : rpc error: connection refused', fresh), [], 'a driver may only be starting')
  t.match(told('FailedAttachVolume', 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = node home not found'), [{ id: 'volume-mount-failed', title: 'Volume pvc-1 cannot be mounted' }], 'what a driver does not find is no missing Secret')
  t.same(told('FailedMount', 'MountVolume.SetUp failed for volume "config" : configmap "airflow-airflow-config" not found'), [], 'that one is told by the pod')
  t.same(told('FailedMount', 'MountVolume.SetUp failed for volume "all" : [configmap "airflow-a" not found, secret "airflow-b" not found]'), [], 'nor two of a projected volume')
  t.same(told('FailedMount', 'MountVolume.NewMounter initialization failed for volume "dags" : path "/srv/airflow/dags" does not exist'), [], 'nor a local volume\'s folder')
  const young = { ...stuck, metadata: { ...stuck.metadata, creationTimestamp: '2023-08-02T10:29:30Z' } }
  t.same(told('FailedMount', 'MountVolume.SetUp failed for volume "nfs" : mount failed', young), [])
  t.end()
})

void t.test('a volume that is mounted by now is past, whatever was said of it before', (t) => {
  const at = (lastTimestamp: string) => ({ lastTimestamp, firstTimestamp: lastTimestamp })
  const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2023-08-02T10:20:00Z' }]
  const waits = (state: Record<string, unknown>, more: Record<string, unknown>[] = []) => pod({ status: { phase: 'Pending', conditions, initContainerStatuses: [container({ name: 'wait-for-airflow-migrations', state })], containerStatuses: [container(), ...more] } })
  const creating = waits({ waiting: { reason: 'PodInitializing' } })
  const failed = (about: typeof creating, reason = 'FailedMount') => event(about, reason, 'MountVolume.SetUp failed for volume "kube-api-access-x7k2p" : object "airflow"/"kube-root-ca.crt" not registered', at('2023-08-02T10:28:00Z'))
  t.match(found({ pods: [creating], events: [failed(creating)] }), [{ id: 'volume-mount-failed' }])
  for (const state of [{ running: { startedAt: '2023-08-02T10:29:20Z' } }, { terminated: { exitCode: 1, startedAt: '2023-08-02T10:29:20Z', finishedAt: '2023-08-02T10:29:40Z' } }]) {
    const init = waits(state)
    t.same(found({ pods: [init], events: [failed(init), failed(init, 'FailedMapVolume')] }), [], 'a container that has started since shows it')
  }
  const before = waits({ terminated: { exitCode: 0, startedAt: '2023-08-02T10:22:00Z', finishedAt: '2023-08-02T10:22:10Z' } })
  t.match(found({ pods: [before], events: [failed(before)] }), [{ id: 'volume-mount-failed' }], 'one that ran before does not: a boot mounts anew')
  for (const reason of ['Pulling', 'Pulled', 'Created', 'Started', 'BackOff', 'FailedCreatePodSandBox']) t.same(found({ pods: [creating], events: [failed(creating), event(creating, reason, 'of later', at('2023-08-02T10:28:30Z'))] }), [], reason)
  t.match(found({ pods: [creating], events: [event(creating, 'Pulled', 'of before', at('2023-08-02T10:22:00Z')), failed(creating)] }), [{ id: 'volume-mount-failed' }])
  const attach = (volume: string) => [event(creating, 'FailedAttachVolume', 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Aborted desc = volume pvc-1 is not ready for workloads', at('2023-08-02T10:28:00Z')), event(creating, 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${volume}"`, at('2023-08-02T10:28:40Z'))]
  t.same(found({ pods: [creating], events: attach('pvc-1') }), [], 'attached since')
  t.match(found({ pods: [creating], events: attach('pvc-2') }), [{ id: 'volume-mount-failed', title: 'Volume pvc-1 cannot be mounted' }], 'another was')
  t.end()
})

void t.test('what only its driver can answer is told once it has failed for a minute, and no sooner in a pod that was long in coming', (t) => {
  const text = 'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name driver.longhorn.io not found in the list of registered CSI drivers'
  const since = (scheduled: string, first: string) => {
    const one = pod({ status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: scheduled }], containerStatuses: [container()] } })
    return found({ pods: [one], events: [event(one, 'FailedMount', text, { firstTimestamp: first, lastTimestamp: '2023-08-02T10:29:58Z' })] })
  }
  t.same(since('2023-08-02T10:29:30Z', '2023-08-02T10:29:32Z'), [], 'ten minutes without a node')
  t.same(since('2023-08-02T10:00:00Z', '2023-08-02T10:29:32Z'), [], 'a driver that has started anew')
  t.match(since('2023-08-02T10:28:50Z', '2023-08-02T10:28:52Z'), [{ id: 'volume-mount-failed' }])
  t.end()
})
