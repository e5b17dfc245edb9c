/**
 * Pods that the kubelet itself turned away when they came to its node. Their controller makes another at once, for
 * ever: a ReplicaSet leaves the failed ones where they are, a StatefulSet takes each away, and only events are left.
 *
 *   {phase: Failed, reason: SysctlForbidden, message: Pod forbidden sysctl: "net.core.somaxconn" not whitelisted}
 *   {phase: Pending, reason: AppArmor, message: Cannot enforce AppArmor: AppArmor is not enabled on the host}, which stays as it is
 *   Warning SysctlForbidden: forbidden sysctl: "net.core.somaxconn" not whitelisted, about Pod airflow-redis-0
 */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { timeOf } from './events.ts'
import { type Context, type Failed, failed, inNamespace, nameOf } from './observation.ts'

// pkg/kubelet, Kubernetes 1.20 to 1.34: sysctl, lifecycle and apparmor admission.
/** What the pod itself asks for: no later one is let in by that node. */
export const forGood = ['SysctlForbidden', 'AppArmor', 'PodOSNotSupported']
/** What may be otherwise in a moment: a device that is not there yet after a boot, an allocation that did not fit. */
export const forNow = ['UnexpectedAdmissionError', 'NodeAffinity', 'TopologyAffinityError', 'InvalidNodeInfo']

const recentMs = 120_000
/** One may have come at a bad moment. */
const often = 3
/** One that it keeps it looks at again: a profile may be about to be loaded. */
const keptMs = 60_000

interface Refusal {
  /** `Pod airflow/airflow-redis-0`. */
  pod: string
  reason: string
  message: string
  /** ms since 1970 */
  at: number
  /** When it was written down, in ms since 1970: a kubelet sends five events a second, and more than that are turned away. */
  toldAt: number
}

/** `pods`: those of the workload's newest version, with the ones that have ended. */
export function observeTurnedAway(workload: KubernetesObject, pods: readonly KubernetesObject[], { events, now }: Pick<Context, 'events' | 'now'>, reasons: readonly string[] = forGood): Failed | undefined {
  const refusals = [...pods.flatMap((pod) => refusalOf(pod, reasons)), ...(workload.kind === 'StatefulSet' ? refusalsOfSet(workload, events, reasons) : [])].sort((a, b) => a.at - b.at)
  const recent = refusals.filter(({ toldAt }) => now.getTime() - toldAt < recentMs)
  const last = stays(pods, reasons) ? refusals.at(-1) : recent.at(-1)
  if (last === undefined || (recent.length < often && !stays(pods, reasons))) return undefined
  // One that was let in after it: whatever was in the way is over.
  if (pods.some((pod) => isLetIn(pod, reasons) && Date.parse(pod.metadata.creationTimestamp ?? '') >= last.at)) return undefined
  const settleMs = stays(pods, reasons) ? keptMs : undefined
  return { ...failed(workload, 'admission-refused', text(workload, last, recent.length), settleMs), triedAt: new Date(last.at).toISOString() }
}

function refusalOf(pod: KubernetesObject, reasons: readonly string[]): Refusal[] {
  const { phase, reason = '', message = '' } = (pod as Pod).status ?? {}
  const isOne = reasons.includes(reason) && (phase === 'Failed' || isKept(pod, reasons))
  const at = Date.parse(pod.metadata.creationTimestamp ?? '')
  return isOne ? [{ pod: nameOf(pod), reason, message, at, toldAt: at }] : []
}

function isKept(pod: KubernetesObject, reasons: readonly string[]): boolean {
  const { phase, reason = '' } = (pod as Pod).status ?? {}
  return phase === 'Pending' && reasons.includes(reason) && pod.metadata.deletionTimestamp === undefined
}

/** Nobody makes another, so that it is as true as on the first day. */
function stays(pods: readonly KubernetesObject[], reasons: readonly string[]): boolean {
  return pods.some((pod) => isKept(pod, reasons))
}

function refusalsOfSet({ metadata }: KubernetesObject, events: Context['events'], reasons: readonly string[]): Refusal[] {
  const isMember = ({ kind, name = '', namespace }: Event['involvedObject']): boolean => kind === 'Pod' && namespace === metadata.namespace && name.startsWith(`${metadata.name}-`) && /^\d+$/.test(name.slice(metadata.name.length + 1))
  return (events as readonly unknown[] as Event[]).filter(({ reason = '', involvedObject }) => reasons.includes(reason) && isMember(involvedObject)).map((event) => {
    const at = timeOf(event)
    return { pod: `Pod ${metadata.namespace ?? 'default'}/${event.involvedObject.name ?? ''}`, reason: event.reason ?? '', message: event.message ?? '', at, toldAt: Math.max(at, Date.parse(event.metadata.creationTimestamp ?? '') || 0) }
  })
}

/** The kubelet writes down when it took a pod; what has failed since has been let in, too. */
function isLetIn(pod: KubernetesObject, reasons: readonly string[]): boolean {
  const { startTime, reason = '' } = (pod as Pod).status ?? {}
  return startTime != null && !reasons.includes(reason)
}

function text(workload: KubernetesObject, { pod, reason, message }: Refusal, count: number) {
  const [, sysctl] = /forbidden sysctl: "([^"]+)"/.exec(message) ?? []
  const allowed = sysctl === undefined ? 'allowed in the kubelet\'s configuration on the node' : `allowed by allowedUnsafeSysctls: [${sysctl}] in the kubelet's configuration on the node, and the kubelet restarted`
  const look = `kubectl ${inNamespace(workload)} get ${workload.kind.toLowerCase()} ${workload.metadata.name} -o jsonpath='{.spec.template.spec.securityContext.sysctls}' # what it asks for`
  return {
    title: `The kubelet takes no pod of ${workload.kind} ${workload.metadata.name}: ${reason}`,
    evidence: [`${pod}: ${reason}: ${message}`, ...(count > 1 ? [`${count} pods were turned away`] : [])],
    why: 'It looks at a pod before it starts it; the same one is turned away each time that it is made.',
    fix: [`npx tsx run.ts apply --from helm # once what it objects to is changed in airflow.values, or ${allowed}`, ...(sysctl === undefined ? [] : [look])] as [string, ...string[]],
  }
}
