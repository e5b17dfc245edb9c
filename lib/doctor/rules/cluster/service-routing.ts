/**
 * Who turns the address of a Service into that of a pod on each node. Where kube-proxy stands still, what was known
 * stays so: a pod that is made anew is never found. K3s and some networks do it by themselves and have no such pods.
 */
import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { ageMs, isReady, nameOf } from '../../../observe/observation.ts'
import { podsOf } from '../../../observe/owners.ts'
import { observePod } from '../../../observe/pod.ts'
import { type Evidence, viewOf } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { lastWords } from '../../unready.ts'

/** Longer than it takes to start on a node that was just added. */
const startMs = 60_000

export function serviceRouting(evidence: Evidence): Finding[] {
  return evidence.system.filter(({ kind, metadata: { namespace, name } }) => kind === 'DaemonSet' && namespace === 'kube-system' && name === 'kube-proxy').flatMap((set): Finding[] => {
    const pods = podsOf(set, evidence.system.filter(({ kind }) => kind === 'Pod')).filter((pod) => !isReady(pod) && !isOnLostNode(pod, evidence) && ageMs(pod.metadata.creationTimestamp, new Date(evidence.at)) >= startMs)
    const { desiredNumberScheduled = 0 } = (set as DaemonSet).status ?? {}
    if (pods.length === 0 && desiredNumberScheduled > 0) return []
    const nodes = pods.map((pod) => (pod as Pod).spec?.nodeName ?? 'no node').join(', ')
    return [wrong('kube-proxy-not-running', {
      title: pods.length === 0 ? 'kube-proxy is meant for no node' : `kube-proxy does not run on ${nodes}`,
      evidence: pods.length === 0 ? [`${nameOf(set)} wants 0 pods`] : [...pods.slice(0, 3).map((pod) => `${nameOf(pod)} ${reasonOf(pod, evidence)}`), ...lastWords(pods, evidence)],
      why: 'It leads from the address of a Service to its pods; without it nobody finds a pod that was made since, the database and the cluster\'s DNS among them.',
      fix: pods.length === 0
        ? ['kubectl -n kube-system get daemonset kube-proxy -o yaml # its nodeSelector fits no node; kubeadm writes kubernetes.io/os: linux']
        : ['kubectl -n kube-system rollout restart daemonset kube-proxy # where what its pods complain of has passed', 'sudo kubeadm init phase addon kube-proxy # on the control plane: writes the DaemonSet and its ConfigMap anew, where those were edited'],
    })]
  })
}

/** Nothing runs there, and that is told as such. */
function isOnLostNode(pod: KubernetesObject, { nodes = [] }: Evidence): boolean {
  const node = nodes.find(({ metadata }) => metadata.name === (pod as Pod).spec?.nodeName)
  return node !== undefined && !isReady(node)
}

function reasonOf(pod: KubernetesObject, evidence: Evidence): string {
  const events = evidence.system.filter(({ kind }) => kind === 'Event')
  const look = observePod(pod, { ...viewOf(evidence), events })
  return look.state === 'waiting' ? look.reason : look.state === 'failed' ? look.finding.title : look.evidence
}
