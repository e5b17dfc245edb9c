/** What of a release goes when it is taken down, what stays, and whose it is. */
import { blockedBy, isNonEmpty } from '../check.ts'
import { nameOf, refOf } from '../changes.ts'
import { hasOurLabel } from '../manifest/ours.ts'
import { isLeaving, leavingOf } from '../observe/leaving.ts'
import { executorPodsOf } from '../observe/owners.ts'
import type { KubernetesObject, Reader, Release } from '../access.ts'
import type { Change, Demolition, Kept, Pending, Takedown } from '../step.ts'
import { isKept } from './helm-marks.ts'
import { everySecretRef, secretNames } from './keys.ts'
import { judgeOperation } from './lock.ts'
import { markedFingerprint, operationRef } from './operation.ts'
import type { AirflowSpec } from './spec.ts'

/** What lies around the release, and is not in Helm's record. */
interface Surroundings {
  lease: KubernetesObject | undefined
  /** Keys and passwords of ours. */
  secrets: KubernetesObject[]
  pods: KubernetesObject[]
  /** Those of the pods in which tasks run. */
  tasks: KubernetesObject[]
  claims: KubernetesObject[]
  /** Of the whole cluster. */
  volumes: KubernetesObject[]
  /** What hooks of the chart made, which Helm does not take away. */
  hooks: KubernetesObject[]
}

/** First the release, then what it leaves; the Lease last, since it tells whose the rest is. */
export async function takeDownAirflow(spec: AirflowSpec, reader: Reader, { data }: Demolition): Promise<Takedown> {
  const { name, namespace } = spec.release
  const release = await reader.release(name, namespace)
  const around = await surroundingsOf(spec, release, reader)
  if (release !== undefined && !isOurs(spec, release, around.lease)) return { state: 'ready', goes: [], leaving: [], stays: [foreign(release), ...[...around.claims, ...around.secrets].map(ofForeign)] }
  const verdict = await judgeOperation(release, around.lease, reader)
  const { blocked } = blockedBy(verdict.state === 'held' ? [verdict.finding] : [])
  if (blocked?.state === 'blocked') return { state: 'blocked', findings: blocked.findings }
  const unlock: Change[] = verdict.state === 'stale' ? [{ op: 'unlock', release: { name, namespace }, live: release, why: verdict.why }] : []
  const uninstall: Change[] = release === undefined ? [] : [{ op: 'uninstall', live: release, why: `${release.chart.name} ${release.chart.version} with its ${release.objects.length} objects` }]
  const kept = await keptByHelm(release, reader)
  return {
    state: 'ready',
    goes: [...unlock, ...hooksLeft(around), ...uninstall, ...tasks(around), ...(data ? dataOf(around) : []), ...gone(around.lease === undefined ? [] : [around.lease], () => 'it told who was at work on the release', true)],
    stays: [...(data ? retainedBy(around) : [...around.claims.map((claim) => keptClaim(claim, spec)), ...[...around.secrets, ...around.hooks.filter(isSecret)].map(keptSecret)]), ...kept, ...elsewhere(spec)],
    leaving: [...leavingOf([...around.pods, ...around.hooks, ...around.claims, ...around.secrets]), ...(data ? reclaimed(around, spec) : [])],
  }
}

async function surroundingsOf(spec: AirflowSpec, release: Release | undefined, reader: Reader): Promise<Surroundings> {
  const { name, namespace } = spec.release
  const [[lease, ...secrets], hooks, near, volumes] = await Promise.all([
    reader.get([operationRef(spec.release), ...everySecretRef(spec.keys)]),
    reader.get(release?.hooks.map(({ ref }) => ref) ?? []),
    reader.list({ resources: ['pods', 'persistentvolumeclaims'], namespace }),
    reader.list({ resources: ['persistentvolumes'] }),
  ])
  const ours = near.filter((object) => isOfRelease(object, name))
  return {
    lease: lease !== undefined && hasOurLabel(lease) ? lease : undefined,
    secrets: secrets.filter((object) => object !== undefined).filter(hasOurLabel),
    hooks: hooks.filter((object) => object !== undefined),
    pods: ours.filter(({ kind }) => kind === 'Pod'),
    tasks: executorPodsOf(name, ours),
    claims: ours.filter((object) => object.kind === 'PersistentVolumeClaim' && isOfASet(object.metadata.name, name)),
    volumes,
  }
}

function isSecret({ kind }: KubernetesObject): boolean {
  return kind === 'Secret'
}

/** Charts of either kind write one of the two on pods, and a StatefulSet on its claims. */
function isOfRelease({ metadata: { labels = {} } }: KubernetesObject, release: string): boolean {
  return labels.release === release || labels['app.kubernetes.io/instance'] === release
}

