/** Nodes that are short of something, and the pods that they have ended for it. */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../../step.ts'
import { timeOf } from '../../../observe/events.ts'
import { pressuresOf } from '../../../observe/node.ts'
import { nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'

const text = {
  why: 'The kubelet ends pods to help itself and takes no new ones until it has enough again.',
  fix: ['df -h; df -i; free -m # on the node', 'sudo crictl rmi --prune; sudo journalctl --vacuum-size=200M # on the node: images that nobody uses, and old logs', 'sudo du -xsh /opt/local-path-provisioner/* # on the node: volumes live on its disk'] as [string, ...string[]],
}

export function underPressure(evidence: Evidence): Finding[] {
  const seen = (evidence.nodes ?? []).flatMap(pressuresOf)
  return seen.length === 0 ? [] : [wrong('node-pressure-evicted', { title: 'A node is short of disk, memory or process ids', evidence: [...seen, ...evictedPods(evidence)], ...text })]
}

const recentMs = 3_600_000

/** Over, but not long ago: it will come again. A pod that was evicted stays listed for weeks and says nothing then. */
export function evicted(evidence: Evidence): Finding[] {
  const seen = evictedPods(evidence)
  if (seen.length === 0 || (evidence.nodes ?? []).some((node) => pressuresOf(node).length > 0)) return []
  return [doubtful('node-pressure-evicted', { title: 'A node has ended pods within the last hour since it was short of something', evidence: seen, ...text })]
}

/** status: {phase: Failed, reason: Evicted, message: "The node was low on resource: ephemeral-storage. …"} */
function evictedPods({ pods, events, at }: Evidence): string[] {
  return pods.flatMap((pod) => {
    const { reason, message = '' } = (pod as Pod).status ?? {}
    const when = events.map((event) => event as unknown as Event).filter((event) => event.reason === 'Evicted' && event.involvedObject.uid === pod.metadata.uid).map(timeOf)
    const recent = when.some((time) => Date.parse(at) - time < recentMs)
    return reason === 'Evicted' && recent ? [`${nameOf(pod)} was evicted: ${message.trim()}`] : []
  })
}
