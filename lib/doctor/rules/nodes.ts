/** The health of the nodes, before anything that runs on them. */
import type { Node } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../step.ts'
import { observeNode, pressuresOf } from '../../observe/node.ts'
import { nameOf } from '../../observe/observation.ts'
import type { Evidence } from '../evidence.ts'
import type { Rule } from '../rule.ts'

export const nodeRules: readonly Rule[] = [notReady, underPressure, cordoned]

function notReady({ nodes = [] }: Evidence): Finding[] {
  return nodes.flatMap((node): Finding[] => {
    const look = observeNode(node)
    if (look.state !== 'waiting') return []
    return [{
      id: 'node-not-ready',
      severity: 'error',
      title: `${nameOf(node)} is not ready`,
      evidence: [`${nameOf(node)} ${look.reason}`],
      why: 'Its kubelet does not report, or has no network or container runtime; nothing new starts there.',
      fix: [`kubectl describe node ${node.metadata.name}`, 'On it: sudo systemctl status kubelet containerd; sudo journalctl -u kubelet -n 50'],
    }]
  })
}

function underPressure({ nodes = [] }: Evidence): Finding[] {
  const evidence = nodes.flatMap(pressuresOf)
  if (evidence.length === 0) return []
  return [{
    id: 'node-pressure-evicted',
    severity: 'error',
    title: 'A node is short of disk, memory or process ids',
    evidence,
    why: 'The kubelet ends pods to help itself and takes no new ones.',
    fix: ['On the node: df -h; free -m; sudo crictl rmi --prune', 'Move /opt/local-path-provisioner to a bigger disk where that is what fills it'],
  }]
}

function cordoned({ nodes = [] }: Evidence): Finding[] {
  const names = nodes.filter((node) => (node as Node).spec?.unschedulable).map(({ metadata }) => metadata.name)
  if (names.length === 0) return []
  return [{
    id: 'node-cordoned',
    severity: names.length === nodes.length ? 'error' : 'warning',
    title: names.length === nodes.length ? 'Every node is cordoned' : 'A node is cordoned',
    evidence: names.map((name) => `Node ${name} is marked as unschedulable`),
    why: 'Pods that run stay, but none that ends or moves finds a place there.',
    fix: [`kubectl uncordon ${names.join(' ')}`],
  }]
}
