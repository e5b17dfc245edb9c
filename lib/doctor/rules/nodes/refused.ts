/**
 * Pods that the kubelet itself turned away when they came to its node. Their controller makes another at once, for ever:
 *
 *   {phase: Failed, reason: SysctlForbidden, message: Pod forbidden sysctl: "net.core.somaxconn" not whitelisted}
 *   {phase: Pending, reason: AppArmor, message: Cannot enforce AppArmor: AppArmor is not enabled on the host}, which stays as it is
 */
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { ageMs, isReady, nameOf } from '../../../observe/observation.ts'
import { controllerOf, ownerName, workloadOf } from '../../../observe/owners.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'

// pkg/kubelet, Kubernetes 1.20 to 1.34: sysctl, lifecycle, apparmor and topology admission. What a node has too little of is the scheduler's to count, and after a reboot a matter of seconds.
const reasons = ['SysctlForbidden', 'AppArmor', 'UnexpectedAdmissionError', 'NodeAffinity', 'TopologyAffinityError', 'PodOSNotSupported', 'InvalidNodeInfo']
const recentMs = 120_000
/** One may have come at a bad moment. */
const often = 3

export function refused({ pods, replicaSets = [], at }: Evidence): Finding[] {
  const turnedAway = pods.filter((pod) => !isTakenBack(pod, replicaSets)).filter((pod) => {
    const { phase, reason = '' } = (pod as Pod).status ?? {}
    const isNew = ageMs(pod.metadata.creationTimestamp, new Date(at)) < recentMs
    return reasons.includes(reason) && workloadOf(pod) !== undefined && (phase === 'Failed' ? isNew : phase === 'Pending' && pod.metadata.deletionTimestamp === undefined)
  })
  const owners = [...new Set(turnedAway.map(ownerName))].map((name) => [name, turnedAway.filter((pod) => ownerName(pod) === name)] as const)
  return owners.filter(([name, list]) => (list.length >= often || list.some((pod) => (pod as Pod).status?.phase === 'Pending')) && !isOver(name, list, pods)).map(([name, list]) => {
    const [first] = list
    const { reason = '', message = '' } = (first as Pod | undefined)?.status ?? {}
    return wrong('admission-refused', {
      title: `The kubelet takes no pod of ${name}: ${reason}`,
      evidence: [`${first === undefined ? '' : nameOf(first)}: ${reason}: ${message}`, ...(list.length > 1 ? [`${list.length} pods were turned away`] : [])],
      why: 'It looks at a pod before it starts it; the same one is turned away each time that it is made.',
      fix: ['npx tsx run.ts apply --from helm # once what it objects to is changed in airflow.values, or allowed in the kubelet\'s configuration on the node'],
    })
  })
}

/** Of a template that the Deployment has left: its ReplicaSet makes no pod any more. */
function isTakenBack(pod: KubernetesObject, replicaSets: readonly KubernetesObject[]): boolean {
  const owner = controllerOf(pod)
  const set = replicaSets.find(({ metadata }) => metadata.name === owner?.name && metadata.namespace === pod.metadata.namespace)
  return owner?.kind === 'ReplicaSet' && (set as ReplicaSet | undefined)?.spec?.replicas === 0
}

/** One that is well and newer. */
function isOver(name: string, list: readonly KubernetesObject[], pods: readonly KubernetesObject[]): boolean {
  const last = Math.max(...list.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '')))
  return pods.some((pod) => isReady(pod) && ownerName(pod) === name && Date.parse(pod.metadata.creationTimestamp ?? '') > last)
}
