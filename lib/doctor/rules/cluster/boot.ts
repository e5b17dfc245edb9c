/**
 * A node that has just been started, or its kubelet, or K3s: for a while its pods are not ready, and the leases are of before.
 *
 *   {type: Ready, status: "True", lastTransitionTime: …}, which a boot that is over before the API server is back may leave as it was
 *   lastState: {terminated: {exitCode: 255, reason: Unknown, finishedAt: …}}: containers that a boot has ended, as containerd finds them
 *   Pod kube-system/kube-apiserver-home, component: kube-apiserver, state: {running: {startedAt: …}}: kubeadm's control plane
 */
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { type Evidence, podsIn } from '../../evidence.ts'

const startMs = 60_000

export function hasJustStarted(node: KubernetesObject, evidence: Evidence, now: Date): boolean {
  const changed = (node as Node).status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  return isRecent(changed, now) || podsOf(evidence).some((pod) => pod.spec?.nodeName === node.metadata.name && wasEndedByBoot(pod, now))
}

/** Nobody renews a lease, or is elected, before the API server is back. */
export function clusterHasJustStarted(evidence: Evidence, now: Date): boolean {
  const { nodes = [] } = evidence
  const servers = podsOf(evidence).filter(({ metadata }) => metadata?.namespace === 'kube-system' && metadata.labels?.component === 'kube-apiserver')
  const isBack = servers.some(({ status }) => (status?.containerStatuses ?? []).some(({ state }) => isRecent(state?.running?.startedAt, now)))
  return isBack || (nodes.length > 0 && nodes.every((node) => hasJustStarted(node, evidence, now)))
}

function podsOf(evidence: Evidence): Pod[] {
  return podsIn(evidence) as unknown as Pod[]
}

function wasEndedByBoot({ status }: Pod, now: Date): boolean {
  return (status?.containerStatuses ?? []).some(({ state, lastState }) => [state?.terminated, lastState?.terminated].some((end) => end?.reason === 'Unknown' && isRecent(end.finishedAt, now)))
}

/** A node's clock may be ahead, and is not always so for having started. */
function isRecent(time: string | null | undefined, now: Date): boolean {
  return time != null && Math.abs(now.getTime() - Date.parse(time)) < startMs
}
