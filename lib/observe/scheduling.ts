/**
 * Why a pod has no node.
 *
 * The scheduler's message counts nodes by the first reason each failed for, and is as old as its
 * last try. So it is only shown; the verdict comes from the nodes themselves: they are sieved by
 * what does not change by itself, and the sieve that lets none through is the cause.
 *
 *   0/1 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate.
 *   0/3 nodes are available: 1 Insufficient memory, 2 node(s) had volume node affinity conflict.
 */
import type { Event, Node, PersistentVolume, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { heldRestarts } from './crash.ts'
import { latest, timeOf } from './events.ts'
import { isControlPlane, lastingTaints, untaint } from './node.ts'
import { boundVolumes, isAskedFor, reachesVolumes, someNodeComesBack, someNodeUnfolds, tooBigFor } from './node-fit.ts'
import { type Context, type Failed, type Observation, failed, fixOf, inNamespace, isReady, nameOf, waiting } from './observation.ts'
import { lasting, madeByOwner, ownerName, someoneLeaves, targetOf, thenDeletePod, workloadOf } from './owners.ts'
import { absentNode, crowdedOut, unknownScheduler } from './placement.ts'
import { unboundElsewhere, volumeElsewhere } from './volume-elsewhere.ts'

export function observeScheduling(object: KubernetesObject, claim: Observation | undefined, events: readonly Event[], context: Context): Observation {
  const scheduled = (object as Pod).status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const said = scheduled?.message ?? latest(events, 'FailedScheduling')?.message
  if (scheduled?.status !== 'False' || said === undefined) {
    const nobody = absentNode(object, context) ?? unknownScheduler(object, events)
    if (nobody) return nobody
    // While it waits for a volume to be provisioned the scheduler, which has chosen a node, says nothing.
    return waiting(claim?.state === 'waiting' ? `waits for its volume: ${claim.reason}` : 'has not been looked at by the scheduler yet')
  }
  const evidence = [`${nameOf(object)} is not placed: ${said}`]
  const coming = placeToCome(object, events, context)
  if (coming !== undefined) return waiting(`waits for ${coming}: ${said}`)
  return missingClaim(object, said, evidence, context)
    ?? sieve(object, evidence, context)
    ?? unboundElsewhere(object, said, evidence, context)
    ?? crowdedOut(object, said, evidence, context)
    ?? full(object, said, evidence, context)
    ?? waiting(claim?.state === 'waiting' ? `is not placed: ${said} (${claim.reason})` : `is not placed: ${said}`)
}

/** Of the cluster's autoscaler, and of Karpenter: Nominated: Pod should schedule on: nodeclaim/default-7x2pk */
const growing = ['TriggeredScaleUp', 'Nominated', 'NominatePod']

/** Longer than any cloud takes for a node. */
const growthMs = 900_000

/** What is under way and gives the pod its place, whatever the nodes are like now. */
function placeToCome(pod: KubernetesObject, events: readonly Event[], context: Context): string | undefined {
  if (isGrowing(events, context.now)) return 'a node that is being added'
  const { nominatedNodeName } = (pod as Pod).status ?? {}
  // Those whom it ends for this one may be of any namespace.
  if (nominatedNodeName !== undefined && nominatedNodeName !== '') return `others to end on node ${nominatedNodeName}`
  return someNodeUnfolds(pod, context) ? 'what is still to be set up on a node that has only just come' : undefined
}

/** Until whoever adds it takes that back: the autoscaler in a word of its own, Karpenter in the scheduler's. */
function isGrowing(events: readonly Event[], now: Date): boolean {
  const ofKarpenter = ({ source, reportingComponent }: Event): boolean => (reportingComponent ?? source?.component) === 'karpenter'
  const said = events.filter((event) => event.reason !== 'FailedScheduling' || ofKarpenter(event))
  const last = latest(said, ...growing, 'NotTriggerScaleUp', 'FailedScheduling')
  return last !== undefined && growing.includes(last.reason ?? '') && now.getTime() - timeOf(last) < growthMs
}

function missingClaim(pod: KubernetesObject, said: string, evidence: string[], { claims, volumes = [] }: Context): Failed | undefined {
  const [, name] = /persistentvolumeclaim "([^"]+)" not found/.exec(said) ?? []
  const there = claims.some(({ metadata }) => metadata.name === name && metadata.namespace === pod.metadata.namespace)
  if (name === undefined || there) return undefined
  const kept = volumes.filter((volume) => wasOf(volume as PersistentVolume, name, pod.metadata.namespace))
  return failed(pod, 'claim-missing', {
    title: `Claim ${name} does not exist`,
    evidence: [...evidence, ...kept.map((volume) => `${nameOf(volume)}, made at ${String(volume.metadata.creationTimestamp)}, was bound to a claim of that name, and holds what was in it`)],
    why: 'A pod names it as a volume, and is placed only when it is there.',
    fix: [
      // Else the next claim gets an empty volume, and a database begins anew beside the one that is kept.
      madeByOwner(pod, name) && kept.length > 0 ? `kubectl patch pv ${kept.length === 1 ? kept.map(({ metadata }) => metadata.name).join('') : 'NAME'} --type=merge -p '{"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}' && kubectl ${inNamespace(pod)} delete pod ${pod.metadata.name} # keeps the volume for a claim of that name, which its StatefulSet makes with the next pod${kept.length > 1 ? '; NAME is the one of those above whose data is wanted' : ''}`
        : madeByOwner(pod, name) ? `kubectl ${inNamespace(pod)} delete pod ${pod.metadata.name} # its StatefulSet makes the claim again with the next pod` : 'npx tsx run.ts apply --only storage # for the claims that airstrip makes',
      `kubectl ${inNamespace(pod)} get pvc # and correct existingClaim in airflow.values`,
    ],
  })
}

