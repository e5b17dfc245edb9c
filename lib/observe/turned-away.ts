/**
 * Pods that the kubelet itself turned away when they came to its node. Their controller makes another at once, for
 * ever: a ReplicaSet and a Job leave the failed ones where they are, a StatefulSet and a DaemonSet take each away, and
 * only events are left.
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

type Seen = Pick<Context, 'events' | 'now'>

/** `pods`: those of the workload's newest version, with the ones that have ended. */
export function observeTurnedAway(workload: KubernetesObject, pods: readonly KubernetesObject[], { events, now }: Seen, reasons: readonly string[] = forGood): Failed | undefined {
  const kept = pods.find((pod) => isKept(pod, reasons))
  if (kept !== undefined) {
    // As true as on the first day, and no other comes in its place.
    const { metadata: { creationTimestamp } } = kept
    return { ...failed(workload, 'admission-refused', text(workload, refusalOf(kept), 1), keptMs), since: creationTimestamp }
  }
  const lying = pods.filter((pod) => isFailed(pod, reasons))
  const gone = refusalsIn(events, workload, reasons).filter(({ uid }) => lying.every(({ metadata }) => metadata.uid !== uid))
  const recent = [...lying.map(refusalOf), ...gone].filter(({ toldAt }) => now.getTime() - toldAt < recentMs).sort((a, b) => a.at - b.at)
  const last = recent.at(-1)
  if (last === undefined || recent.length < often || pods.some((pod) => isBeyond(pod, last))) return undefined
  return { ...failed(workload, 'admission-refused', text(workload, last, recent.length)), triedAt: new Date(last.at).toISOString() }
}

function isFailed(pod: KubernetesObject, reasons: readonly string[]): boolean {
  const { phase, reason = '' } = (pod as Pod).status ?? {}
  return phase === 'Failed' && reasons.includes(reason)
}

function isKept(pod: KubernetesObject, reasons: readonly string[]): boolean {
  const { phase, reason = '' } = (pod as Pod).status ?? {}
  return phase === 'Pending' && reasons.includes(reason) && pod.metadata.deletionTimestamp === undefined
}

function refusalOf(pod: KubernetesObject): Refusal {
  const { reason = '', message = '' } = (pod as Pod).status ?? {}
  const at = Date.parse(pod.metadata.creationTimestamp ?? '')
  return { pod: nameOf(pod), reason, message, at, toldAt: at }
}

/** How the pods are called of those that take away what has failed. */
const members: Partial<Record<string, RegExp>> = { StatefulSet: /^-\d+$/, DaemonSet: /^-[a-z0-9]{5}$/ }

/** By their names, since the pods are gone; of one of that name that was there before nothing counts. */
function refusalsIn(events: Context['events'], { kind, metadata }: KubernetesObject, reasons: readonly string[]): (Refusal & { uid: string | undefined })[] {
  const rest = members[kind]
  if (rest === undefined) return []
  const isOne = ({ kind: its, name = '', namespace }: Event['involvedObject']): boolean => its === 'Pod' && namespace === metadata.namespace && name.startsWith(metadata.name) && rest.test(name.slice(metadata.name.length))
  const about = (events as readonly unknown[] as Event[]).filter(({ reason = '', involvedObject }) => reasons.includes(reason) && isOne(involvedObject))
  return about.map(({ reason = '', message = '', involvedObject: { name = '', uid }, ...event }) => {
    const at = timeOf(event as Event)
    return { pod: `Pod ${metadata.namespace ?? 'default'}/${name}`, reason, message, uid, at, toldAt: Math.max(at, Date.parse(event.metadata.creationTimestamp ?? '') || 0) }
  }).filter(({ at }) => !(at < Date.parse(metadata.creationTimestamp ?? '')))
}

/**
 * One that has come further than the last that was turned away: the kubelet took it, which it writes down, or it has no
 * place yet, and so is of another kind than those that had one at once. One of the same name is the next whatever the
 * node's clock says.
 */
function isBeyond(pod: KubernetesObject, last: Refusal): boolean {
  const { startTime, reason = '', conditions = [] } = (pod as Pod).status ?? {}
  const isLetIn = startTime != null && ![...forGood, ...forNow].includes(reason)
  const isUnplaced = conditions.some(({ type, status }) => type === 'PodScheduled' && status === 'False')
  return (isLetIn || isUnplaced) && (nameOf(pod) === last.pod || Date.parse(pod.metadata.creationTimestamp ?? '') >= last.at)
}

function text(workload: KubernetesObject, { pod, reason, message }: Refusal, count: number) {
  const [, sysctl] = /forbidden sysctl: "([^"]+)" not (?:white|allow)listed/.exec(message) ?? []
  const allowed = sysctl === undefined ? 'allowed in the kubelet\'s configuration on the node' : `allowed by allowedUnsafeSysctls: [${sysctl}] in the kubelet's configuration on the node, and the kubelet restarted`
  const look = `kubectl ${inNamespace(workload)} get ${workload.kind.toLowerCase()} ${workload.metadata.name} -o jsonpath='{.spec.template.spec.securityContext.sysctls}' # what it asks for`
  return {
    title: `The kubelet takes no pod of ${workload.kind} ${workload.metadata.name}: ${reason}`,
    evidence: [`${pod}: ${reason}: ${message}`, ...(count > 1 ? [`${count} pods were turned away`] : [])],
    why: 'It looks at a pod before it starts it; the same one is turned away each time that it is made.',
    fix: [`npx tsx run.ts apply --from helm # once what it objects to is changed in airflow.values, or ${allowed}`, ...(sysctl === undefined ? [] : [look])] as [string, ...string[]],
  }
}
