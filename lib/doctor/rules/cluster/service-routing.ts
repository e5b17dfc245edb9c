/**
 * Who turns the address of a Service into that of a pod on each node. Where kube-proxy stands still, what was known
 * stays so: a pod that is made anew is never found. K3s and some networks do it by themselves and have no such pods.
 */
import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { ageMs, isReady, nameOf, notReadyMs } from '../../../observe/observation.ts'
import { isTask, lasting, podsOf } from '../../../observe/owners.ts'
import { observePod } from '../../../observe/pod.ts'
import { type Evidence, viewOf } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { isStranger } from '../../strangers.ts'
import { lastWords } from '../../unready.ts'
import { dns } from './dns.ts'

/** Longer than it takes to start on a node that was just added, or booted. */
const startMs = 60_000

export function serviceRouting(evidence: Evidence): Finding[] {
  return evidence.system.filter(({ kind, metadata: { namespace, name } }) => kind === 'DaemonSet' && namespace === 'kube-system' && name === 'kube-proxy').flatMap((set): Finding[] => {
    const pods = podsOf(set, evidence.system.filter(({ kind }) => kind === 'Pod')).filter((pod) => !isReady(pod) && !isOnLostNode(pod, evidence) && isOver(pod, new Date(evidence.at)))
    if (pods.length > 0) return [notOn(pods, evidence)]
    const { desiredNumberScheduled = 0 } = (set as DaemonSet).status ?? {}
    const missed = desiredNumberScheduled > 0 ? [] : missing(evidence)
    return missed.length === 0 ? [] : [nowhere(set, missed)]
  })
}

/** One that crashes may be called ready between; a boot begins without a back-off. */
function isOver(pod: KubernetesObject, now: Date): boolean {
  const inBackOff = ((pod as Pod).status?.containerStatuses ?? []).some(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff')
  return (inBackOff ? ageMs(pod.metadata.creationTimestamp, now) : notReadyMs(pod, now)) >= startMs
}

const why = 'It leads from the address of a Service to its pods; without it nobody finds a pod that was made since, the database and the cluster\'s DNS among them.'

function notOn(pods: readonly KubernetesObject[], evidence: Evidence): Finding {
  return wrong('kube-proxy-not-running', {
    title: `kube-proxy does not run on ${pods.map((pod) => (pod as Pod).spec?.nodeName ?? 'no node').join(', ')}`,
    evidence: [...pods.slice(0, 3).map((pod) => `${nameOf(pod)} ${reasonOf(pod, evidence)}`), ...lastWords(pods, evidence)],
    why,
    fix: ['kubectl -n kube-system rollout restart daemonset kube-proxy # where what its pods complain of has passed', 'sudo kubeadm init phase addon kube-proxy # on the control plane: writes the DaemonSet and its ConfigMap anew, where those were edited'],
  })
}

function nowhere(set: KubernetesObject, missed: readonly string[]): Finding {
  return wrong('kube-proxy-not-running', {
    title: 'kube-proxy is meant for no node',
    evidence: [`${nameOf(set)} wants 0 pods`, ...missed.slice(0, 3)],
    why,
    fix: ['kubectl -n kube-system get daemonset kube-proxy -o yaml # its nodeSelector fits no node; kubeadm writes kubernetes.io/os: linux'],
  })
}

/** The guides of Calico (eBPF) and Cilium switch it off so, and do its work: then nothing is amiss. */
function missing(evidence: Evidence): string[] {
  const { pods, answered, at } = evidence
  const parts = lasting(pods).filter((pod) => !isReady(pod) && !isTask(pod) && !isStranger(pod, evidence) && ageMs(pod.metadata.creationTimestamp, new Date(at)) >= startMs)
  const page = answered === undefined || ('answer' in answered && answered.answer.status === 200 && answered.answer.body.includes('metadatabase')) ? [] : [`${answered.url}: ${'answer' in answered ? `answers ${answered.answer.status}` : answered.reason}`]
  return [...dns(evidence).filter(({ severity }) => severity === 'error').map(({ title }) => title), ...parts.map((pod) => `${nameOf(pod)} is not ready`), ...page]
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