/** `data-airflow-postgresql-0`: template, set and number. */
function isOfASet(claim: string, release: string): boolean {
  return new RegExp(`-${release}(-.+)?-\\d+$`).test(claim)
}

/** Helm writes what went wrong where our mark was; then the Lease is there, and the values name our Secrets. */
function isOurs(spec: AirflowSpec, { description, values }: Release, lease: KubernetesObject | undefined): boolean {
  if (markedFingerprint(description) !== undefined) return true
  const text = JSON.stringify(values)
  return lease !== undefined && Object.values(secretNames(spec.keys.release)).some((name) => text.includes(JSON.stringify(name)))
}

function foreign(release: Release): Kept {
  return { object: `Helm release ${release.namespace}/${release.name}`, why: 'it was installed by other means' }
}

function ofForeign(object: KubernetesObject): Kept {
  return { object: nameOf(object), why: 'it belongs to that release' }
}

function gone(objects: readonly KubernetesObject[], why: (object: KubernetesObject) => string, freeing = false): Change[] {
  return objects.filter((object) => !isLeaving(object)).map((live): Change => ({ op: 'delete', live, why: why(live), ...(freeing ? { freeing: true } : {}) }))
}

/** Before the release, whose record alone names them; its Secrets may be keys. */
function hooksLeft({ hooks }: Surroundings): Change[] {
  return gone(hooks.filter((object) => !isSecret(object)), () => 'a hook of the chart made it, and Helm leaves it')
}

function tasks({ tasks }: Surroundings): Change[] {
  return gone(tasks, () => 'a task runs in it, and nobody hears of its end any more', true)
}

function dataOf({ claims, volumes, secrets, hooks }: Surroundings): Change[] {
  return [
    ...gone(claims, (claim) => `its data goes with it: ${nameOfVolume(claim, volumes)}`),
    ...gone([...secrets, ...hooks.filter(isSecret)], () => 'without it nothing that it encrypted can be read again'),
  ]
}

function volumeOf({ spec }: KubernetesObject, volumes: readonly KubernetesObject[]): KubernetesObject | undefined {
  const { volumeName } = spec as { volumeName?: string }
  return volumes.find(({ metadata }) => metadata.name === volumeName)
}

function nameOfVolume(claim: KubernetesObject, volumes: readonly KubernetesObject[]): string {
  const volume = volumeOf(claim, volumes)
  return volume === undefined ? 'it has no volume' : nameOf(volume)
}

interface VolumeSpec {
  persistentVolumeReclaimPolicy?: string
  claimRef?: { namespace?: string; name?: string }
}

function retainedBy({ claims, volumes }: Surroundings): Kept[] {
  return claims.flatMap((claim) => {
    const volume = volumeOf(claim, volumes)
    return volume === undefined || (volume.spec as VolumeSpec).persistentVolumeReclaimPolicy !== 'Retain' ? [] : [{ object: nameOf(volume), why: 'its reclaim policy is Retain, so its data stays' }]
  })
}

/** Before these are gone their provisioner must not go. */
function reclaimed({ volumes, claims }: Surroundings, { release: { name, namespace } }: AirflowSpec): Pending[] {
  return volumes.flatMap((volume) => {
    const { persistentVolumeReclaimPolicy: policy, claimRef } = volume.spec as VolumeSpec
    const ours = claimRef?.namespace === namespace && isOfASet(claimRef.name ?? '', name) && !claims.some(({ metadata }) => metadata.name === claimRef.name)
    const { phase } = (volume.status ?? {}) as { phase?: string }
    return ours && policy === 'Delete' && phase !== 'Failed' ? [{ object: nameOf(volume), reason: 'its claim is gone, and its provisioner takes it away' }] : []
  })
}

function keptClaim(claim: KubernetesObject, { release: { name } }: AirflowSpec): Kept {
  return { object: nameOf(claim), why: claim.metadata.name === `data-${name}-postgresql-0` ? 'the database is in it' : 'the data of a StatefulSet is in it' }
}

function keptSecret(secret: KubernetesObject): Kept {
  return { object: nameOf(secret), why: 'the same database opens with it again' }
}

/** By what the live object says. */
async function keptByHelm(release: Release | undefined, reader: Reader): Promise<Kept[]> {
  const marked = (release?.objects ?? []).filter(isKept)
  const live = isNonEmpty(marked) ? await reader.get(marked.map(refOf)) : []
  return live.flatMap((object) => (object === undefined || !isKept(object) ? [] : [{ object: nameOf(object), why: 'the chart says that it is kept' }]))
}

function elsewhere({ release: { values }, keys: { database } }: AirflowSpec): Kept[] {
  return values.database.external !== undefined ? [{ object: `Database ${database.name} on ${database.host}:${database.port}`, why: 'airstrip did not make it' }] : []
}
