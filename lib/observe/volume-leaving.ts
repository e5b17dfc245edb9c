/**
 * A volume that was deleted while it is in use: Kubernetes keeps it for as long as its claim is there
 * (kubernetes.io/pv-protection), so everything works, and it goes with that claim instead of being bound again.
 */
import type { PersistentVolume, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, NonEmpty } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import type { Finding } from '../step.ts'
import { consumersOf } from './claim.ts'
import { isLeaving } from './leaving.ts'
import { type Context, inNamespace, nameOf } from './observation.ts'
import { madeByOwner, workloadOf } from './owners.ts'

export interface Deleted {
  volume: KubernetesObject
  /** What keeps it. */
  claim: KubernetesObject
}

/** The claim that keeps it; undefined where it goes, or nobody has deleted it. */
export function keeperOf(volume: KubernetesObject, claims: readonly KubernetesObject[]): KubernetesObject | undefined {
  const { claimRef } = (volume as PersistentVolume).spec ?? {}
  if (!isLeaving(volume) || claimRef?.uid === undefined) return undefined
  return claims.find((claim) => claim.kind === 'PersistentVolumeClaim' && claim.metadata.uid === claimRef.uid && !isLeaving(claim))
}

export function keptOf(volumes: readonly KubernetesObject[], claims: readonly KubernetesObject[]): Deleted[] {
  return volumes.flatMap((volume) => {
    const claim = keeperOf(volume, claims)
    return claim === undefined ? [] : [{ volume, claim }]
  })
}

/** Warnings, since nothing is lost yet. `pods`: all of the namespace; `strangers`: those of them that nothing of ours would make again. */
export function deletedVolumes(all: readonly Deleted[], pods: Context['pods'], strangers: readonly KubernetesObject[] = []): Finding[] {
  // Airstrip makes its own again, at once; mostly the same pods use them.
  const own = all.filter(({ volume, claim }) => volume.metadata.labels?.['app.kubernetes.io/managed-by'] === 'airstrip' && !holdersOf(claim, pods).some((pod) => strangers.includes(pod)))
  const others = all.filter((one) => !own.includes(one))
  return [...(isNonEmpty(own) ? [told(own, overSameFolders(own, pods))] : []), ...others.map((one) => told([one], overSameData(one, pods)))]
}

function told(deleted: readonly Deleted[], fix: string): Finding {
  const names = deleted.map(({ volume }) => nameOf(volume)).join(' and ')
  return {
    id: 'volume-terminating',
    severity: 'warning',
    title: deleted.length === 1 ? `${names} was deleted, and only its claim still keeps it` : `${names} were deleted, and only their claims still keep them`,
    evidence: deleted.flatMap(({ volume, claim }) => [`${nameOf(volume)} has been on its way out since ${String(volume.metadata.deletionTimestamp)}`, `${nameOf(claim)} is bound to it`]),
    why: 'A deletion cannot be taken back. All goes on as it is until the claim goes; then the volume does not wait for the next claim, but goes as well.',
    fix: [fix],
  }
}

function holdersOf(claim: KubernetesObject, pods: Context['pods']): KubernetesObject[] {
  return consumersOf(claim, pods).filter((pod) => !['Succeeded', 'Failed'].includes((pod as Pod).status?.phase ?? ''))
}

const apply = 'npx tsx run.ts apply'

function overSameFolders(deleted: NonEmpty<Deleted>, pods: Context['pods']): string {
  const inside = inNamespace(deleted[0].claim)
  const names = [...new Set(deleted.flatMap(({ claim }) => holdersOf(claim, pods)).map(({ metadata }) => metadata.name))]
  const ended = names.length === 0 ? '' : `kubectl ${inside} delete pod --ignore-not-found ${names.join(' ')} && `
  return `kubectl ${inside} delete pvc ${deleted.map(({ claim }) => claim.metadata.name).join(' ')} --wait=false && ${ended}${apply} # makes them again over the same folders on the node, whose files stay; tasks that run meanwhile are ended`
}

/**
 * Its successor, over the same data and kept for the next claim of that name, is there before anything goes: whoever
 * makes that claim, and be it a run of the timer between two of these commands, gets no empty volume.
 */
function overSameData({ volume, claim }: Deleted, pods: Context['pods']): string {
  const inside = inNamespace(claim)
  const { name } = volume.metadata
  const written = `kubectl patch pv ${name} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' && (umask 077 && kubectl get pv ${name} -o yaml > ${name}.yaml)`
  const holders = holdersOf(claim, pods)
  const sets = [...new Set(holders.map((pod) => (madeByOwner(pod, claim.metadata.name) ? workloadOf(pod)?.name : undefined)))]
  const [set] = sets
  if (set === undefined || sets.length > 1) {
    return `${written} && (umask 077 && kubectl ${inside} get pvc ${claim.metadata.name} -o yaml > ${claim.metadata.name}.yaml) # keeps the data, and writes down how to find it; then, once all who use the claim are stopped, it is deleted, and both are made again from these files, without uid and resourceVersion`
  }
  const scale = (replicas: number): string => `kubectl ${inside} scale statefulset ${set} --replicas=${replicas}`
  const successor = `sed -E -e '/^ *(uid|resourceVersion|deletion[A-Za-z]*):/d' -e 's/^  name: ${name.replaceAll('.', '\\.')}$/  name: ${name}-again/' ${name}.yaml | kubectl create -f -`
  return `${written} && ${successor} && ${scale(0)} && kubectl ${inside} delete pvc ${claim.metadata.name} && ${scale(1)} && ${apply} # a volume over the same data takes its place; a backup first is no mistake: npx tsx run.ts backup`
}
