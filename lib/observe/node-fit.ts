/** Which nodes could ever run a pod: the parts of the scheduler's filters that do not change by themselves. */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf } from './claim.ts'
import { lastingTaints } from './node.ts'
import { type Context, ageMs, isReady } from './observation.ts'
import { quantity } from './quantity.ts'
import { matchesNode } from './selector.ts'

/** The volumes of the pod's claims that are bound to certain nodes. */
export function boundVolumes(pod: KubernetesObject, { claims, volumes = [] }: Context): PersistentVolume[] {
  const names = claimNamesOf(pod)
  const bound = claims
    .filter(({ metadata }) => metadata.namespace === pod.metadata.namespace && names.includes(metadata.name))
    .map((claim) => (claim as PersistentVolumeClaim).spec?.volumeName)
  return volumes.filter(({ metadata }) => bound.includes(metadata.name)) as PersistentVolume[]
}

export function reachesVolumes(node: Node, volumes: readonly PersistentVolume[]): boolean {
  return volumes.every(({ spec }) => !spec?.nodeAffinity?.required || matchesNode(spec.nodeAffinity.required, node))
}

export function isAskedFor(node: Node, { spec }: Pod): boolean {
  const labels = node.metadata?.labels ?? {}
  const selected = Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return selected && (required === undefined || matchesNode(required, node))
}

/** A restart takes minutes; a node that stays away for longer may be switched off for good, and still be listed. */
const restartMs = 600_000

/** Some node would take the pod, and does not for now: it restarts, or has lost its network for a moment. */
export function someNodeComesBack(pod: KubernetesObject, context: Context): boolean {
  const volumes = boundVolumes(pod, context)
  return (context.nodes ?? []).some((object) => {
    const node = object as Node
    const fits = reachesVolumes(node, volumes) && isAskedFor(node, pod as Pod) && lastingTaints(node, pod as Pod).length === 0 && tooBigFor(node, pod as Pod).length === 0
    const since = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
    return fits && !isReady(object) && node.spec?.unschedulable !== true && ageMs(since, context.now) < restartMs
  })
}

const resources = ['cpu', 'memory', 'ephemeral-storage']

/** Of a device plugin, as `nvidia.com/gpu`: a node that does not speak of it has none. */
function devicesOf({ spec }: Pod): string[] {
  const names = (spec?.containers ?? []).flatMap((container) => Object.keys(container.resources?.requests ?? {}))
  return [...new Set(names.filter((name) => name.includes('/') || name.startsWith('hugepages-')))]
}

/** What the pod asks for and an empty node of this size does not have, as a sentence each. */
export function tooBigFor(node: Node, pod: Pod): string[] {
  const { allocatable } = node.status ?? {}
  return [...resources, ...devicesOf(pod)].flatMap((resource) => {
    const has = allocatable?.[resource] ?? (allocatable === undefined || resources.includes(resource) ? undefined : '0')
    const asked = requestOf(pod, resource)
    return has !== undefined && asked > quantity(has)
      ? [`Node ${node.metadata?.name ?? ''} has ${has} ${resource} in all, ${String(pod.metadata?.name)} asks for ${shown(asked, resource)}`]
      : []
  })
}

/** Containers run together and init containers before them, one at a time. */
export function requestOf({ spec }: Pod, resource: string): number {
  const one = (container: { resources?: { requests?: Record<string, string> } }) => quantity(container.resources?.requests?.[resource])
  const together = (spec?.containers ?? []).reduce((sum, container) => sum + one(container), 0)
  const before = Math.max(0, ...(spec?.initContainers ?? []).map(one))
  return Math.max(together, before) + quantity(spec?.overhead?.[resource])
}

function shown(amount: number, resource: string): string {
  return resource === 'cpu' || resource.includes('/') ? String(amount) : `${Math.ceil(amount / 2 ** 20)}Mi`
}
