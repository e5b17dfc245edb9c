/** Claims, volumes, classes, the provisioner, and the folders on the node. */
import { chmod, chown, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { must } from '../../scripts/lab/exec.ts'
import { apply, get, kubectl, kubectlMaybe, until } from './cluster.ts'
import { chosen, faults, oneFault, pasted, type Fault } from './faults.ts'
import { deletePods, kube, stopped } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const mark = 'storageclass.kubernetes.io/is-default-class'
const users = ['deployment/airflow-scheduler', 'deployment/airflow-webserver', 'statefulset/airflow-triggerer']
const dags = 'airflow-local-dags-folder'
const volumeOf = ({ name }: Site): string => `${name}-local-dags-pv`

const class_ = (name: string, provisioner: string, annotations = {}): object => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name, annotations }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' })

/** The pair of the DAGs made anew by hand, as somebody would who thinks they know better; then the pods that want it. */
async function pairByHand(it: Site, claim: object, volume?: object): Promise<void> {
  const [oldClaim, oldVolume] = [await get('pvc', dags, it.namespace), await get('pv', volumeOf(it))]
  await stopped(it, ...users)
  await kube(it, 'delete', 'pvc', dags)
  if (volume !== undefined) {
    await kubectl(['delete', 'pv', volumeOf(it)])
    const spec = { ...(oldVolume?.spec as Record<string, unknown>) }
    delete spec.claimRef
    await apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: volumeOf(it), labels: oldVolume?.metadata.labels }, spec: { ...spec, ...volume } })
  }
  const spec = { ...(oldClaim?.spec as Record<string, unknown>) }
  delete spec.volumeName
  await apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: dags, namespace: it.namespace, labels: oldClaim?.metadata.labels }, spec: { ...spec, ...claim } })
  await kube(it, 'scale', ...users, '--replicas=1')
}

const volumeOfDatabase = async (it: Site): Promise<string> => ((await get('pvc', database, it.namespace))?.spec as { volumeName: string }).volumeName

