/** The health of the nodes, before anything that runs on them. */
import type { Node } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { isNonEmpty } from '../../check.ts'
import { faults } from '../../observe/faults.ts'
import { observeNode } from '../../observe/node.ts'
import { nameOf, notReadyMs } from '../../observe/observation.ts'
import { isSilent } from '../answered.ts'
import type { Evidence } from '../evidence.ts'
import { noAnswerInTime } from '../late-probes.ts'
import { type Explains, type Rule, doubtful, wrong } from '../rule.ts'
import { needsPods } from './cluster/symptoms.ts'
import { busyNodes } from './nodes/busy.ts'
import { closedNodes } from './nodes/closed.ts'
import { diskFull } from './nodes/disk.ts'
import { kubeletUnreached } from './nodes/kubelet.ts'
import { evicted, underPressure } from './nodes/pressure.ts'
import { refused } from './nodes/refused.ts'
import { namesPodOnBadNode, onBadNode, onBadNodeOrNone, onShortNode, standing, withoutPlace } from './nodes/standing.ts'
import { lacksNetwork, stateOf } from './nodes/state.ts'

export const nodeRules: readonly Rule[] = [notReady, kubeletUnreached, underPressure, diskFull, evicted, busyNodes, refused, cordoned, noneSchedulable]

/** One that has just joined, or been restarted, is only starting; one that lacks the network is told with the network. */
function notReady({ nodes = [], pods, at }: Evidence): Finding[] {
  return nodes.flatMap((node): Finding[] => {
    const look = observeNode(node)
    if (look.state !== 'waiting' || lacksNetwork(node)) return []
    if (notReadyMs(node, new Date(at)) < faults['node-not-ready'].settleMs) return []
    const mine = podsOn(node, pods)
    const needed = mine.length > 0 || !nodes.some((one) => observeNode(one).state === 'done')
    const { title, why, fix } = stateOf(node)
    return [(needed ? wrong : doubtful)('node-not-ready', {
      title,
      evidence: [`${nameOf(node)} ${look.reason}`, ...mine.slice(0, 5).map((pod) => `${nameOf(pod)} is on it, and what is said of it is of before`)],
      why, fix,
    })]
  })
}

function podsOn({ metadata }: KubernetesObject, pods: readonly KubernetesObject[]): KubernetesObject[] {
  return pods.filter(({ spec, status }) => (spec as { nodeName?: string }).nodeName === metadata.name && !['Succeeded', 'Failed'].includes((status as { phase?: string } | undefined)?.phase ?? ''))
}

function cordoned({ nodes = [] }: Evidence): Finding[] {
  const names = nodes.filter((node) => (node as Node).spec?.unschedulable).map(({ metadata }) => metadata.name)
  if (names.length === 0) return []
  const all = names.length === nodes.length
  return [(all ? wrong : doubtful)('node-cordoned', {
    title: all ? 'Every node is cordoned' : 'A node is cordoned',
    evidence: names.map((name) => `Node ${name} is marked as unschedulable`),
    why: 'Pods that run stay, but none that ends or moves finds a place there.',
    fix: [`kubectl uncordon ${names.join(' ')}`],
  })]
}

/** Each for another reason, or by a taint that no pod has met yet; what closes all alike is told by its own rule. */
function noneSchedulable({ nodes = [], pods }: Evidence): Finding[] {
  const closed = closedNodes(nodes, pods)
  if (nodes.length === 0 || closed.length < nodes.length) return []
  const kinds = new Set(closed.map(({ kind }) => kind))
  if (kinds.size === 1 && !kinds.has('tainted')) return []
  const fix = closed.flatMap((one) => one.fix)
  if (!isNonEmpty(fix)) return []
  const waits = pods.some(({ spec }) => (spec as { nodeName?: string }).nodeName === undefined)
  return [(waits ? wrong : doubtful)('no-schedulable-node', {
    title: nodes.length === 1 ? 'The only node takes no pod' : 'No node takes a pod',
    evidence: closed.map(({ reason }) => reason),
    why: 'Pods that run may stay, but none that ends, moves or is new finds a place.',
    fix: [...new Set(fix)] as typeof fix,
  })]
}

function speaksOfLateProbes({ evidence }: Finding): boolean {
  return evidence.some((line) => noAnswerInTime.test(line.trimEnd()))
}

/** Who runs a webhook is not looked at, so a node's fault may always be its. */
const above = [...needsPods.filter((one) => one !== 'admission-webhook-down'), 'cluster-dns-broken', 'certresolver-missing', 'certificate-other-name'] as const

export const nodeExplains: Explains = {
  'node-not-ready': [
    'no-schedulable-node', 'admission-webhook-down', 'claim-terminating', 'namespace-terminating',
    ...standing([...above, 'heartbeat-missing'], onBadNodeOrNone), ...standing([{ id: 'pod-network-broken', when: (_, { nodes = [] }) => !nodes.some(lacksNetwork) }], onBadNode),
    ...(['crash-loop', 'job-failed', 'pod-failed', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', 'insufficient-cpu-or-memory', 'image-registry-unreachable'] as const).map((id) => ({ id, when: namesPodOnBadNode })),
  ],
  'node-pressure-evicted': ['no-schedulable-node', 'admission-webhook-down', ...standing([...above, 'heartbeat-missing'], onShortNode), { id: 'pod-failed', when: ({ evidence }) => evidence.some((line) => line.includes('Evicted')) }],
  'node-busy': [
    ...(['readiness-probe-failing', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', 'not-ready-unexplained', 'service-without-endpoints'] as const).map((id) => ({ id, when: speaksOfLateProbes })),
    { id: 'ingress-unproven', when: (_, evidence) => isSilent(evidence) },
    { id: 'cluster-dns-broken', when: ({ title }) => title === 'CoreDNS is not ready' }, 'heartbeat-missing',
  ],
  'node-cordoned': ['no-schedulable-node', 'admission-webhook-down', ...standing(above, withoutPlace)],
  'no-schedulable-node': ['admission-webhook-down', ...standing(above, withoutPlace)],
  'untolerated-taint': ['no-schedulable-node'],
  'control-plane-taint-single-node': ['no-schedulable-node'],
}
