/**
 * Whether a claim will be bound.
 *
 * Phase first, then what stands in the claim's way. A claim that waits for its first consumer is
 * never at fault: an installer that waits for Bound before it makes pods waits for ever.
 *
 *   status: {phase: Pending}
 *   spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}, volumeMode: Filesystem}
 *   Normal FailedBinding: no persistent volumes available for this claim and no storage class is set
 */
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import type { KubernetesObject } from '../access.ts'
import { isDefault, isStatic, noUsableClass } from './class.ts'
import { describeEvent, eventsAbout, latest } from './events.ts'
import { foreignFinalizers, letGo } from './finalizers.ts'
import { type Context, type Observation, done, failed, fixOf, inNamespace, nameOf, waiting } from './observation.ts'
import { controllerOf, isTask, madeByOwner, workloadOf } from './owners.ts'
import { observeProvisioner, refusedByProvisioner } from './provisioner.ts'
import { type Claim, fits, madeByHand, meantFor, sameClass, staticVerdict } from './static-volume.ts'

export function observeClaim(object: KubernetesObject, context: Context): Observation {
  const claim = object as Claim
  const phase = claim.status?.phase
  if (object.metadata.deletionTimestamp !== undefined) return leaving(object, context)
  if (phase === 'Bound') return done(`${nameOf(object)} is bound to ${claim.spec?.volumeName ?? 'a volume'}`)
  if (phase === 'Lost') return lost(object, context)
  return pending(claim, context)
}

/** Of step storage, and bound to nothing: made again it is as the step wants it. */
const madeAgain = ['pvc-no-usable-storageclass', 'local-path-provisioning-failed']

function pending(claim: Claim, context: Context): Observation {
  const look = unbound(claim, context)
  const { metadata: { namespace = 'default', name, labels }, spec } = claim
  const ours = labels?.['app.kubernetes.io/managed-by'] === 'airstrip' && spec?.storageClassName !== 'airflow-storage'
  if (look.state !== 'failed' || !ours || !madeAgain.includes(look.finding.id)) return look
  return { ...look, finding: { ...look.finding, fix: [`kubectl -n ${namespace} delete pvc ${name} --wait=false && npx tsx run.ts apply # never bound, so it holds no data; airstrip makes it again as it is to be`, ...look.finding.fix] } }
}

function unbound(claim: Claim, context: Context): Observation {
  const className = claim.spec?.storageClassName
  const { volumes, classes } = context
  const fitting = volumes?.find((volume) => fits(claim, volume))
  if (fitting) return waiting(`fits volume ${fitting.metadata.name} and waits to be bound to it${consumer(claim, context)}`)
  const storageClass = classes?.find((one) => one.metadata.name === className) as StorageClass | undefined
  if (byHand(claim, storageClass, volumes)) return staticVerdict(claim, context)
  if (storageClass === undefined) return noUsableClass(claim, context)
  return dynamic(claim, storageClass, context)
}

/** A volume that was made for this claim says more than a class that cannot serve it. */
function byHand(claim: Claim, storageClass: StorageClass | undefined, volumes: Context['volumes'] = []): boolean {
  const { storageClassName, volumeName } = claim.spec ?? {}
  if (volumeName !== undefined || storageClassName === '' || isStatic(storageClass)) return true
  // The class of hand-made volumes need not exist as an object.
  const nameOnly = storageClass === undefined && storageClassName !== undefined
  return volumes.some((volume) => meantFor(claim, volume) || (nameOnly && madeByHand(volume) && sameClass(claim, volume)))
}

function dynamic(claim: KubernetesObject, storageClass: StorageClass, context: Context): Observation {
  const events = eventsAbout(claim, context.events)
  const trouble = latest(events, 'ProvisioningFailed', 'ProvisioningSucceeded')
  const refused = trouble?.reason === 'ProvisioningFailed' ? refusedByProvisioner(claim, trouble) : undefined
  if (refused) return refused
  if (trouble === undefined && waitsForConsumer(claim, context)) return waiting(`waits for its first consumer${consumer(claim, context)}`)
  const helpless = observeProvisioner(claim, storageClass, events, context)
  if (helpless) return helpless
  if (trouble?.reason === 'ProvisioningFailed') return waiting(describeEvent(trouble))
  const last = events.at(-1)
  return waiting(last ? describeEvent(last) : `waits for a volume from ${storageClass.provisioner}`)
}

