/**
 * What keeps a pod off every node because of the pods that are there, or since nobody places it. Only the
 * scheduler counts the other pods of the cluster, so its word is taken, together with what the pod asks for.
 *
 *   0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.
 *   0/1 nodes are available: 1 node(s) didn't match pod affinity/anti-affinity rules, 1 node(s) didn't match pod anti-affinity rules.
 *   0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.
 */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { someNodeComesBack } from './node-fit.ts'
import { type Context, type Failed, failed, fixOf, inNamespace, nameOf } from './observation.ts'
import { lasting, ownerName, someoneLeaves, targetOf, thenDeletePod, workloadOf } from './owners.ts'

/** Undefined where nothing of the kind is said, or where somebody is about to make room, or a node to come back. */
export function crowdedOut(pod: KubernetesObject, said: string, evidence: string[], context: Context): Failed | undefined {
  const { pods, now } = context
  if (someoneLeaves(pod.metadata.namespace, pods, now) || someNodeComesBack(pod, context)) return undefined
  return portTaken(pod, said, evidence, pods) ?? companyWanted(pod, said, evidence)
}

function hostPortsOf({ spec }: Pod): number[] {
  return (spec?.containers ?? []).flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, containerPort }) => hostPort ?? (spec?.hostNetwork === true ? containerPort : [])))
}

function portTaken(pod: KubernetesObject, said: string, evidence: string[], pods: readonly KubernetesObject[]): Failed | undefined {
  const ports = hostPortsOf(pod as Pod)
  if (ports.length === 0 || !said.includes('have free ports for the requested pod ports')) return undefined
  const holders = lasting(pods).filter((one) => one !== pod && (one as Pod).spec?.nodeName !== undefined && hostPortsOf(one as Pod).some((port) => ports.includes(port)))
  const before = holders.some((one) => ownerName(one) === ownerName(pod)) && workloadOf(pod)?.kind === 'Deployment'
  const list = ports.join(', ')
  return failed(pod, 'host-port-taken', {
    title: `Port ${list} of the node, which ${ownerName(pod)} wants for itself, is taken`,
    evidence: [...evidence, ...holders.map((one) => `${nameOf(one)} has ${hostPortsOf(one as Pod).join(', ')} on ${String((one.spec as { nodeName?: string }).nodeName)}`)],
    why: before ? 'Its own pod of before has the port, and a rolling update ends that one only when the new one is ready.' : 'A hostPort is had by one pod of a node, and whoever has it goes on.',
    fix: fixOf(
      before ? [`kubectl ${inNamespace(pod)} patch ${targetOf(pod) ?? ''} -p '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}' # ends the old pod first`] : holders.flatMap((one) => (targetOf(one) === undefined ? [] : [`kubectl ${inNamespace(one)} scale ${targetOf(one) ?? ''} --replicas=0 # gives the port free, if it is not needed there`])),
      `kubectl get pods -A -o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name} {.spec.containers[*].ports[*].hostPort}{"\\n"}{end}' | grep -wE '${ports.join('|')}' # who has it; then take hostPort out of one of the two`,
    ),
  })
}

const rules = [
  { text: /didn't (?:match|satisfy) (?:existing )?pods? (?:affinity|anti-affinity)/, field: 'affinity', of: 'pod affinity or anti-affinity' },
  { text: /didn't match pod topology spread constraints/, field: 'topologySpreadConstraints', of: 'topology spread constraints' },
] as const

/** One that is only preferred keeps nobody off; that of another pod may. */
function companyWanted(pod: KubernetesObject, said: string, evidence: string[]): Failed | undefined {
  const rule = rules.find(({ text }) => text.test(said))
  if (rule === undefined) return undefined
  const { spec } = pod as Pod
  const own = rule.field === 'affinity' ? [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].some((one) => (one?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0) : spec?.topologySpreadConstraints !== undefined
  const target = targetOf(pod)
  return failed(pod, 'pod-affinity-unsatisfied', {
    title: `No node meets the ${rule.of} of ${own ? ownerName(pod) : 'a pod that is there'}`,
    evidence,
    why: own ? 'It is to run beside certain pods, or away from them, and on no node is it so; on a single node nothing can keep its distance.' : 'A pod that runs wants this one kept away from it.',
    fix: fixOf(
      own && target !== undefined ? [`kubectl ${inNamespace(pod)} patch ${target} -p '${JSON.stringify({ spec: { template: { spec: rule.field === 'affinity' ? { affinity: { podAffinity: null, podAntiAffinity: null } } : { topologySpreadConstraints: null } } } })}'${thenDeletePod(pod)} # at once, and until the next apply`] : [],
      `npx tsx run.ts apply --from helm # once ${rule.field} of that component in airflow.values says preferredDuringSchedulingIgnoredDuringExecution, or nothing`,
    ),
  })
}

/** The cluster ends such a pod after most of a minute and its owner makes the next, so it is told sooner. */
const absentMs = 15_000

/** With spec.nodeName a pod passes the scheduler by, and no kubelet ever sees it. */
export function absentNode(pod: KubernetesObject, { nodes = [] }: Context): Failed | undefined {
  const { nodeName } = (pod as Pod).spec ?? {}
  if (nodeName === undefined || nodes.length === 0 || nodes.some(({ metadata }) => metadata.name === nodeName)) return undefined
  const target = targetOf(pod)
  return failed(pod, 'node-affinity-mismatch', {
    title: `${ownerName(pod)} is bound to node ${nodeName}, which does not exist`,
    evidence: [`${nameOf(pod)} names node ${nodeName}; there are: ${nodes.map(({ metadata }) => metadata.name).join(', ')}`],
    why: 'A pod that names its node is given to that one without a scheduler, and waits for it for ever.',
    fix: fixOf(
      target === undefined ? [] : [`kubectl ${inNamespace(pod)} patch ${target} -p '{"spec":{"template":{"spec":{"nodeName":null}}}}'${thenDeletePod(pod)} # at once, and until the next apply`],
      'npx tsx run.ts apply --from helm # once nodeName in airflow.values names one that is there, or is left out',
    ),
  }, absentMs)
}

/** Undefined for one that the cluster's own scheduler is to place, or that was placed. */
export function unknownScheduler(pod: KubernetesObject, events: readonly Event[]): Failed | undefined {
  const { schedulerName = 'default-scheduler', nodeName } = (pod as Pod).spec ?? {}
  if (schedulerName === 'default-scheduler' || nodeName !== undefined || events.some(({ reason }) => reason === 'Scheduled' || reason === 'FailedScheduling')) return undefined
  const target = targetOf(pod)
  return failed(pod, 'scheduler-unknown', {
    title: `No scheduler called ${schedulerName} has looked at the pods of ${ownerName(pod)}`,
    evidence: [`${nameOf(pod)} names scheduler ${schedulerName}, and nobody has said anything of it`],
    why: 'A pod that names a scheduler is left to it by all others, and that one does not run or has another name.',
    fix: fixOf(
      target === undefined ? [] : [`kubectl ${inNamespace(pod)} patch ${target} -p '{"spec":{"template":{"spec":{"schedulerName":"default-scheduler"}}}}'${thenDeletePod(pod)} # at once, and until the next apply`],
      'npx tsx run.ts apply --from helm # once schedulerName in airflow.values names one that runs, or is left out',
    ),
  })
}
