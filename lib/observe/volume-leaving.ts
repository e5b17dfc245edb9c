/**
 * A volume that was deleted while it is in use: Kubernetes keeps it for as long as its claim is there
 * (kubernetes.io/pv-protection), so everything works, and it goes with that claim instead of being bound again.
 */
import type { PersistentVolume } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { consumersOf } from './claim.ts'
import { isLeaving } from './leaving.ts'
import { type Context, inNamespace, nameOf } from './observation.ts'
import { controllerOf, workloadOf } from './owners.ts'

/** The claim that keeps it; undefined where it goes, or nobody has deleted it. */
export function keeperOf(volume: KubernetesObject, claims: readonly KubernetesObject[]): KubernetesObject | undefined {
  const { claimRef } = (volume as PersistentVolume).spec ?? {}
  if (!isLeaving(volume) || claimRef?.uid === undefined) return undefined
  return claims.find((claim) => claim.kind === 'PersistentVolumeClaim' && claim.metadata.uid === claimRef.uid && !isLeaving(claim))
}

/** A warning, since nothing is lost yet. */
export function volumeTerminating(volume: KubernetesObject, claim: KubernetesObject, pods: Context['pods']): Finding {
  return {
    id: 'volume-terminating',
    severity: 'warning',
    title: `${nameOf(volume)} was deleted, and only its claim still keeps it`,
    evidence: [`${nameOf(volume)} has been on its way out since ${String(volume.metadata.deletionTimestamp)}`, `${nameOf(claim)} is bound to it`],
    why: 'A deletion cannot be taken back. All goes on as it is until the claim goes; then the volume does not wait for the next claim, but goes as well.',
    fix: [madeAgain(volume, claim, pods)],
  }
}

/** Airstrip's own are folders that it makes volumes over; of another the volume is written down and made again as it was. */
function madeAgain(volume: KubernetesObject, claim: KubernetesObject, pods: Context['pods']): string {
  const inside = inNamespace(claim)
  const { name } = volume.metadata
  const holders = consumersOf(claim, pods)
  const apply = 'npx tsx run.ts apply'
  if (volume.metadata.labels?.['app.kubernetes.io/managed-by'] === 'airstrip') {
    const ended = holders.length === 0 ? '' : `kubectl ${inside} delete pod ${holders.map(({ metadata }) => metadata.name).join(' ')} && `
    return `kubectl ${inside} delete pvc ${claim.metadata.name} --wait=false && ${ended}${apply} # makes both again over the same folder on the node, whose files stay`
  }
  const set = holders.filter((pod) => controllerOf(pod)?.kind === 'StatefulSet').map(workloadOf).find((one) => one !== undefined)
  const scale = (replicas: number): string => (set === undefined ? '' : `kubectl ${inside} scale statefulset ${set.name} --replicas=${replicas} && `)
  const kept = `kubectl patch pv ${name} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' && (umask 077 && kubectl get pv ${name} -o yaml | sed '/^ *\\(uid\\|resourceVersion\\|deletion[A-Za-z]*\\):/d' > ${name}.yaml)`
  return `${kept} && ${scale(0)}kubectl ${inside} delete pvc ${claim.metadata.name} && kubectl delete pv ${name} --ignore-not-found && kubectl create -f ${name}.yaml && ${scale(1)}${apply} # makes it again over the same data, for the next claim of that name; a backup first is no mistake: npx tsx run.ts backup`
}
