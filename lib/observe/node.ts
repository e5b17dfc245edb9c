/** A node: whether it is fit to run pods, and which of its taints last. */
import type { Node, Pod, Taint } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Observation, done, nameOf, waiting } from './observation.ts'

const controlPlaneKeys = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane']

/** A node that is not Ready may come back, so it is never a failure by itself. */
export function observeNode(object: KubernetesObject): Observation {
  const conditions = (object as Node).status?.conditions ?? []
  const ready = conditions.find(({ type }) => type === 'Ready')
  if (ready?.status === 'True') return done(`${nameOf(object)} is ready`)
  return waiting(`is not ready: ${ready?.message ?? ready?.reason ?? 'it has not reported yet'}`)
}

/** DiskPressure and the like, with what the kubelet says of them. */
export function pressuresOf(object: KubernetesObject): string[] {
  const conditions = (object as Node).status?.conditions ?? []
  return conditions
    .filter(({ type, status }) => type.endsWith('Pressure') && status === 'True')
    .map(({ type, message }) => `${nameOf(object)}: ${type}: ${message ?? ''}`)
}

/**
 * Set and taken away by controllers: the node's own (not-ready, pressure) or a cordon's, a cloud's until its node is
 * initialised; a network's or a driver's until its agent runs (node.cilium.io/agent-not-ready); those of who adds nodes
 * and removes them.
 */
const passing = /^node\.(cloudprovider\.)?kubernetes\.io\/|\/agent-not-ready$|^(ToBeDeletedBy|DeletionCandidateOf)ClusterAutoscaler$|^(startup|status|ignore)-taint\.cluster-autoscaler\.kubernetes\.io\/|^karpenter\.sh\//

/** `dedicated=airflow:NoSchedule`, as kubectl has it. */
export function describeTaint({ key, value = '', effect }: Taint): string {
  return `${key}${value === '' ? '' : `=${value}`}:${effect}`
}

/** The command that takes it away. */
export function untaint(node: string, { key, effect }: Taint): string {
  return `kubectl taint nodes ${node} ${key}:${effect}-`
}

export function isPassing(key: string): boolean {
  return passing.test(key)
}

/** Taints that keep the pod off and that nobody takes away by himself. */
export function lastingTaints(node: Node, pod: Pod): Taint[] {
  return (node.spec?.taints ?? []).filter((taint) =>
    taint.effect !== 'PreferNoSchedule' && !isPassing(taint.key) && !tolerates(pod, taint))
}

function tolerates(pod: Pod, taint: Taint): boolean {
  return (pod.spec?.tolerations ?? []).some(({ key, operator = 'Equal', value = '', effect = '' }) => {
    if (effect !== '' && effect !== taint.effect) return false
    if (key === undefined || key === '') return operator === 'Exists'
    return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''))
  })
}

export function isControlPlane(taint: Taint): boolean {
  return controlPlaneKeys.includes(taint.key)
}

/** K3s is kubelet and runtime in one, in a unit of another name where no API server is; a server labels its node as one. Undefined for another kubelet. */
export function k3sUnit({ metadata, status }: Node): 'k3s' | 'k3s-agent' | undefined {
  if (status?.nodeInfo?.kubeletVersion.includes('+k3s') !== true) return undefined
  return ['control-plane', 'master', 'etcd'].some((role) => metadata?.labels?.[`node-role.kubernetes.io/${role}`] !== undefined) ? 'k3s' : 'k3s-agent'
}