const pairs: Fault[] = [
  { name: 'a claim deleted while pods use it', id: 'claim-terminating', tells: /airflow-local-dags-folder/, harm: it => kube(it, 'delete', 'pvc', dags, '--wait=false'),
    // As long as pods use it, apply waits for it to go.
    undo: async it => {
      await stopped(it, ...users)
      await it.airstrip(['apply'])
    } },
  { name: 'a volume deleted while its claim is bound to it', id: 'volume-terminating', tells: /local-dags-pv/, harm: it => kubectl(['delete', 'pv', volumeOf(it), '--wait=false']) },
  { name: 'both volumes of airstrip\'s deleted', id: 'volume-terminating', tells: /local-dags-pv.*local-logs-pv|local-logs-pv.*local-dags-pv/, harm: it => kubectl(['delete', 'pv', volumeOf(it), volumeOf(it).replace('dags', 'logs'), '--wait=false']) },
  { name: 'the volume of the database deleted', id: 'volume-terminating', tells: /pvc-/, harm: async it => kubectl(['delete', 'pv', await volumeOfDatabase(it), '--wait=false']), mend: async (it, { fix: [first = ''] }) => {
    const folderOf = async (): Promise<unknown> => { const { hostPath, local } = (await get('pv', await volumeOfDatabase(it)))?.spec as { hostPath?: { path: string }; local?: { path: string } }; return (hostPath ?? local)?.path }
    const before = await folderOf()
    await pasted(it, first)
    const after = await folderOf()
    if (after !== before) throw new Error(`the database lies in another folder than before: ${String(after)}`)
  } },
  { name: 'a claim that is gone, and pods that want it', id: ['claim-missing', 'pv-released-not-rebinding'], also: ['claim-missing', 'pv-released-not-rebinding'], harm: async it => {
    await stopped(it, ...users)
    await kube(it, 'delete', 'pvc', dags)
    await kube(it, 'scale', ...users, '--replicas=1')
  } },
  { name: 'a volume that is Released', id: 'pv-released-not-rebinding', tells: /local-dags-pv/, harm: it => pairByHand(it, {}) },
  { name: 'a volume of another class', id: 'static-pv-mismatch', also: ['immutable-field'], tells: /class/i, harm: it => pairByHand(it, {}, { storageClassName: 'local-path' }) },
  { name: 'a volume that is too small', id: 'static-pv-mismatch', also: ['immutable-field'], tells: /100Mi/, harm: it => pairByHand(it, {}, { capacity: { storage: '100Mi' } }) },
  { name: 'a volume with another access mode', id: 'static-pv-mismatch', also: ['immutable-field'], tells: /ReadWriteOnce/, harm: it => pairByHand(it, {}, { accessModes: ['ReadWriteOnce'] }) },
  { name: 'a claim of a class that does not exist', id: 'pvc-no-usable-storageclass', also: ['immutable-field'], tells: /no-such-class/, harm: it => pairByHand(it, { storageClassName: 'no-such-class', selector: undefined }) },
  { name: 'a claim that many nodes may write, of the provisioner', id: 'local-path-provisioning-failed', also: ['immutable-field'], tells: /ReadWriteOnce/, harm: it => pairByHand(it, { storageClassName: 'local-path', accessModes: ['ReadWriteMany'], selector: undefined }) },
  { name: 'a volume deleted by force', id: 'claim-lost', tells: /airflow-local-dags-folder/, harm: async it => {
    await kubectl(['delete', 'pv', volumeOf(it), '--wait=false'])
    await kubectl(['patch', 'pv', volumeOf(it), '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
  } },
]

const database = 'data-airflow-postgresql-0'

const held: Fault[] = [
  { name: 'the claim of the database deleted, and kept by somebody\'s finalizer', id: 'claim-terminating', also: ['database-unreachable'], seconds: 100, tells: /example\.org\/keep/, harm: async it => {
    await kube(it, 'patch', 'pvc', database, '--type=merge', '-p', '{"metadata":{"finalizers":["kubernetes.io/pvc-protection","example.org/keep"]}}')
    await kube(it, 'delete', 'pvc', database, '--wait=false')
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
  },
  mend: async (it, { fix: [first] }) => {
    const before = await volumeOfDatabase(it)
    await pasted(it, first ?? '')
    const after = await volumeOfDatabase(it)
    if (after !== before) throw new Error(`the database has another volume than before: ${after}`)
  },
  undo: it => kube(it, 'patch', 'pvc', database, '--type=merge', '-p', '{"metadata":{"finalizers":["kubernetes.io/pvc-protection"]}}') },
]

const folders: Fault[] = [
  { name: 'a DAG that only root may read', id: 'dags-not-readable', tells: /my dag\.py is of uid 0, gid 0, mode 600/, harm: async it => {
    await writeFile(join(it.base, 'dags', 'my dag.py'), '')
    await chown(join(it.base, 'dags', 'my dag.py'), 0, 0)
    await chmod(join(it.base, 'dags', 'my dag.py'), 0o600)
  }, undo: it => rm(join(it.base, 'dags', 'my dag.py'), { force: true }) },
  { name: 'the DAGs folder removed on the node', id: 'hostpath-not-on-the-node', tells: /\/dags/, harm: async it => {
    await rm(join(it.base, 'dags'), { recursive: true })
    await deletePods(it, 'scheduler')
  } },
  { name: 'a file in the place of the DAGs folder', id: 'hostpath-not-on-the-node', tells: /no folder/, harm: async it => {
    await rm(join(it.base, 'dags'), { recursive: true })
    await writeFile(join(it.base, 'dags'), '')
    await deletePods(it, 'scheduler')
  } },
  { name: 'the logs folder closed', id: 'logs-not-writable-50000', tells: /\/logs/, harm: async it => {
    await chmod(join(it.base, 'logs'), 0)
    await deletePods(it, 'scheduler')
  } },
  { name: 'the logs folder given to root', id: 'logs-not-writable-50000', tells: /\/logs/, harm: async it => {
    await chown(join(it.base, 'logs'), 0, 0)
    await rm(join(it.base, 'logs', 'scheduler'), { recursive: true, force: true })
    await chmod(join(it.base, 'logs'), 0o755)
    await deletePods(it, 'scheduler')
  } },
  // A disk of its own, of one page, over the folder.
  { name: 'the disk of the logs full', id: 'node-pressure-evicted', tells: /disk of Airflow's logs\n.*\/logs: 0 MiB free/,
    harm: it => must('mount', ['-t', 'tmpfs', '-o', 'size=4k,uid=50000,gid=0,mode=0775', 'tmpfs', join(it.base, 'logs')]),
    mend: it => must('umount', [join(it.base, 'logs')]),
    undo: it => must('umount', ['-l', join(it.base, 'logs')]).catch(() => undefined) },
]

const classes: Fault[] = [
  { name: 'two default classes', id: 'two-default-storageclasses', tells: /second-default/, harm: () => apply(class_('second-default', 'example.org/none', { [mark]: 'true' })), undo: () => kubectlMaybe(['delete', 'storageclass', 'second-default', '--ignore-not-found']) },
]

const old = (it: Site): string => `${it.name}-old`

const leftovers: Fault[] = [
  { name: 'a provisioner that crashes while no claim waits', id: 'provisioner-not-running', seconds: 120, tells: /does not run\n/, harm: async () => {
    await kubectl(['-n', 'local-path-storage', 'patch', 'configmap', 'local-path-config', '--type=merge', '-p', JSON.stringify({ data: { 'config.json': '{' } })])
    await kubectl(['-n', 'local-path-storage', 'rollout', 'restart', 'deployment/local-path-provisioner'])
    await kubectl(['-n', 'local-path-storage', 'delete', 'pod', '-l', 'app=local-path-provisioner'])
  }, undo: it => it.airstrip(['apply', '--only', 'provisioner']) },
  // The cluster itself cleans up only below /tmp, and says so of the volume.
  { name: 'a volume that nobody can clean up', id: 'volume-reclaim-failed', tells: /-old is Failed/, harm: async it => {
    const spec = { storageClassName: 'by-hand', accessModes: ['ReadWriteOnce'] }
    await apply({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: old(it) }, spec: { ...spec, capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: join(it.base, 'old') }, claimRef: { namespace: it.namespace, name: 'old' } } },
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'old', namespace: it.namespace }, spec: { ...spec, volumeName: old(it), resources: { requests: { storage: '1Gi' } } } })
    await kube(it, 'wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/old', '--timeout=30s').catch(() => '')
    await kube(it, 'delete', 'pvc', 'old')
  }, undo: it => kubectlMaybe(['delete', 'pv', old(it), '--ignore-not-found']) },
]

