/** What stands on pods that a node has, or is to have: another node's, or what has its place, is no matter of that node. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { FaultId } from '../../../observe/faults.ts'
import { observeNode } from '../../../observe/node.ts'
import { workloadOf } from '../../../observe/owners.ts'
import type { Finding } from '../../../step.ts'
import { wordsIn } from '../../apart.ts'
import { type Evidence, podsIn } from '../../evidence.ts'
import type { ExplainsIf } from '../../rule.ts'
import { unanswered } from '../cluster/symptoms.ts'

/** Which pods a cause is the reason of. */
type Meant = (evidence: Evidence, cause: Finding) => (pod: Pod) => boolean

/** They speak of certain pods. All else (nobody answers, Helm waits) stands on some pod, whose it may be. */
const ofPods: readonly string[] = ['cluster-dns-broken', 'pod-network-broken', 'provisioner-not-running', 'traefik-not-running', unanswered.id, 'heartbeat-missing', 'not-ready-unexplained']

export function standing(list: readonly (FaultId | ExplainsIf)[], meant: Meant): ExplainsIf[] {
  return list.map((one) => (typeof one === 'string' ? { id: one, when: () => true } : one)).map(({ id, when }) => ({
    id, when: (symptom, evidence, cause) => when(symptom, evidence, cause) && standsOn(symptom, evidence, meant(evidence, cause)),
  }))
}

function standsOn(symptom: Finding, evidence: Evidence, isMeant: (pod: Pod) => boolean): boolean {
  const all = podsIn(evidence)
  const named = ofPods.includes(symptom.id) ? podsNamed(symptom, all) : []
  return all.length === 0 || (named.length > 0 ? named : all).some((pod) => isMeant(pod as Pod))
}

/** By their own names, or where it says none by their workloads'. */
function podsNamed(finding: Finding, all: readonly KubernetesObject[]): KubernetesObject[] {
  // A claim's name ends with its pod's.
  const words = wordsIn(finding)
  const says = (name: string | undefined): boolean => name !== undefined && words.has(name)
  const named = all.filter(({ metadata }) => says(metadata.name))
  return named.length > 0 ? named : all.filter((pod) => says(workloadOf(pod)?.name))
}

/** Where no node is left everything is of before. */
export const onBadNode: Meant = ({ nodes = [] }) => {
  const bad = nodes.filter((node) => observeNode(node).state === 'waiting').map(({ metadata }) => metadata.name)
  return ({ spec, status }) => bad.length === nodes.length || (bad.includes(spec?.nodeName ?? '') && !isOver(status?.phase))
}

export const withoutPlace: Meant = () => ({ spec, status }) => spec?.nodeName === undefined && !isOver(status?.phase)

/** What has no place may have had it there. */
export const onBadNodeOrNone: Meant = (evidence, cause) => (pod) => onBadNode(evidence, cause)(pod) || withoutPlace(evidence, cause)(pod)

/** `Node second: MemoryPressure: …`, `No space is left on a disk of node home`, `Pod airflow/airflow-webserver-1 was evicted: …` */
export const onShortNode: Meant = (evidence, cause) => {
  const said = [cause.title, ...cause.evidence].flatMap((line) => [...line.matchAll(/\bnode (\S+?):?(?=\s|$)/gi)].map(([, name]) => name))
  const ofThose = podsNamed(cause, podsIn(evidence)).map((pod) => (pod as Pod).spec?.nodeName)
  return (pod) => withoutPlace(evidence, cause)(pod) || [...said, ...ofThose].includes(pod.spec?.nodeName)
}

/** Of a pod that it names itself. */
export function namesPodOnBadNode(symptom: Finding, evidence: Evidence, cause: Finding): boolean {
  const { nodes = [] } = evidence
  const isBad = onBadNode(evidence, cause)
  const none = nodes.every((node) => observeNode(node).state === 'waiting')
  return none || podsIn(evidence).some((pod) => isBad(pod as Pod) && symptom.evidence.some((line) => line.includes(pod.metadata.name)))
}

function isOver(phase = ''): boolean {
  return ['Succeeded', 'Failed'].includes(phase)
}