/** Released, and kept: one that is made by hand for a claim has no uid of it, and takes it by itself. */
function wasOf({ metadata, spec, status }: PersistentVolume, claim: string, namespace: string | undefined): boolean {
  return spec?.claimRef?.name === claim && spec.claimRef.namespace === namespace && spec.claimRef.uid !== undefined && status?.phase === 'Released' && metadata?.deletionTimestamp === undefined
}

/** Undefined where some node would do, or where there is no list of nodes to judge by. */
function sieve(object: KubernetesObject, evidence: string[], context: Context): Failed | undefined {
  const pod = object as Pod
  const volumes = boundVolumes(object, context)
  const all = (context.nodes ?? []) as readonly unknown[] as Node[]
  if (all.length === 0) return undefined
  const reaching = all.filter((node) => reachesVolumes(node, volumes))
  if (reaching.length === 0) return volumeElsewhere(object, volumes, evidence, context)
  const asked = reaching.filter((node) => isAskedFor(node, pod))
  if (asked.length === 0) return noSuchNode(object, evidence, context)
  const open = asked.filter((node) => lastingTaints(node, pod).length === 0)
  if (open.length === 0) return tainted(object, asked, evidence)
  const big = open.filter((node) => tooBigFor(node, pod).length === 0)
  return big.length === 0 ? tooBig(object, [...evidence, ...open.flatMap((node) => tooBigFor(node, pod))]) : undefined
}