void t.test('storage that breaks under a release', async t => {
  const it = await site(t, 'doctorstorage')
  t.teardown(() => kubectlMaybe(['delete', 'storageclass', 'second-default', '--ignore-not-found']))
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...pairs, ...held, ...folders, ...classes, ...leftovers])
})

/** A quota holds the database's claim back until the class or the provisioner is as the test wants it. */
async function installAgainst(it: Site, harm: () => Promise<unknown>): Promise<void> {
  exits(t, await it.airstrip(['apply', '--to', 'storage']), 0)
  await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'no-more-claims', namespace: it.namespace }, spec: { hard: { persistentvolumeclaims: '2' } } })
  const running = it.start(['apply'])
  await until('the database is wanted', async () => (await kubectlMaybe(['-n', it.namespace, 'get', 'statefulset', 'airflow-postgresql', '-o', 'name'])) !== '')
  await harm()
  await kube(it, 'delete', 'quota', 'no-more-claims')
  running.child.kill('SIGTERM')
  await running.ended
}

const fresh: Fault[] = [
  { name: 'no default class when the database\'s claim is made', id: 'pvc-no-usable-storageclass', tells: /data-airflow-postgresql-0/, also: ['helm-release-failed'],
    harm: it => installAgainst(it, () => kubectl(['annotate', 'storageclass', 'local-path', `${mark}-`])),
    undo: it => it.airstrip(['apply']) },
  { name: 'no provisioner when the database\'s claim is made', id: 'provisioner-not-running', tells: /local-path-provisioner/, also: ['helm-release-failed'],
    harm: it => installAgainst(it, () => kubectl(['-n', 'local-path-storage', 'scale', 'deployment/local-path-provisioner', '--replicas=0'])),
    undo: it => it.airstrip(['apply']) },
  { name: 'a class that does not exist, in the values', id: 'pvc-no-usable-storageclass', tells: /not-there/, also: ['helm-release-failed'],
    harm: async it => {
      it.write({ airflow: { values: { postgresql: { primary: { persistence: { storageClass: 'not-there' } } } } } })
      await it.airstrip(['apply'])
    },
    mend: async it => {
      await apply(class_('not-there', 'rancher.io/local-path'))
      await it.airstrip(['apply'])
    } },
  { name: 'a class that does not exist, of a claim that the chart makes unasked', id: 'pvc-no-usable-storageclass', explains: ['hidden-log-pvcs'], tells: /logs-airflow-triggerer-0/, also: ['helm-release-failed'],
    harm: async it => {
      it.write({ airflow: { values: { logs: { persistence: { enabled: false } }, triggerer: { persistence: { enabled: true, storageClassName: 'not-there' } } } } })
      await it.airstrip(['apply'])
    },
    mend: async it => {
      it.write({ airflow: { values: { logs: { persistence: { enabled: false } }, triggerer: { persistence: { enabled: false } } } } })
      await it.airstrip(['apply'])
    } },
]

for (const [index, fault] of chosen(fresh).entries()) {
  void t.test(fault.name, async t => {
    const it = await site(t, `doctorfresh${index + 1}`)
    t.teardown(() => kubectlMaybe(['delete', 'storageclass', 'not-there', '--ignore-not-found']))
    await oneFault(t, it, fault)
  })
}
