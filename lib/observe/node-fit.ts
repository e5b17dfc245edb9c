/** Which nodes could ever run a pod: the parts of the scheduler's filters that do not change by themselves. */
import type { Node, NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf } from './claim.ts'
import { lastingTaints } from './node.ts'
import { type Context, ageMs, isReady, pastMs, readySince } from './observation.ts'
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
    const since = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
    return takes(node, pod as Pod, volumes) && !isReady(object) && !isKeptAway(node, since, context.now) && ageMs(since, context.now) < restartMs
  })
}

function takes(node: Node, pod: Pod, volumes: readonly PersistentVolume[]): boolean {
  return reachesVolumes(node, volumes) && isAskedFor(node, pod) && lastingTaints(node, pod).length === 0 && tooBigFor(node, pod).length === 0
}

/** Whoever restarts a node (kured) cordons it shortly before, and lets pods on it again after; the node's controller writes down when. */
function isKeptAway({ spec }: Node, since: string | undefined, now: Date): boolean {
  const cordon = spec?.taints?.find(({ key }) => key === 'node.kubernetes.io/unschedulable')
  return spec?.unschedulable === true && (cordon === undefined || ageMs(cordon.timeAdded ?? since, now) >= restartMs)
}

/** Drivers and plugins start with the node, and some wait for each other. */
const unfoldMs = 180_000
/** All other labels, and devices, are of those that start on it: topology.ebs.csi.aws.com/zone, nvidia.com/gpu. */
const toldAtOnce = /^(beta\.)?kubernetes\.io\/(hostname|arch|os)$/

/** Some node has only just come, and would take the pod if it had what is written on it later. */
export function someNodeUnfolds(pod: KubernetesObject, context: Context): boolean {
  const volumes = boundVolumes(pod, context)
  return (context.nodes ?? []).some((object) => {
    const age = pastMs(readySince(object) ?? object.metadata.creationTimestamp, context.now)
    return age < unfoldMs && !takes(object as Node, pod as Pod, volumes) && mayTake(object as Node, pod as Pod, volumes)
  })
}

function mayTake(node: Node, pod: Pod, volumes: readonly PersistentVolume[]): boolean {
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return [required, ...volumes.map(({ spec }) => spec?.nodeAffinity?.required)].every((selector) => selector === undefined || mayMatch(selector, node))
    && Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => comesLater(key, node) || node.metadata?.labels?.[key] === value)
    && lastingTaints(node, pod).length === 0
    && resources.every((resource) => !lacks(node, pod, resource))
    && devicesOf(pod).every((device) => !lacks(node, pod, device) || quantity(node.status?.allocatable?.[device]) === 0)
}

function comesLater(key: string, { metadata }: Node): boolean {
  return !toldAtOnce.test(key) && metadata?.labels?.[key] === undefined
}

function mayMatch({ nodeSelectorTerms }: NodeSelector, node: Node): boolean {
  return nodeSelectorTerms.some((term) => {
    const { matchExpressions = [], matchFields = [] } = term
    const told = matchExpressions.filter(({ key }) => !comesLater(key, node))
    const nothingElse = told.length < matchExpressions.length && told.length + matchFields.length === 0
    return nothingElse || matchesNode({ nodeSelectorTerms: [{ ...term, matchExpressions: told }] }, node)
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
  return [...resources, ...devicesOf(pod)].flatMap((resource) => (lacks(node, pod, resource)
    ? [`Node ${node.metadata?.name ?? ''} has ${hasOf(node, resource) ?? ''} ${resource} in all, ${String(pod.metadata?.name)} asks for ${shown(requestOf(pod, resource), resource)}`]
    : []))
}

function hasOf({ status }: Node, resource: string): string | undefined {
  const { allocatable } = status ?? {}
  return allocatable?.[resource] ?? (allocatable === undefined || resources.includes(resource) ? undefined : '0')
}

function lacks(node: Node, pod: Pod, resource: string): boolean {
  const has = hasOf(node, resource)
  return has !== undefined && requestOf(pod, resource) > quantity(has)
}

interface Asking {
  restartPolicy?: string
  resources?: { requests?: Record<string, string> }
}

/**
 * Containers run together and init containers before them, one at a time; but from Kubernetes 1.28 on one with
 * restartPolicy Always, a sidecar, runs on beside all that comes after it, and from 1.34 on a pod may ask as a whole.
 */
export function requestOf({ spec }: Pod, resource: string): number {
  const one = ({ resources }: Asking): number => quantity(resources?.requests?.[resource])
  const sum = (containers: readonly Asking[]): number => containers.reduce((all, container) => all + one(container), 0)
  const beside = (first: readonly Asking[]): number => sum(first.filter(({ restartPolicy }) => restartPolicy === 'Always'))
  const first: readonly Asking[] = spec?.initContainers ?? []
  const before = first.map((container, index) => one(container) + beside(first.slice(0, index)))
  const asked = Math.max(sum(spec?.containers ?? []) + beside(first), ...before)
  const whole = (spec as Asking | undefined)?.resources?.requests?.[resource]
  return (whole === undefined ? asked : quantity(whole)) + quantity(spec?.overhead?.[resource])
}

function shown(amount: number, resource: string): string {
  return resource === 'cpu' || resource.includes('/') ? String(amount) : `${Math.ceil(amount / 2 ** 20)}Mi`
}
