/**
 * NetworkPolicies that certainly keep a connection out which Airflow needs, where such connections are
 * seen to fail. A policy alone is no finding: not every network plugin enforces them, and a deny-all
 * with others that allow is how it is done well.
 */
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { servesWeb } from '../../../airflow/families.ts'
import { isFoundation } from '../../../observe/causes.ts'
import { isReady, nameOf } from '../../../observe/observation.ts'
import { lasting } from '../../../observe/owners.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import type { Finding } from '../../../step.ts'
import { mentions } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { noConnection } from '../database/parts.ts'

type Direction = 'Ingress' | 'Egress'

/**
 * Of the database; of Redis as its client says it: `Error 110 connecting to airflow-redis:6379. Connection timed out.`,
 * `Timeout connecting to server`; and of either as nc says it to the image's entrypoint: `(UNKNOWN) [10.43.1.2] 5432 (postgresql) : Connection timed out`.
 */
const failing = new RegExp(`${noConnection.source}|Error \\d+ connecting to .*(?:refused|timed out|resolution)|Timeout connecting to server|\\[[\\da-f.:]+\\] \\d+ \\(.*\\) : Connection (?:timed out|refused)`, 'i')

export function policyBlocks(evidence: Evidence): Finding[] {
  const policies = (evidence.networkPolicies ?? []) as unknown as NetworkPolicy[]
  const own = (evidence.record?.objects ?? []).filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata }) => metadata.name)
  const foreign = policies.filter(({ metadata }) => !own.includes(metadata?.name ?? ''))
  if (foreign.length === 0) return []
  const pods = lasting(evidence.pods)
  const databases = pods.filter((pod) => isFoundation(pod) && isReady(pod))
  const parts = pods.filter((pod) => !isFoundation(pod) && pod.metadata.labels?.tier === 'airflow')
  const said = mentions(evidence, failing).filter(({ pod }) => parts.includes(pod))
  const cut = said.flatMap(({ pod: part, line, notBefore = 0 }) => databases.flatMap((database) =>
    blocked(part, database, policies).filter((policy) => notBefore >= ableSince(database, policy)).map((policy) => ({ part, database, policy, said: line }))))
  const gateway = evidence.answered !== undefined && 'answer' in evidence.answered && evidence.answered.answer.status === 504
  const web = gateway ? parts.filter((part) => isReady(part) && servesWeb(part.metadata.labels?.component ?? '')).flatMap((part) => shut(part, policies).map((policy) => ({ part, policy }))) : []
  const names = [...new Set([...cut, ...web].map(({ policy }) => policy.metadata?.name ?? ''))].filter((name) => foreign.some(({ metadata }) => metadata?.name === name))
  if (names.length === 0) return []
  return [wrong('network-policy-blocks', {
    title: `NetworkPolicy ${names.join(', ')} keeps Airflow's parts apart`,
    evidence: [
      ...cut.slice(0, 4).flatMap(({ part, database, said }) => [`no policy lets ${nameOf(part)} reach ${nameOf(database)}`, `${part.metadata.name}: ${said}`]),
      ...web.map(({ part }) => `no policy lets anybody reach ${nameOf(part)}, and Traefik answers 504`),
    ],
    why: 'As soon as one policy selects a pod, only what some policy allows reaches it; and connections are seen to fail.',
    fix: [`kubectl -n ${evidence.namespace} delete networkpolicy ${names.join(' ')} # or let the pods of the namespace reach each other, and Traefik's namespace the webserver`],
  })]
}

/** The services learn of a database some seconds after it is ready. */
const routedMs = 10_000

/** Ms since 1970 from when on a failed connection is the policy's doing: what failed before it was there, or while the database started, tells nothing. */
function ableSince(database: KubernetesObject, { metadata }: NetworkPolicy): number {
  const ready = (database as Pod).status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  return Math.max(Date.parse(metadata?.creationTimestamp ?? ''), ready === undefined ? 0 : Date.parse(ready) + routedMs)
}

/** The policies that stand between; none where the connection is let through, or may be. */
function blocked(from: KubernetesObject, to: KubernetesObject, policies: readonly NetworkPolicy[]): NetworkPolicy[] {
  const port = ((to as Pod).spec?.containers ?? []).flatMap(({ ports = [] }) => ports)[0]?.containerPort
  return [...closed('Egress', from, to, policies, port), ...closed('Ingress', to, from, policies, port)]
}

function closed(direction: Direction, pod: KubernetesObject, other: KubernetesObject, policies: readonly NetworkPolicy[], port?: number): NetworkPolicy[] {
  const selecting = policies.filter((policy) => selects(policy, pod, direction))
  const lets = selecting.some(({ spec }) => {
    const rules = direction === 'Ingress' ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })) : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
    return rules.some(({ peers, ports }) => allowsPort(ports, port) && (peers === undefined || peers.length === 0 || peers.some((peer) => mayBe(peer, other))))
  })
  return lets ? [] : selecting
}

/** Nothing at all is let in. */
function shut(pod: KubernetesObject, policies: readonly NetworkPolicy[]): NetworkPolicy[] {
  const selecting = policies.filter((policy) => selects(policy, pod, 'Ingress'))
  return selecting.some(({ spec }) => (spec?.ingress ?? []).length > 0) ? [] : selecting
}

function selects({ spec }: NetworkPolicy, pod: KubernetesObject, direction: Direction): boolean {
  if (spec === undefined) return false
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])]
  return types.includes(direction) && matchesLabels(spec.podSelector, pod.metadata.labels)
}

/** An address or another namespace's labels could mean this pod: then nothing is certain. */
function mayBe({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, pod: KubernetesObject): boolean {
  if (ipBlock !== undefined || namespaceSelector !== undefined) return podSelector === undefined || matchesLabels(podSelector, pod.metadata.labels)
  return podSelector === undefined || matchesLabels(podSelector, pod.metadata.labels)
}

/** A named port could be any. */
function allowsPort(ports: readonly NetworkPolicyPort[] | undefined, port: number | undefined): boolean {
  if (ports === undefined || ports.length === 0 || port === undefined) return true
  return ports.some((one) => one.port === undefined || typeof one.port === 'string' || one.port === port || (one.endPort !== undefined && one.port <= port && port <= one.endPort))
}
