/**
 * Volumes made by hand: whether one fits a claim, and why not.
 *
 *   PersistentVolume airflow-local-dags-pv: {phase: Available}, storageClassName: airflow-storage,
 *     accessModes: [ReadOnlyMany], capacity: {storage: 1Gi}, labels: {type: airflow-dags}
 */
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent, eventsAbout, latest } from './events.ts'
import { type Context, type Failed, type Observation, failed, nameOf, waiting } from './observation.ts'
import { quantity } from './quantity.ts'
import { matchesLabels } from './selector.ts'

export type Claim = PersistentVolumeClaim & KubernetesObject

export function fits(claim: Claim, volume: KubernetesObject): boolean {
  return whyNot(claim, volume).length === 0
}

/** Chosen by name, by the volume's own reference, or by label: somebody made the one for the other. */
export function meantFor(claim: Claim, object: KubernetesObject): boolean {
  const { selector, volumeName } = claim.spec ?? {}
  if (volumeName !== undefined) return volumeName === object.metadata.name
  // An empty selector selects everything, which is no choice.
  const chooses = selector !== undefined && Object.keys(selector).length > 0
  return isReserved(object, claim) || (chooses && matchesLabels(selector, object.metadata.labels))
}

/** Without a uid somebody wrote it down beforehand; with one it is what a binding has left, and only of use where the claim could take the volume. */
function isReserved(object: KubernetesObject, claim: Claim): boolean {
  const volume = object as PersistentVolume
  return refersTo(volume, claim) && ((volume.spec?.claimRef?.uid ?? '') === '' || suits(claim, object))
}

/** It could serve the claim, whomever it belongs to now. */
export function suits(claim: Claim, object: KubernetesObject): boolean {
  const volume = object as PersistentVolume
  return differs(claim, volume).length === 0 && tooSmall(claim, volume).length === 0
}

function refersTo(volume: PersistentVolume, claim: Claim): boolean {
  const ref = volume.spec?.claimRef
  return ref?.name === claim.metadata.name && ref.namespace === claim.metadata.namespace
}

/** Every reason, for a person to mend all at once. */
export function whyNot(claim: Claim, object: KubernetesObject): string[] {
  const volume = object as PersistentVolume
  return [...taken(claim, volume), ...differs(claim, volume), ...tooSmall(claim, volume)]
}

function taken(claim: Claim, volume: PersistentVolume): string[] {
  const { claimRef } = volume.spec ?? {}
  const phase = volume.status?.phase ?? 'Available'
  const uid = claimRef?.uid
  if (claimRef && !refersTo(volume, claim)) return [`is ${phase} for ${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`]
  if (uid !== undefined && uid !== '' && uid !== claim.metadata.uid) return ['still refers to an earlier claim of that name']
  return phase === 'Failed' ? ['is Failed'] : []
}

function differs({ spec, metadata }: Claim, { spec: volume, metadata: { name, labels } = {} }: PersistentVolume): string[] {
  const reasons: string[] = []
  const [has, wants] = [volume?.storageClassName ?? '', spec?.storageClassName ?? '']
  if (has !== wants) reasons.push(`is of class "${has}" where ${metadata.name} wants "${wants}"`)
  const modes = volume?.accessModes ?? []
  const lacking = (spec?.accessModes ?? []).filter((mode) => !modes.includes(mode))
  if (lacking.length > 0) reasons.push(`offers ${modes.join(', ')} and not ${lacking.join(', ')}`)
  if (spec?.volumeName !== undefined && spec.volumeName !== name) reasons.push(`is not ${spec.volumeName}, which the claim names`)
  if (spec?.selector && !matchesLabels(spec.selector, labels)) reasons.push(`has the labels ${shown(labels)} where ${metadata.name} selects ${shown(spec.selector)}`)
  const [hasMode, wantsMode] = [volume?.volumeMode ?? 'Filesystem', spec?.volumeMode ?? 'Filesystem']
  if (hasMode !== wantsMode) reasons.push(`is of volumeMode ${hasMode} where ${metadata.name} wants ${wantsMode}`)
  return reasons
}

function tooSmall(claim: Claim, volume: PersistentVolume): string[] {
  const [has, wants] = [volume.spec?.capacity?.storage, claim.spec?.resources?.requests?.storage]
  return quantity(wants) > quantity(has) ? [`has ${String(has)} where ${String(wants)} are wanted`] : []
}

