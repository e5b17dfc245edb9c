import t from 'tap'
import { objectsOf } from '../../../lib/changes.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { hasNoHand, othersHand } from '../../../lib/manifest/ours.ts'
import { folderJob, storageObjects } from '../../../lib/manifest/storage.ts'
import { strangersIn } from '../../../lib/manifest/strangers.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import type { Change, Demolition, Kept, Takedown } from '../../../lib/step.ts'
import { provisioner } from '../../../steps/02-provisioner.ts'
import { storage } from '../../../steps/03-storage.ts'
import { ingress } from '../../../steps/05-ingress.ts'
import { ingressObjects } from '../../../lib/manifest/ingress.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { claim, release, volume } from '../observe/objects.ts'
import { config } from '../../steps/config.ts'

const born = '2023-08-02T10:00:00Z'
const later = '2023-08-02T11:00:00Z'
const by = (manager: string, time = born): object => ({ manager, operation: 'Apply', time, fieldsV1: { 'f:metadata': {} } })
const written = (object: KubernetesObject, ...managers: object[]): KubernetesObject => ({ ...object, metadata: { ...object.metadata, uid: `uid-${object.kind}-${object.metadata.name}`, creationTimestamp: born, managedFields: managers } })
const ours = (object: KubernetesObject): KubernetesObject => written(object, by('airstrip'))
const goes = (seen: Takedown | undefined): string[] => (seen?.state === 'ready' ? seen.goes.flatMap(objectsOf) : [])
const stays = (seen: Takedown | undefined): string[] => (seen?.state === 'ready' ? seen.stays.map(({ object, why }) => `${object}: ${why}`) : [])
const nothing: Demolition = { data: false, goes: [], stays: [] }
const map = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow', uid: `uid-${name}` } })

void t.test('airstrip made what it wrote first, and not what it only joined', (t) => {
  const object = map('x')
  t.equal(othersHand(ours(object)), undefined)
  t.equal(othersHand(written(object, by('airstrip'), by('kubectl-edit', later), by('kube-controller-manager'))), undefined, 'an edit, or a controller, made nothing')
  t.match(othersHand(written(object, by('airstrip', later), by('kubectl-create'))), /was there before airstrip .*kubectl-create/)
  t.match(othersHand(written(object, by('helm'))), /airstrip did not make it/)
  const applied = { ...ours(object), metadata: { ...ours(object).metadata, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } }
  t.match(othersHand(applied), /kubectl apply/)
  t.same([hasNoHand(written(object)), hasNoHand(ours(object)), hasNoHand(applied)], [true, false, false])
  t.end()
})

void t.test('strangers are told from what comes and goes with something else', (t) => {
  const owned = (owner: object): KubernetesObject => ({ ...map('owned'), kind: 'Thing', metadata: { ...map('owned').metadata, ownerReferences: [owner] } })
  const contents = [
    map('kube-root-ca.crt'), { ...map('default'), kind: 'ServiceAccount' }, { ...map('token'), kind: 'Secret', type: 'kubernetes.io/service-account-token' }, { ...map('e'), kind: 'Event' },
    { ...map('record'), kind: 'Secret', type: 'helm.sh/release.v1', metadata: { ...map('record').metadata, labels: { name: 'airflow' } } },
    owned({ kind: 'ReplicaSet', uid: 'gone' }), owned({ kind: 'ConfigMap', uid: 'uid-mine' }), map('mine'), map('kept'), map('in-the-chart'),
    { ...map('leaving'), metadata: { ...map('leaving').metadata, deletionTimestamp: 'now' } },
  ]
  const leaving: Change[] = [{ op: 'delete', live: map('mine'), why: '' }, { op: 'uninstall', live: release({ objects: [map('in-the-chart')] }), why: '' }]
  t.same(strangersIn(contents, { goes: leaving, stays: [{ object: 'ConfigMap airflow/kept', why: '' }] }), [])
  const custom: KubernetesObject = { apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: { name: 'theirs', namespace: 'airflow', uid: 'c', ownerReferences: [{ kind: 'ClusterThing', uid: 'elsewhere' }] } }
  t.same(strangersIn([...contents, custom], { goes: leaving, stays: [{ object: 'ConfigMap airflow/kept', why: '' }] }), [custom], 'of whatever kind')
  t.end()
})

const spec = storage.spec(config())
const job = ours({ ...folderJob(spec, 'home') })
const base = storageObjects(spec).map(ours)
const takeStorage = (objects: KubernetesObject[], asked: Partial<Demolition> = {}) => storage.takedown?.(spec, clusterReader({ objects }), { ...nothing, ...asked })

void t.test('of the storage only the Jobs go; folders, volumes, claims, class and namespace stay', async (t) => {
  const seen = await takeStorage([...base, job])
  t.same(goes(seen), ['Job airflow/airstrip-folders-home'])
  t.match(stays(seen), [/^\/srv\/airflow\/dags and \/srv\/airflow\/logs on the node: .*never deletes a folder/, /PersistentVolumeClaim/, /PersistentVolumeClaim/, /PersistentVolume /, /PersistentVolume /, /StorageClass airflow-storage/, /Namespace airflow/])
})

void t.test('with the data all of it goes, the namespace last, and the folders never', async (t) => {
  const seen = await takeStorage([...base, job], { data: true })
  t.same(goes(seen), ['Job airflow/airstrip-folders-home', 'PersistentVolumeClaim airflow/airflow-local-dags-folder', 'PersistentVolumeClaim airflow/airflow-local-logs-folder', 'PersistentVolume airflow-local-dags-pv', 'PersistentVolume airflow-local-logs-pv', 'StorageClass airflow-storage', 'Namespace airflow'])
  t.match(stays(seen), [/on the node/])
})

