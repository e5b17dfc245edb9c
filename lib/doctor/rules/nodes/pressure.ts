/** Nodes that are short of something, and the pods that they have ended for it. */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { timeOf } from '../../../observe/events.ts'
import { pressuresOf } from '../../../observe/node.ts'
import { isReady, nameOf } from '../../../observe/observation.ts'
import { lasting, workloadOf } from '../../../observe/owners.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'

export const relief = {
  why: 'The kubelet ends pods to help itself and takes no new ones until it has enough again.',
  fix: ['df -h; df -i; free -m # on the node', 'sudo crictl rmi --prune; sudo journalctl --vacuum-size=200M # on the node: images that nobody uses, and old logs', 'sudo du -xsh /opt/local-path-provisioner/* # on the node: volumes live on its disk'] as [string, ...string[]],
}

export const shortTitle = 'A node is short of disk, memory or process ids'

export function underPressure(evidence: Evidence): Finding[] {
  const seen = (evidence.nodes ?? []).flatMap(pressuresOf)
  return seen.length === 0 ? [] : [wrong('node-pressure-evicted', { title: shortTitle, evidence: [...seen, ...evictedPods(evidence, byItsNode)], ...relief })]
}

const recentMs = 3_600_000

/** Over, but not long ago: it will come again. A pod that was evicted stays listed for weeks and says nothing then. */
export function evicted(evidence: Evidence): Finding[] {
  const seen = evictedPods(evidence, byItsNode)
  const own = evictedPods(evidence, byItsLimit)
  const greedy = own.length === 0 ? [] : [doubtful('node-pressure-evicted', {
    title: 'A pod was ended within the last hour for using more disk than it may',
    evidence: own,
    why: 'It wrote more into its containers or an emptyDir than its own limit allows; its node has enough.',
    fix: ['npx tsx run.ts apply --from helm # once resources.limits.ephemeral-storage of that component, or the sizeLimit of the volume, is larger in airflow.values, or its logs have a claim (logs.persistence)'],
  })]
  return [...greedy, ...ofNodes(evidence, seen)]
}

function ofNodes(evidence: Evidence, seen: string[]): Finding[] {
  if (seen.length === 0 || (evidence.nodes ?? []).some((node) => pressuresOf(node).length > 0)) return []
  return [doubtful('node-pressure-evicted', { title: 'A node has ended pods within the last hour since it was short of something', evidence: seen, ...relief })]
}

/** Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. · Usage of EmptyDir volume "x" exceeds the limit "1Gi". · Container x exceeded its local ephemeral storage limit "1Gi". */
const ownLimit = /exceeds the (?:total )?limit|exceeded its local ephemeral storage limit/
const byItsLimit = (message: string): boolean => ownLimit.test(message)
const byItsNode = (message: string): boolean => !ownLimit.test(message)

/** status: {phase: Failed, reason: Evicted, message: "The node was low on resource: ephemeral-storage. …"} */
function evictedPods({ pods, events, at }: Evidence, fits: (message: string) => boolean): string[] {
  const recent = new Set(events.map((event) => event as unknown as Event).filter((event) => event.reason === 'Evicted' && Date.parse(at) - timeOf(event) < recentMs).map(({ involvedObject }) => involvedObject.uid))
  const evicted = pods.filter((pod) => {
    const { reason, message = '' } = (pod as Pod).status ?? {}
    return reason === 'Evicted' && recent.has(pod.metadata.uid) && fits(message)
  })
  const present = evicted.length === 0 ? [] : lasting(pods)
  return evicted.filter((pod) => !isPast(pod, present)).map((pod) => `${nameOf(pod)} was evicted: ${(pod as Pod).status?.message?.trim() ?? ''}`)
}

/** Its workload has another template by now: of that one a pod is well, and of the evicted one's there is none any more. */
function isPast(evicted: KubernetesObject, present: readonly KubernetesObject[]): boolean {
  const hashOf = ({ metadata }: KubernetesObject): string | undefined => metadata.labels?.['pod-template-hash']
  const owner = workloadOf(evicted)
  const siblings = present.filter((pod) => workloadOf(pod)?.kind === owner?.kind && workloadOf(pod)?.name === owner?.name)
  return hashOf(evicted) !== undefined && siblings.some(isReady) && siblings.every((pod) => hashOf(pod) !== hashOf(evicted))
}
