/** Nodes that take no new pod, and what opens each. */
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { describeTaint, lastingTaints, observeNode, untaint } from '../../../observe/node.ts'
import { nameOf } from '../../../observe/observation.ts'

interface Closed {
  kind: 'not ready' | 'cordoned' | 'tainted'
  reason: string
  fix: string[]
}

/** A taint closes a node only if some pod of the release does not tolerate it; without pods, any pod counts. */
export function closedNodes(nodes: readonly KubernetesObject[], pods: readonly KubernetesObject[]): Closed[] {
  return nodes.flatMap((object): Closed[] => {
    const node = object as Node
    const name = nameOf(object)
    if (node.spec?.unschedulable) return [{ kind: 'cordoned', reason: `${name} is cordoned`, fix: [`kubectl uncordon ${object.metadata.name}`] }]
    const look = observeNode(object)
    if (look.state === 'waiting') return [{ kind: 'not ready', reason: `${name} ${look.reason}`, fix: [`kubectl describe node ${object.metadata.name}`] }]
    const perPod = (pods.length === 0 ? [{ metadata: {}, spec: { containers: [] } } as Pod] : pods.map((pod) => pod as Pod)).map((pod) => lastingTaints(node, pod))
    const [taints = []] = perPod
    if (perPod.some(({ length }) => length === 0) || taints.length === 0) return []
    return [{ kind: 'tainted', reason: `${name} has the taint ${taints.map(describeTaint).join(', ')}`, fix: taints.map((taint) => untaint(object.metadata.name, taint)) }]
  })
}