void t.test('a namespace that holds anything else stays, and so does one that was there before', async (t) => {
  const strange = await takeStorage([...base, job, map('theirs')], { data: true })
  t.notOk(goes(strange).includes('Namespace airflow'))
  t.match(stays(strange), [/on the node/, 'ConfigMap airflow/theirs: airstrip did not make it', 'Namespace airflow: it also holds ConfigMap theirs'])
  const kept: Kept = { object: 'Secret airflow/airflow-airstrip-admin', why: 'not ours' }
  t.match(stays(await takeStorage([...base], { data: true, stays: [kept] })), [/on the node/, /Namespace airflow: Secret airflow\/airflow-airstrip-admin stays in it/])
  const before = base.map((object) => (object.kind === 'Namespace' ? written(object, by('airstrip', later), by('kubectl-create')) : object))
  t.match(stays(await takeStorage(before, { data: true })), [/on the node/, /Namespace airflow: it was there before airstrip/])
})

void t.test('a namespace that could not be looked at in full stays', async (t) => {
  const reader = { ...clusterReader({ objects: base }), contents: () => Promise.reject(new AirstripError('CALL_FAILED', 'metrics is not available')) }
  const seen = await storage.takedown?.(spec, reader, { ...nothing, data: true })
  t.match(stays(seen), [/on the node/, 'Namespace airflow: what it holds could not all be looked at'])
  t.match(goes(seen), ['PersistentVolumeClaim airflow/airflow-local-dags-folder'])
})

void t.test('a class that another Airflow uses stays', async (t) => {
  const other = volume({}, 'Bound', 'second-local-dags-pv')
  t.match(stays(await takeStorage([...base, other], { data: true })), [/on the node/, 'StorageClass airflow-storage: PersistentVolume second-local-dags-pv still has it'])
})

const named = (kind: string, name: string, apiVersion = 'v1', namespace?: string): KubernetesObject => ({ apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } })
const manifest = [named('Namespace', 'local-path-storage'), named('Deployment', 'local-path-provisioner', 'apps/v1', 'local-path-storage'), named('StorageClass', 'local-path', 'storage.k8s.io/v1')]
// Of a namespace that was applied with nothing but its name the server notes no writer.
const running = manifest.map((object) => (object.kind === 'Namespace' ? written(object) : ours(object)))
const takeProvisioner = (objects: KubernetesObject[], asked: Partial<Demolition> = {}) => provisioner.takedown?.(provisioner.spec(config()), clusterReader({ manifest, objects }), { ...nothing, ...asked })

void t.test('the provisioner goes when no volume needs it, its namespace last', async (t) => {
  t.same(goes(await takeProvisioner(running)), ['StorageClass local-path', 'Deployment local-path-storage/local-path-provisioner', 'Namespace local-path-storage'])
  const theirs = { ...map('theirs'), metadata: { ...map('theirs').metadata, namespace: 'local-path-storage' } }
  t.match(stays(await takeProvisioner([...running, theirs])), ['Namespace local-path-storage: it also holds ConfigMap theirs'])
})

void t.test('while a volume is of its making, or a claim waits for one, it stays with the reason', async (t) => {
  const disk = volume({ storageClassName: 'local-path', persistentVolumeReclaimPolicy: 'Delete' }, 'Bound', 'pvc-1')
  const needed = await takeProvisioner([...running, disk])
  t.same(goes(needed), [])
  t.match(stays(needed), [/StorageClass local-path: PersistentVolume pvc-1 is of its making/, /Deployment/])
  t.match(stays(await takeProvisioner([...running, claim({ storageClassName: 'local-path' })])), [/data-airflow-postgresql-0 waits for a volume/, /Deployment/])
  const going: Change = { op: 'delete', live: claim({ storageClassName: 'local-path', volumeName: 'pvc-1' }), why: '' }
  t.equal(goes(await takeProvisioner([...running, disk], { goes: [going] })).length, 3, 'one whose claim goes before it does not count')
  const stuck = { ...disk, status: { phase: 'Failed' } }
  t.same(goes(await takeProvisioner([...running, stuck], { goes: [going] })), [], 'but one that could not be taken away does')
})

void t.test('a provisioner of somebody else is left alone', async (t) => {
  const theirs = running.map((object) => (object.kind === 'Deployment' ? written(object, by('helm')) : object))
  t.same(goes(await takeProvisioner(theirs)), [])
  t.match(stays(await takeProvisioner(theirs)), ['Deployment local-path-storage/local-path-provisioner: airstrip did not make it'])
  const namespaced = running.map((object) => (object.kind === 'Namespace' ? written(object, by('kubectl-create')) : object))
  t.same(goes(await takeProvisioner(namespaced)), [])
})

void t.test('the route goes before its Middleware, of either group, and not where it is another\'s', async (t) => {
  const asked = ingress.spec(config())
  const objects = ingressObjects({ ...asked, service: 'airflow-webserver' }, 'traefik.io')
  const take = (live: KubernetesObject[]) => ingress.takedown?.(asked, clusterReader({ objects: live }), nothing)
  t.same(goes(await take(objects)), ['IngressRoute airflow/airflow-webserver', 'Middleware airflow/airflow-webserver'])
  const theirs = objects.map((object) => ({ ...object, metadata: { ...object.metadata, labels: {} } }))
  t.same(goes(await take(theirs)), [])
  t.equal(stays(await take(theirs)).length, 2)
})
