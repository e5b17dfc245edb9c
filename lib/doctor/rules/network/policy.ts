/**
 * NetworkPolicies that certainly keep a connection out which Airflow needs, where such connections are
 * seen to fail. A policy alone is no finding: not every network plugin enforces them, and a deny-all
 * with others that allow is how it is done well.
 */
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1.js'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { servesWeb } from '../../../airflow/families.ts'
import { isFoundation } from '../../../observe/causes.ts'
import { tookTheRequest } from '../../../observe/answer.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, isReady, nameOf, readySince } from '../../../observe/observation.ts'
import { lasting } from '../../../observe/owners.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import type { Finding } from '../../../step.ts'
import { hasTaken } from '../../answered.ts'
import { type Complaint, complaints, mentions } from '../../complaints.ts'
import { copiedAway } from '../../../observe/copied-away.ts'
import type { Evidence } from '../../evidence.ts'
import { isStranger } from '../../strangers.ts'
import { wrong } from '../../rule.ts'
import { answersNames } from '../cluster/dns.ts'
import { unresolved } from '../cluster/symptoms.ts'
import { noConnection } from '../database/parts.ts'
import { wayOf } from '../ingress/way.ts'
import { destinationsOf } from './destination.ts'
import { brokenServices } from './service.ts'
import { hasPassed, silences } from './silence.ts'

type Direction = 'Ingress' | 'Egress'

/**
 * Of the database; of Redis as its client says it: `Error 110 connecting to airflow-redis:6379. Connection timed out.`,
 * `Timeout connecting to server`; and of either as nc says it to the image's entrypoint: `(UNKNOWN) [10.43.1.2] 5432 (postgresql) : Connection timed out`.
 */
const failing = new RegExp(`${noConnection.source}|Error \\d+ connecting to .*(?:refused|timed out|resolution)|Timeout connecting to server|\\[[\\da-f.:]+\\] \\d+ \\(.*\\) : Connection (?:timed out|refused)`, 'i')

const unnamed = /temporary failure in name resolution/i
/** Of whom has answered the database says FATAL, and a name that is not found is the DNS's. */
const silent = /failed:.*(?:timed out|timeout|refused|No route|unreachable)|could not connect to server: (?:Connection|No route|Network)/i

const comeIn = 'the pods of the namespace reach each other, and Traefik\'s namespace the webserver'

/** What a policy keeps apart: told in these lines, and mended by letting this through. */
interface Cut {
  policy: NetworkPolicy
  lines: string[]
  let: string
}

export function policyBlocks(evidence: Evidence): Finding[] {
  const policies = (evidence.networkPolicies ?? []) as unknown as NetworkPolicy[]
  const names = (evidence.record?.objects ?? []).filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata }) => metadata.name)
  const isOwn = ({ policy }: Cut): boolean => names.includes(policy.metadata?.name ?? '')
  const parts = lasting(evidence.pods).filter((pod) => !isFoundation(pod) && pod.metadata.labels?.tier === 'airflow')
  const pages = parts.filter((part) => servesWeb(part.metadata.labels?.component ?? ''))
  const web = fromTraefik(evidence, pages, policies)
  // Whom one policy lets in is let in: the release's own can do it, and whatever others there are may stay.
  const ours = web.filter(isOwn)
  const foreign = [...fromDatabase(evidence, parts, policies), ...fromNames(evidence, parts, policies), ...fromOutside(evidence, parts, policies), ...(ours.length > 0 ? [] : web)].filter((cut) => !isOwn(cut))
  return [...(foreign.length === 0 ? [] : [ofOthers(foreign, evidence)]), ...(ours.length === 0 ? [] : [ofRelease(ours, pages)])]
}

const why = 'As soon as one policy selects a pod, only what some policy allows reaches it, or leaves it; and connections are seen to fail.'

function ofOthers(cuts: readonly Cut[], { namespace }: Evidence): Finding {
  const names = namesOf(cuts)
  return wrong('network-policy-blocks', {
    title: `NetworkPolicy ${names.join(', ')} keeps Airflow's parts apart`,
    evidence: [...new Set(cuts.slice(0, 5).flatMap(({ lines }) => lines))],
    why,
    fix: [`${copiedAway('networkpolicy', names, namespace)} # or let ${[...new Set(cuts.map((cut) => cut.let))].join(', and ')}`],
  })
}

/** Rendered by `networkPolicies.enabled: true`, and without any rule for as long as the values say of nobody that he may come. */
function ofRelease(cuts: readonly Cut[], pages: readonly KubernetesObject[]): Finding {
  const part = pages.some(({ metadata }) => metadata.labels?.component === 'api-server') ? 'apiServer' : 'webserver'
  return wrong('network-policy-blocks', {
    title: `NetworkPolicy ${namesOf(cuts).join(', ')} of the release keeps Traefik out`,
    evidence: [...new Set(cuts.flatMap(({ lines }) => lines))],
    why,
    fix: [`Set ${part}.networkPolicy.ingress.from: [{namespaceSelector: {}}] in airflow.values, then: npx tsx run.ts apply --from helm`],
  })
}

