/**
 * Volumes that are on one node, and a pod that no such node takes.
 *
 *   0/1 nodes are available: 1 node(s) had volume node affinity conflict.
 *   0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.
 */
import type { Node, PersistentVolume } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf } from './claim.ts'
import { reachesVolumes } from './node-fit.ts'
import { type Context, type Failed, failed, fixOf } from './observation.ts'
import { type Claim, fits } from './static-volume.ts'

/**
 * The same before the claim is bound: where it waits for its first consumer, the scheduler has to find the volume. It
 * is made by hand, fits, and is of no node that there is.
 */
export function unboundElsewhere(pod: KubernetesObject, said: string, evidence: string[], context: Context): Failed | undefined {
  if (!said.includes('find available persistent volumes to bind')) return undefined
  const names = claimNamesOf(pod)
  const unbound = context.claims.filter(({ metadata, status }) =>
    metadata.namespace === pod.metadata.namespace && names.includes(metadata.name) && (status as { phase?: string } | undefined)?.phase === 'Pending')
  const nodes = (context.nodes ?? []) as readonly unknown[] as Node[]
  for (const claim of unbound) {
    const fitting = (context.volumes ?? []).filter((volume) => fits(claim as Claim, volume)) as PersistentVolume[]
    const reached = fitting.some((volume) => nodes.some((node) => reachesVolumes(node, [volume])))
    if (fitting.length > 0 && nodes.length > 0 && !reached) return volumeElsewhere(pod, fitting, evidence, context)
  }
  return undefined
}

function hostnamesIn(volumes: readonly PersistentVolume[]): string[] {
  return volumes.flatMap(({ spec }) => spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [])
    .flatMap(({ matchExpressions = [] }) => matchExpressions).filter(({ key }) => key === 'kubernetes.io/hostname').flatMap(({ values = [] }) => values)
}

/** One node and one name for it: it was renamed. Not where another volume knows it by the name that it has now, and would lose it. */
function renamed(volumes: PersistentVolume[], { nodes = [], volumes: all = [] }: Context): string[] {
  const [name, ...others] = [...new Set(hostnamesIn(volumes))]
  const [node] = nodes
  if (hostnamesIn(all as readonly unknown[] as PersistentVolume[]).includes(node?.metadata.labels?.['kubernetes.io/hostname'] ?? '')) return []
  return name === undefined || others.length > 0 || nodes.length !== 1 || node === undefined ? [] : [
    `kubectl label node ${node.metadata.name} kubernetes.io/hostname=${name} --overwrite # gives the node its old name back, for what is in the volume`,
    // A kubelet writes it anew whenever it starts.
    `So that it lasts: --node-labels=kubernetes.io/hostname=${name} in KUBELET_EXTRA_ARGS in /etc/default/kubelet (K3s: node-label: ["kubernetes.io/hostname=${name}"] in /etc/rancher/k3s/config.yaml), then restart it`,
  ]
}

export function volumeElsewhere(pod: KubernetesObject, volumes: PersistentVolume[], evidence: string[], context: Context): Failed {
  const names = volumes.map((volume) => volume.metadata?.name ?? '').join(', ')
  return failed(pod, 'volume-node-affinity-conflict', {
    title: `No node can use the volume of a pod: ${names}`,
    evidence: [...evidence, ...volumes.map((volume) => `PersistentVolume ${volume.metadata?.name ?? ''} wants ${JSON.stringify(volume.spec?.nodeAffinity?.required ?? {})}`)],
    why: 'A local volume belongs to the node with a certain hostname label, and there is none with it (any more): a renamed or replaced node.',
    fix: fixOf(
      // One that was never bound holds nothing, and knows its node by a name that may never have been right.
      volumes.some(({ status, spec }) => status?.phase !== 'Available' || spec?.claimRef !== undefined) ? renamed(volumes, context) : [],
      `kubectl get nodes --show-labels; kubectl get pv ${volumes[0]?.metadata?.name ?? 'NAME'} -o yaml`,
      'Give the node its old kubernetes.io/hostname label back; or, for a volume made by hand, delete it and make it again for the right node (Retain keeps the files)',
    ),
  })
}