/**
 * True for a claim that is Pending on purpose: its class binds when a pod that uses it is placed.
 * Such a claim is as ready as it can be.
 */
export function waitsForConsumer(object: KubernetesObject, { classes = [] }: Pick<Context, 'classes'>): boolean {
  const claim = object as PersistentVolumeClaim
  if (claim.status?.phase === 'Bound' || claim.metadata?.annotations?.['volume.kubernetes.io/selected-node'] !== undefined) return false
  const name = claim.spec?.storageClassName
  const storageClass = classes.find((one) => (name === undefined ? isDefault(one) : one.metadata.name === name))
  return (storageClass as StorageClass | undefined)?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** The pods that use it. */
export function consumersOf(claim: KubernetesObject, pods: readonly KubernetesObject[]): KubernetesObject[] {
  const { namespace, name } = claim.metadata
  return pods.filter((pod) => pod.metadata.namespace === namespace && claimNamesOf(pod).includes(name))
}

export function claimNamesOf(pod: KubernetesObject): string[] {
  const { volumes } = (pod.spec ?? {}) as { volumes?: { persistentVolumeClaim?: { claimName: string } }[] }
  return (volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? [])
}

function consumer(claim: KubernetesObject, context: Context): string {
  const [pod] = consumersOf(claim, context.pods)
  return pod ? `; ${nameOf(pod)} uses it` : '; no pod uses it yet'
}

/**
 * Only a pod that has a node keeps a claim: one that is still to be placed is refused instead
 * (`persistentvolumeclaim "x" is being deleted`), and waits for ever for the claim to be made again.
 */
function leaving(claim: KubernetesObject, context: Context): Observation {
  const { pods } = context
  const holders = consumersOf(claim, pods).filter((pod) => {
    const { spec, status } = pod as Pod
    return spec?.nodeName !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
  })
  const [holder] = holders
  const { namespace = 'default', name, deletionTimestamp } = claim.metadata
  if (holder === undefined && foreignFinalizers(claim).length > 0) return held(claim, context)
  const endsByItself = (pod: KubernetesObject): boolean => isTask(pod) || controllerOf(pod)?.kind === 'Job'
  if (holder === undefined || holders.every(endsByItself) || holders.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) return waiting('is being deleted')
  const found = failed(claim, 'claim-terminating', {
    title: `Claim ${name} is being deleted while pods use it`,
    evidence: [`${nameOf(claim)} has been on its way out since ${String(deletionTimestamp)}`, ...holders.slice(0, 3).map((pod) => `${nameOf(pod)} uses it`)],
    why: 'A deletion cannot be taken back. The claim goes as soon as these pods end, with its volume where that is to be deleted, and no new pod can use it.',
    fix: holders.some((pod) => madeByOwner(pod, name)) ? [`${succeeded(claim, context)} # lets the claim go, and keeps its volume for the next one of that name`] : fixOf(
      retaining(claim, context),
      `kubectl -n ${namespace} delete pod ${holders.map(({ metadata }) => metadata.name).join(' ')} && npx tsx run.ts apply # lets the claim go, and makes what is missing then`,
    ),
  })
  return { ...found, since: deletionTimestamp }
}

/** No pod keeps it: a finalizer of somebody who does not come. */
function held(claim: KubernetesObject, context: Context): Observation {
  const { name, deletionTimestamp } = claim.metadata
  const found = failed(claim, 'claim-terminating', {
    title: `Claim ${name} is being deleted and does not go`,
    evidence: [`${nameOf(claim)} has been on its way out since ${String(deletionTimestamp)}`, `it has the finalizers ${foreignFinalizers(claim).join(', ')}`],
    why: 'It is kept until whoever set the finalizer takes it away; until then no pod can use it, and none of its name can be made.',
    fix: [`${succeeded(claim, context)} # when nobody is there any more who would take them away: lets it go, and keeps its volume for the next claim of that name`],
  })
  return { ...found, since: deletionTimestamp }
}

/**
 * Once it goes, its volume must be free for a claim of its name before a StatefulSet makes one: else that gets an
 * empty volume, and a database begins anew beside the one that is kept. So its set stands still meanwhile.
 */
function succeeded(claim: KubernetesObject, context: Context): string {
  const { pods, events } = context
  const { name } = claim.metadata
  // Whoever pastes this line alone must not lose the volume with the claim.
  const keep = retaining(claim, context).map((command) => `${command.split(' # ')[0] ?? ''} && `).join('')
  const first = foreignFinalizers(claim).length === 0 ? '' : `${letGo(claim)} && `
  const { volumeName } = (claim as PersistentVolumeClaim).spec ?? {}
  const set = consumersOf(claim, pods).filter((pod) => madeByOwner(pod, name)).map(workloadOf).find((one) => one !== undefined) ?? refusedFor(claim, events)
  const scale = (replicas: number): string => (set === undefined ? '' : `kubectl ${inNamespace(claim)} scale statefulset ${set.name} --replicas=${replicas} && `)
  // Its second deletion only waits for the first: while it is there its volume is bound to it again at once.
  const free = volumeName === undefined ? '' : `kubectl ${inNamespace(claim)} delete pvc ${name} --ignore-not-found && kubectl patch pv ${volumeName} --type=merge -p '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}' && `
  return `${keep}${scale(0)}${first}${free}${scale(1)}npx tsx run.ts apply`
}

/**
 * The StatefulSet that makes no pod as long as the claim is there:
 *
 *   Warning FailedCreate: create Pod airflow-postgresql-0 in StatefulSet airflow-postgresql failed error: pvc data-airflow-postgresql-0 is being deleted
 */
export function refusedFor({ metadata: { name, namespace } }: KubernetesObject, events: readonly KubernetesObject[]): { kind: string; name: string } | undefined {
  const event = (events as readonly unknown[] as Event[]).findLast(({ reason, message = '', involvedObject }) => reason === 'FailedCreate' && involvedObject.kind === 'StatefulSet' && involvedObject.namespace === namespace && message.endsWith(` pvc ${name} is being deleted`))
  return event === undefined ? undefined : { kind: 'StatefulSet', name: event.involvedObject.name ?? '' }
}

/** First of all, so that what is in the volume outlives the claim. */
function retaining(claim: KubernetesObject, { volumes = [] }: Context): string[] {
  const { volumeName } = (claim as PersistentVolumeClaim).spec ?? {}
  const volume = volumes.find((one) => one.metadata.name === volumeName) as PersistentVolume | undefined
  if (volumeName === undefined || volume?.spec?.persistentVolumeReclaimPolicy === 'Retain') return []
  return [`kubectl patch pv ${volumeName} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' # first: so that what is in the volume outlives the claim`]
}

function lost(claim: KubernetesObject, context: Context): Observation {
  const event = latest(eventsAbout(claim, context.events), 'ClaimLost', 'ClaimMisbound')
  const { namespace = 'default', name } = claim.metadata
  const { volumeName } = (claim as PersistentVolumeClaim).spec ?? {}
  return failed(claim, 'claim-lost', {
    title: 'A claim has lost its volume',
    evidence: [`${nameOf(claim)} is Lost`, ...(event ? [describeEvent(event)] : [])],
    why: 'The volume that the claim was bound to is gone or belongs to another claim; Kubernetes binds it again only when a volume of that name, free or its own, is there.',
    fix: fixOf(
      claim.metadata.labels?.['app.kubernetes.io/managed-by'] === 'airstrip' ? ['npx tsx run.ts apply --only storage # makes the volume again, which is a folder that is still there; the claim binds to it by itself'] : [],
      `kubectl get pv ${volumeName ?? ''}; kubectl -n ${namespace} get pvc ${name} -o yaml # make a volume of that name for what is still on the disk, and the claim binds to it by itself`,
      `Where nothing of it is wanted any more: kubectl -n ${namespace} delete pvc ${name}, and the pods that use it`,
    ),
  })
}