function namesOf(cuts: readonly Cut[]): string[] {
  return [...new Set(cuts.map(({ policy }) => policy.metadata?.name ?? ''))]
}

function fromDatabase(evidence: Evidence, parts: readonly KubernetesObject[], policies: readonly NetworkPolicy[]): Cut[] {
  const databases = lasting(evidence.pods).filter((pod) => isFoundation(pod) && isReady(pod))
  // A name that the DNS does not know is no matter of the policy while the DNS itself is at fault.
  const nameless = !answersNames(evidence)
  const said = mentions(evidence, failing).filter(({ pod, line }) => parts.includes(pod) && !(nameless && unresolved.test(line)))
  const cuts = ({ pod: part, line, notBefore = 0 }: Pick<Complaint, 'pod' | 'line' | 'notBefore'>, whom: readonly KubernetesObject[]): Cut[] => {
    const legs = whom.flatMap((to) => [{ from: part, to }, ...behind(to, databases, evidence).map((database) => ({ from: to, to: database }))])
    return legs.flatMap(({ from, to }) => blocked(from, to, policies).filter((policy) => notBefore >= ableSince(to, policy)).map((policy) => ({
      policy, lines: [`no policy lets ${nameOf(from)} reach ${nameOf(to)}`, `${part.metadata.name}: ${line}`], let: comeIn,
    })))
  }
  // PgBouncer stands before the database, and the broker is asked after it.
  const own = databases.filter((one) => !isStranger(one, evidence))
  const first = ['-pgbouncer-', '-postgresql-'].map((word) => own.filter(({ metadata: { name } }) => name.includes(word))).find((found) => found.length > 0) ?? []
  const ignored = ({ policy }: Cut): boolean => parts.some((part) => first.some((to) => blocked(part, to, policies).includes(policy) && hasPassed(part, ableSince(to, policy))))
  return [...said.flatMap((one) => cuts(one, meant(one, databases, evidence))), ...silences(evidence, parts).flatMap((one) => cuts(one, first)).filter((cut) => !ignored(cut))]
}

/** PgBouncer answers for the database, and says so when it does not reach it. */
function behind({ metadata: { name } }: KubernetesObject, databases: readonly KubernetesObject[], evidence: Evidence): KubernetesObject[] {
  return name.includes('-pgbouncer-') ? databases.filter((one) => one.metadata.name.includes('-postgresql-') && !isStranger(one, evidence)) : []
}

const currentMs = 600_000

/** Where it says nobody's name it may be any of the release's, as long as it is said now: of a pod that is ready it may be long over. */
function meant({ pod, line, notBefore = 0 }: Complaint, databases: readonly KubernetesObject[], evidence: Evidence): readonly KubernetesObject[] {
  const named = destinationsOf(line, databases, evidence)
  if (named !== undefined) return named
  const isOver = isReady(pod) && Date.parse(evidence.at) - notBefore > currentMs
  return isOver ? [] : databases.filter((database) => !isStranger(database, evidence))
}

