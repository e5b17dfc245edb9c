import type { Node } from 'kubernetes-types/core/v1.js'
import { parseQuantity } from '../diff/quantity.ts'
import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { verifiedPair } from '../airflow/versions.ts'
import { faults } from '../observe/faults.ts'
import { notReadyMs } from '../observe/observation.ts'
import { error, warning, type Requirements } from './facts.ts'

const controlPlane = ['node-role.kubernetes.io/master', 'node-role.kubernetes.io/control-plane']

/** Ready, taints, pressure, size and operating system of the nodes. Without `now` nobody knows for how long they have been so. */
export function judgeNodes(objects: readonly KubernetesObject[], require: Requirements, now?: Date): Finding[] {
  const nodes = objects as unknown as Node[]
  return [...notReady(nodes, now), ...pressed(nodes), ...tainted(nodes), ...tooSmall(nodes), ...nodes.flatMap((node) => judgeSystem(node, require))]
}

function conditionOf(node: Node, type: string): { status: string; message?: string | undefined } | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)
}

/** A kubelet that has just started is not ready for some seconds, and pods wait for it. */
function notReady(nodes: Node[], now?: Date): Finding[] {
  const isStarting = (node: Node): boolean => now !== undefined && notReadyMs(node as unknown as KubernetesObject, now) < faults['node-not-ready'].settleMs
  const bad = nodes.filter((node) => conditionOf(node, 'Ready')?.status !== 'True' && !isStarting(node))
  if (bad.length === 0 && nodes.length > 0) return []
  const title = nodes.length === 0 ? 'The cluster has no node' : `${bad.map(nameOf).join(', ')} ${bad.length === 1 ? 'is' : 'are'} not Ready`
  const text = {
    title,
    evidence: nodes.length === 0 ? ['kubectl get nodes: none'] : bad.map((node) => `${nameOf(node)}: ${conditionOf(node, 'Ready')?.message ?? 'no Ready condition'}`),
    why: 'Pods are only started on Ready nodes.',
    fix: ['kubectl describe nodes'] as [string],
  }
  return [bad.length === nodes.length ? error('node-not-ready', text) : warning('node-not-ready', text)]
}

function pressed(nodes: Node[]): Finding[] {
  const types = ['DiskPressure', 'MemoryPressure', 'PIDPressure']
  const evidence = nodes.flatMap((node) => types.filter((type) => conditionOf(node, type)?.status === 'True').map((type) => `${nameOf(node)}: ${type}`))
  if (evidence.length === 0) return []
  return [error('node-pressure-evicted', {
    title: 'A node is short of disk, memory or processes',
    evidence,
    why: 'Its kubelet evicts pods and takes no new ones.',
    fix: ['Free disk or memory on the node: df -h; free -h; crictl rmi --prune'],
  })]
}

function tainted(nodes: Node[]): Finding[] {
  const keysOf = (node: Node): string[] => (node.spec?.taints ?? []).filter(({ effect, key }) => effect !== 'PreferNoSchedule' && controlPlane.includes(key)).map(({ key }) => key)
  if (nodes.length === 0 || nodes.some((node) => keysOf(node).length === 0)) return []
  const keys = [...new Set(nodes.flatMap(keysOf))]
  return [error('control-plane-taint-single-node', {
    title: 'Every node is reserved for the control plane',
    evidence: nodes.map((node) => `${nameOf(node)}: ${keysOf(node).join(', ')}`),
    why: 'kubeadm keeps other pods off its control-plane node, and there is no other.',
    fix: [`kubectl taint nodes --all ${keys.map((key) => `${key}-`).join(' ')}`],
  })]
}

/** Airflow with its database, measured on the reference setup, wants about two cores and 4 GiB. */
const wanted = { cpu: 2, memory: 4 * 2 ** 30, 'ephemeral-storage': 10 * 2 ** 30 }

function tooSmall(nodes: Node[]): Finding[] {
  const total = (resource: string): number => nodes.reduce((sum, node) => sum + (parseQuantity(node.status?.allocatable?.[resource]) ?? 0), 0)
  const evidence = Object.entries(wanted).flatMap(([resource, least]) => {
    const have = total(resource)
    return have > 0 && have < least * 0.9 ? [`${resource}: ${inUnits(resource, have)}, wanted ${inUnits(resource, least)}`] : []
  })
  if (evidence.length === 0) return []
  return [warning('insufficient-cpu-or-memory', {
    title: 'The nodes are small for Airflow',
    evidence,
    why: 'Scheduler, webserver, triggerer and PostgreSQL run side by side; on less, starts are slow and pods may stay Pending.',
    fix: ['Give the machine more, or switch off parts: airflow.values: {triggerer: {enabled: false}, statsd: {enabled: false}}'],
  })]
}

function inUnits(resource: string, amount: number): string {
  return resource === 'cpu' ? String(amount) : `${(amount / 2 ** 30).toFixed(1)}Gi`
}

function judgeSystem(node: Node, { os }: Requirements): Finding[] {
  const image = node.status?.nodeInfo?.osImage ?? ''
  const fits = (system: string): boolean => image.toLowerCase().startsWith(system.toLowerCase())
  if (os !== undefined && !fits(os)) {
    return [error('os-required', {
      title: `${nameOf(node)} runs ${image}, but the configuration requires ${os}`,
      evidence: [`osImage: ${image}`, `require.os: ${os}`],
      why: 'The configuration names this system as one that must hold.',
      fix: ['Move the node to it, or change require.os.'],
    })]
  }
  if (os !== undefined || fits(verifiedPair.os)) return []
  return [warning('os-not-verified', {
    title: `${nameOf(node)} runs ${image}, not the verified ${verifiedPair.os}`,
    evidence: [`osImage: ${image}`],
    why: 'The setup was proven there; others usually work.',
    fix: ['Nothing to do; to insist on a system write require.os.'],
  })]
}

function nameOf(node: Node): string {
  return `Node ${node.metadata?.name ?? ''}`
}
