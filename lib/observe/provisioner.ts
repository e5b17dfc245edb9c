/**
 * What a provisioner says no to for good. Everything else it may try again: a helper pod that
 * timed out was most often still pulling its image.
 *
 *   Warning ProvisioningFailed: failed to provision volume with StorageClass "local-path": Only support ReadWriteOnce access mode
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent } from './events.ts'
import { type Failed, failed, nameOf } from './observation.ts'

const refusals: { text: RegExp; why: string; fix: string }[] = [
  {
    // Up to v0.0.24, and from v0.0.25 on.
    text: /Only support ReadWriteOnce access mode|NodePath only supports ReadWriteOnce/,
    why: 'local-path makes folders on one node and refuses any mode but ReadWriteOnce.',
    fix: 'Use a hostPath volume made by hand, as the storage step does (npx tsx run.ts apply --only storage), and give the chart its claim (dags.persistence.existingClaim, logs.persistence.existingClaim)',
  },
  {
    text: /claim\.Spec\.Selector is not supported/,
    why: 'A claim with a selector wants a volume made by hand, but its class makes volumes.',
    fix: 'Give the claim the class of the volume it selects, or take the selector out, and make the claim again',
  },
  {
    text: /configuration error, no node was specified/,
    why: 'The class binds at once, and local-path can only choose a folder when a pod has been placed.',
    fix: 'Make the class again with volumeBindingMode: WaitForFirstConsumer (npx tsx run.ts apply --only provisioner)',
  },
  {
    text: /config doesn't contain node|no local path available on node/,
    why: 'local-path has no folder configured for the node of the pod.',
    fix: 'Add the node, or DEFAULT_PATH_FOR_NON_LISTED_NODES, to the ConfigMap local-path-config in local-path-storage',
  },
]

export function refusedByProvisioner(claim: KubernetesObject, event: Event): Failed | undefined {
  const refusal = refusals.find(({ text }) => text.test(event.message ?? ''))
  if (!refusal) return undefined
  return failed(claim, 'local-path-provisioning-failed', {
    title: 'The provisioner refuses what a claim asks for',
    evidence: [`${nameOf(claim)} is Pending`, describeEvent(event)],
    why: refusal.why,
    fix: [refusal.fix, `then: kubectl -n ${claim.metadata.namespace ?? 'default'} delete pvc ${claim.metadata.name}`],
  })
}