/** The DNS itself may be at fault, which is told as such. */
function fromNames(evidence: Evidence, parts: readonly KubernetesObject[], policies: readonly NetworkPolicy[]): Cut[] {
  if (!answersNames(evidence)) return []
  const mayAnswer = ({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): boolean => ipBlock !== undefined || isIn(namespaceSelector, 'kube-system') || (podSelector === undefined && namespaceSelector === undefined)
  return unsent(evidence, parts, policies, unnamed, (selecting) => allows('Egress', selecting, mayAnswer, 53)).map(({ part, policy, line }) => ({
    policy, lines: [`no policy lets ${nameOf(part)} ask the cluster's DNS`, `${part.metadata.name}: ${line}`], let: 'the pods out to port 53 of kube-system, UDP and TCP',
  }))
}

/** A database of somebody else's may be a pod as well, of this namespace where one of its Services has that name. */
function fromOutside(evidence: Evidence, parts: readonly KubernetesObject[], policies: readonly NetworkPolicy[]): Cut[] {
  const { wanted, services } = evidence
  if (wanted?.database === undefined || wanted.bundledDatabase || services === undefined) return []
  const { host, port } = wanted.database
  const isNear = services.some(({ metadata }) => metadata.name === host.split('.')[0])
  const mayBeIt = ({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): boolean => ipBlock !== undefined || namespaceSelector !== undefined || podSelector === undefined || isNear
  return unsent(evidence, parts, policies, silent, (selecting) => allows('Egress', selecting, mayBeIt, port)).map(({ part, policy, line }) => ({
    policy, lines: [`no policy lets ${nameOf(part)} out to ${host}:${port}`, `${part.metadata.name}: ${line}`], let: `the pods out to port ${port} of ${host}`,
  }))
}

/** Of parts that complain still, and since the policy is there. */
function unsent(evidence: Evidence, parts: readonly KubernetesObject[], policies: readonly NetworkPolicy[], words: RegExp, isLet: (selecting: readonly NetworkPolicy[]) => boolean): { part: KubernetesObject; policy: NetworkPolicy; line: string }[] {
  return complaints(evidence, words).filter(({ pod }) => parts.includes(pod)).flatMap(({ pod: part, line, notBefore = 0 }) => {
    const selecting = policies.filter((policy) => selects(policy, part, 'Egress'))
    return isLet(selecting) ? [] : selecting.filter(({ metadata }) => notBefore >= Date.parse(metadata?.creationTimestamp ?? '')).map((policy) => ({ part, policy, line }))
  })
}

/** Only where the page is well: its node asks it for its health, and no policy keeps a node out. */
function fromTraefik(evidence: Evidence, pages: readonly KubernetesObject[], policies: readonly NetworkPolicy[]): Cut[] {
  const { answered, at } = evidence
  const status = answered !== undefined && 'answer' in answered ? answered.answer.status : 0
  // A 503 may be the page's own, which Traefik has reached then.
  const isTraefiks = status === 503 && answered !== undefined && 'answer' in answered && /^(no available server|Service Unavailable)\s*$/.test(answered.answer.body)
  const isMisled = brokenServices(evidence).some(({ title }) => title.startsWith(`Service ${evidence.namespace}/${evidence.wanted?.service ?? ''} `))
  if (!([502, 504].includes(status) || isTraefiks || hasTaken(evidence)) || isMisled) return []
  const traefik = wayOf(evidence)?.workload
  const { labels, onHost } = templateOf(traefik)
  // From the node itself most plugins let everything in.
  if (onHost) return []
  const mayBeTraefik = ({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): boolean =>
    ipBlock !== undefined || traefik === undefined || (namespaceSelector === undefined ? traefik.metadata.namespace === evidence.namespace && (podSelector === undefined || matchesLabels(podSelector, labels)) : isIn(namespaceSelector, traefik.metadata.namespace))
  const settled = pages.filter((page) => isReady(page) && ageMs(readySince(page), new Date(at)) >= faults['network-policy-blocks'].settleMs)
  return settled.flatMap((page) => {
    const selecting = policies.filter((policy) => selects(policy, page, 'Ingress'))
    const lines = [`no policy lets Traefik reach ${nameOf(page)}, and it ${status === 0 ? tookTheRequest : `answers ${status}`}`]
    return allows('Ingress', selecting, mayBeTraefik, portOf(page)) ? [] : selecting.map((policy) => ({ policy, lines, let: comeIn }))
  })
}

function templateOf(workload: KubernetesObject | undefined): { labels: Record<string, string>; onHost: boolean } {
  const { metadata, spec } = (workload as Deployment | undefined)?.spec?.template ?? {}
  return { labels: metadata?.labels ?? {}, onHost: spec?.hostNetwork === true }
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
  return [...closed('Egress', from, to, policies, portOf(to)), ...closed('Ingress', to, from, policies, portOf(to))]
}

function portOf(pod: KubernetesObject): number | undefined {
  return ((pod as Pod).spec?.containers ?? []).flatMap(({ ports = [] }) => ports)[0]?.containerPort
}

function closed(direction: Direction, pod: KubernetesObject, other: KubernetesObject, policies: readonly NetworkPolicy[], port?: number): NetworkPolicy[] {
  const selecting = policies.filter((policy) => selects(policy, pod, direction))
  return allows(direction, selecting, (peer) => mayBe(peer, other), port) ? [] : selecting
}

function allows(direction: Direction, selecting: readonly NetworkPolicy[], isPeer: (peer: NetworkPolicyPeer) => boolean, port?: number): boolean {
  return selecting.some(({ spec }) => {
    const rules = direction === 'Ingress' ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })) : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
    return rules.some(({ peers, ports }) => allowsPort(ports, port) && (peers === undefined || peers.length === 0 || peers.some(isPeer)))
  })
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

/** A namespace's name the API server writes among its labels; of others nothing is known. */
function isIn(selector: LabelSelector | undefined, namespace: string | undefined): boolean {
  const name = selector?.matchLabels?.['kubernetes.io/metadata.name']
  return selector !== undefined && (name === undefined || namespace === undefined || name === namespace)
}

/** A named port could be any. */
function allowsPort(ports: readonly NetworkPolicyPort[] | undefined, port: number | undefined): boolean {
  if (ports === undefined || ports.length === 0 || port === undefined) return true
  return ports.some((one) => one.port === undefined || typeof one.port === 'string' || one.port === port || (one.endPort !== undefined && one.port <= port && port <= one.endPort))
}