/** For a claim that only a volume made by hand can serve, when none fits. */
export function staticVerdict(claim: Claim, { volumes, events }: Context): Observation {
  if (volumes === undefined) return waiting('waits for a volume made by hand, and the volumes could not be read')
  const meant = volumes.filter((volume) => meantFor(claim, volume))
  const released = meant.find((volume) => isReleasedFor(claim, volume) && suits(claim, volume))
  if (released) return stillReleased(claim, released)
  const dead = meant.find((volume) => (volume as PersistentVolume).status?.phase === 'Failed')
  if (dead) return notReclaimed(dead, claim)
  const close = meant.length > 0 ? meant : volumes.filter((volume) => sameClass(claim, volume))
  const event = latest(eventsAbout(claim, events), 'FailedBinding', 'VolumeMismatch', 'ProvisioningFailed')
  const [first] = close
  const agreed = first === undefined ? undefined : agreement(claim, first)
  const found = close.slice(0, 5).map((volume) => `${nameOf(volume)} ${whyNot(claim, volume).join(', ')}`)
  return failed(claim, 'static-pv-mismatch', {
    title: 'No volume fits a claim that takes only volumes made by hand',
    evidence: [`${nameOf(claim)} is Pending`, ...(event ? [describeEvent(event)] : []), ...(found.length > 0 ? found : ['there is no volume of its class'])],
    why: 'Class, access modes, size and labels must all fit; an omitted class is not "none" but the default one.',
    fix: [
      'npx tsx run.ts apply --only storage # for the pairs that airstrip makes',
      ...(agreed === undefined ? [] : [agreed]),
      'Make the volume and the claim agree in storageClassName, accessModes, size and labels; what a claim asks for cannot be changed, so it is deleted and made again',
    ],
  })
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}

/** The volume made what the claim asks for: of the two it is the one that can be changed. Not where it is another's, or of another mode. */
function agreement(claim: Claim, object: KubernetesObject): string | undefined {
  const volume = object as PersistentVolume
  const { spec = {} } = claim
  const otherMode = (volume.spec?.volumeMode ?? 'Filesystem') !== (spec.volumeMode ?? 'Filesystem')
  const named = spec.volumeName !== undefined && spec.volumeName !== object.metadata.name
  if (otherMode || named || taken(claim, volume).length > 0 || spec.selector?.matchExpressions !== undefined) return undefined
  const { matchLabels } = spec.selector ?? {}
  const patch = {
    ...(matchLabels === undefined ? {} : { metadata: { labels: matchLabels } }),
    spec: { storageClassName: spec.storageClassName ?? '', accessModes: [...new Set([...(volume.spec?.accessModes ?? []), ...(spec.accessModes ?? [])])], ...(tooSmall(claim, volume).length > 0 ? { capacity: { storage: spec.resources?.requests?.storage } } : {}) },
  }
  return `kubectl patch pv ${object.metadata.name} -p '${JSON.stringify(patch)}'`
}

/** `waiting`: the claim that would have it, if any. */
export function notReclaimed(volume: KubernetesObject, waiting?: KubernetesObject): Failed {
  const { name } = volume.metadata
  const { message = 'no message' } = (volume.status ?? {}) as { message?: string }
  return failed(volume, 'volume-reclaim-failed', {
    title: `Volume ${name} could not be reclaimed`,
    evidence: [`${nameOf(volume)} is Failed: ${message}`, ...(waiting === undefined ? [] : [`${nameOf(waiting)} is Pending and would have it`])],
    why: 'Its provisioner could not clean up after the claim before; the volume is of no use until it has.',
    fix: [`kubectl delete pv ${name} # after a look at what it holds (kubectl describe pv ${name}): the folder itself stays`, 'npx tsx run.ts apply --only storage # makes the volumes of the DAGs and logs folders again'],
  })
}

/** What a provisioner made stays when its class is gone, and serves no other claim. */
export function madeByHand({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.['pv.kubernetes.io/provisioned-by'] === undefined
}

export function sameClass(claim: Claim, volume: KubernetesObject): boolean {
  return ((volume as PersistentVolume).spec?.storageClassName ?? '') === (claim.spec?.storageClassName ?? '')
}

function isReleasedFor(claim: Claim, object: KubernetesObject): boolean {
  const volume = object as PersistentVolume
  return volume.status?.phase === 'Released' && refersTo(volume, claim) && volume.spec?.persistentVolumeReclaimPolicy === 'Retain'
}

export function stillReleased(claim: KubernetesObject, volume: KubernetesObject): Observation {
  const { name } = volume.metadata
  return failed(claim, 'pv-released-not-rebinding', {
    title: `Volume ${name} still refers to a deleted claim`,
    evidence: [`${nameOf(claim)} is Pending`, `${nameOf(volume)} is Released with reclaim policy Retain and refers to an earlier ${claim.metadata.name}`],
    why: 'A retained volume never binds again by itself: it may hold data of the claim before.',
    // The reference stays, without the uid: the volume is for a claim of that name, and not for anybody's.
    fix: [`kubectl patch pv ${name} --type=merge -p '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}' # for the DAGs and logs folders; look at what a database volume holds first`],
  })
}