/** The scheduler speaks of them without saying which. */
function askedFor(pod: Pod): string[] {
  const selected = Object.entries(pod.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const affine = terms.flatMap(({ matchExpressions = [] }) => matchExpressions.map(({ key, operator, values = [] }) => `${key} ${operator} ${values.join(', ')}`.trim()))
  const asked = [...selected, ...affine]
  return asked.length === 0 ? [] : [`${nameOf(pod as KubernetesObject)} asks for ${asked.join('; ')}`]
}

/** What the kubelet or a cloud says of the node: whoever writes over it makes it untrue, for all that asks for it. */
const toldByKubelet = /^((node|topology|beta)\.)?kubernetes\.io\//

/** Where there is one node it can only be meant. */
function labelsFor({ spec }: Pod, { nodes = [] }: Context): string[] {
  const [node] = nodes
  const wanted = Object.entries(spec?.nodeSelector ?? {}).filter(([key, value]) => node?.metadata.labels?.[key] !== value)
  if (wanted.some(([key]) => toldByKubelet.test(key))) return []
  return nodes.length === 1 && node && wanted.length > 0 ? [`kubectl label node ${node.metadata.name} ${wanted.map(([key, value]) => `${key}=${value}`).join(' ')} --overwrite`] : []
}

function noSuchNode(pod: KubernetesObject, evidence: string[], context: Context): Failed {
  return failed(pod, 'node-affinity-mismatch', {
    title: 'A pod asks for node labels that no node has',
    evidence: [...evidence, ...askedFor(pod as Pod)],
    why: 'nodeSelector or affinity name labels, and nobody sets them by himself.',
    fix: fixOf(
      labelsFor(pod as Pod, context),
      'npx tsx run.ts apply --from helm # once nodeSelector and affinity in airflow.values name labels that a node has: kubectl get nodes --show-labels',
    ),
  })
}

function tainted(object: KubernetesObject, nodes: Node[], evidence: string[]): Failed {
  const taints = nodes.flatMap((node) => lastingTaints(node, object as Pod))
  const keys = [...new Set(taints.map(({ key }) => key))]
  if (!nodes.every((node) => lastingTaints(node, object as Pod).every(isControlPlane))) return otherTaint(object, nodes, evidence)
  return failed(object, 'control-plane-taint-single-node', {
    title: 'Every node is reserved for the control plane',
    evidence,
    why: 'kubeadm keeps other pods off the control plane; on a cluster of one node that leaves none.',
    fix: keys.map((key) => `kubectl taint nodes --all ${key}-`) as [string, ...string[]],
  })
}

function otherTaint(pod: KubernetesObject, nodes: Node[], evidence: string[]): Failed {
  const taints = nodes.flatMap((node) => lastingTaints(node, pod as Pod).map((taint) => ({ node: node.metadata?.name ?? '', taint })))
  const keys = [...new Set(taints.map(({ taint }) => taint.key))]
  return failed(pod, 'untolerated-taint', {
    title: `Every node that a pod could use is tainted: ${keys.join(', ')}`,
    evidence,
    why: 'Somebody set the taint to keep pods off, and this pod does not tolerate it.',
    fix: fixOf(taints.slice(0, 5).map(({ node, taint }) => untaint(node, taint)), 'or add tolerations in airflow.values, and run again'),
  })
}

/** What is asked for keeps a pod out and gives it nothing: with less it runs as it would, as long as the node has the rest. */
function lessAsked(pod: KubernetesObject): string[] {
  const target = targetOf(pod)
  const asking = ((pod as Pod).spec?.containers ?? []).filter(({ resources }) => Object.keys(resources?.requests ?? {}).length > 0)
  if (target === undefined || asking.length === 0) return []
  const commands = asking.map(({ name, resources }) => `kubectl ${inNamespace(pod)} set resources ${target} -c ${name} --requests=${Object.keys(resources?.requests ?? {}).map((kind) => `${kind}=${modest[kind] ?? '0'}`).join(',')}`)
  return [`${commands.join(' && ')}${thenDeletePod(pod)} # lets ${ownerName(pod)} be placed; at once, and until the next apply`]
}

const modest: Record<string, string> = { 'cpu': '100m', 'memory': '256Mi', 'ephemeral-storage': '100Mi' }

function tooBig(pod: KubernetesObject, evidence: string[]): Failed {
  return failed(pod, 'insufficient-cpu-or-memory', {
    title: 'A pod asks for more than any node has',
    evidence,
    why: 'Not even an empty node could take it.',
    fix: fixOf(lessAsked(pod), 'npx tsx run.ts apply --from helm # once resources.requests of that component in airflow.values are lower'),
  })
}

/** Full now, and nothing of this namespace is about to leave; others may, so this takes longer to be certain. */
function full(pod: KubernetesObject, said: string, evidence: string[], context: Context): Failed | undefined {
  const { nodes, pods, now } = context
  if (nodes === undefined || !/Insufficient [\w./-]+|Too many pods/.test(said)) return undefined
  if (someoneLeaves(pod.metadata.namespace, pods, now) || someoneIsReplaced(pod.metadata.namespace, pods) || someNodeComesBack(pod, context)) return undefined
  if (takesNoMorePods(said)) return tooManyPods(pod, evidence, nodes as readonly unknown[] as Node[], said.includes('Insufficient ') ? lessAsked(pod) : [])
  return failed(pod, 'insufficient-cpu-or-memory', {
    title: 'The nodes are full',
    evidence,
    why: 'What the running pods ask for leaves too little for this one, and none of them is about to end.',
    fix: fixOf(
      lessAsked(pod),
      'npx tsx run.ts apply --from helm # once airflow.values ask for less (resources.requests), or leave parts out: {triggerer: {enabled: false}, statsd: {enabled: false}}',
      'kubectl describe nodes # shows what is asked for by whom',
    ),
  }, 120_000)
}

/** In a rolling update the old pod goes when the new one, which has its place, is ready. One that keeps crashing may be waiting for the very pod that has none. */
export function someoneIsReplaced(namespace: string | undefined, pods: readonly KubernetesObject[]): boolean {
  const there = lasting(pods).filter((one) => one.metadata.namespace === namespace && workloadOf(one)?.kind === 'Deployment')
  return there.some((next) => isStarting(next as Pod) && there.some((old) => isReady(old) && ownerName(old) === ownerName(next) && hashOf(old) !== hashOf(next)))
}

function isStarting(pod: Pod): boolean {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  return pod.spec?.nodeName !== undefined && !isReady(pod as KubernetesObject) && [...initContainerStatuses, ...containerStatuses].every(({ restartCount }) => restartCount < heldRestarts)
}

function hashOf({ metadata: { labels } }: KubernetesObject): string | undefined {
  return labels?.['pod-template-hash']
}

/**
 * Every node that lacks room lacks that: a node is counted once for each thing that it lacks.
 *
 *   0/2 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate.
 */
function takesNoMorePods(said: string): boolean {
  const [, all = '', reasons = ''] = /^0\/(\d+) nodes are available: ([^.]*)/.exec(said) ?? []
  const others = reasons.split(/, (?=\d+ )/).filter((reason) => !reason.includes(' Insufficient ')).map((reason) => Number.parseInt(reason, 10))
  return said.includes(' Too many pods') && (!said.includes(' Insufficient ') || others.reduce((sum, count) => sum + count, 0) === Number(all))
}

/** `besides`: what lets it be placed once one of the others is gone. */
function tooManyPods(pod: KubernetesObject, evidence: string[], nodes: readonly Node[], besides: readonly string[]): Failed {
  const limits = nodes.flatMap(({ metadata, status }) => (status?.allocatable?.pods === undefined ? [] : [`Node ${metadata?.name ?? ''} takes ${status.allocatable.pods} pods in all`]))
  return failed(pod, 'insufficient-cpu-or-memory', {
    title: 'The nodes take no more pods',
    evidence: [...evidence, ...limits],
    why: 'A kubelet runs no more pods than its maxPods says, 110 where nobody has set it, however little they ask for. Pods that have ended do not count.',
    fix: [
      'kubectl get pods -A --field-selector=status.phase!=Succeeded,status.phase!=Failed # who has them; then, for what is not needed: kubectl -n NAMESPACE scale deployment/NAME --replicas=0',
      'sudo sed -i \'/^maxPods:/d\' /var/lib/kubelet/config.yaml && echo \'maxPods: 220\' | sudo tee -a /var/lib/kubelet/config.yaml && sudo systemctl restart kubelet # on the node; its podCIDR must have as many addresses',
      'Where it is K3s: kubelet-arg: ["max-pods=220"] in /etc/rancher/k3s/config.yaml, then: sudo systemctl restart k3s (k3s-agent on a node of agents)',
      ...besides.map((command) => `And then, since it asks for more than is free as well: ${command}`),
    ],
  }, 120_000)
}
