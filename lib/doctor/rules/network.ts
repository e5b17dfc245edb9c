/** Who reaches whom: Services, their endpoints, NetworkPolicies. */
import { containerOf, needsBroker } from '../../observe/causes.ts'
import type { FaultId } from '../../observe/faults.ts'
import type { Finding } from '../../step.ts'
import { isOfAnotherPart } from '../apart.ts'
import type { Evidence } from '../evidence.ts'
import type { Explains, ExplainsIf, Rule } from '../rule.ts'
import { unexplainedEnds, gitUnreached, unanswered } from './cluster/symptoms.ts'
import { policyBlocks } from './network/policy.ts'
import { brokenServices, foreignPods, gateway } from './network/service.ts'

export const networkRules: readonly Rule[] = [brokenServices, foreignPods, gateway, policyBlocks]

/** What nobody gets to see then, whoever is not reached. */
const unseen = ['traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven', 'task-logs-unreachable', 'post-install-hook-timeout', 'helm-release-failed'] as const

/** Its health page waits for the database as long as nobody refuses it. */
const silentPage: ExplainsIf = { id: 'readiness-probe-failing', when: ({ title }) => title.includes('gives its readiness probe no answer') }

/** What waits for, or talks to, somebody who cannot be reached. */
const unreached: readonly (FaultId | ExplainsIf)[] = [...unseen, unanswered, 'not-ready-unexplained', silentPage, 'wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', ...unexplainedEnds]

/** A Service of the webserver keeps nobody from the database. */
const behind: readonly ExplainsIf[] = [...(['wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start'] as const).map((id) => ({ id, when: () => true })), ...unexplainedEnds]
  .map(({ id, when }) => ({ id, when: (symptom, evidence, cause) => isMissedFoundation(symptom, cause) && when(symptom, evidence, cause) }))

const ofFoundation: ExplainsIf = { id: unanswered.id, when: (symptom, evidence, cause) => isMissedFoundation(symptom, cause) && unanswered.when(symptom, evidence, cause) }

function isMissedFoundation(symptom: Finding, { title, evidence }: Finding): boolean {
  const of = needsBroker(containerOf(symptom)) ? /Service \S*(?:postgresql|pgbouncer|redis)/ : /Service \S*(?:postgresql|pgbouncer)/
  return [title, ...evidence].some((line) => of.test(line))
}

const noPods = ['service-without-endpoints', 'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'] as const

/** A scheduler that is gone keeps no request from the webserver. */
const ofTheWay: readonly ExplainsIf[] = noPods.map((id) => ({ id, when: (_symptom, _evidence, { evidence }) => evidence.some((line) => /webserver|api-server|postgresql|pgbouncer/.test(line)) }))

/** What a node cannot give a pod no policy has taken. */
const betweenPods: ExplainsIf = { id: 'pod-network-broken', when: ({ title }) => title.startsWith('Pods on node ') }

/** Whoever is kept out of a pod by a policy of what may come in gets elsewhere all the same. */
function shutsIn({ title }: Finding, { networkPolicies = [] }: Evidence): boolean {
  const told = networkPolicies.filter(({ metadata }) => title.replaceAll(',', '').split(' ').includes(metadata.name)).map(({ spec }) => spec as { policyTypes?: string[]; egress?: unknown })
  return told.length === 0 || told.some(({ policyTypes, egress }) => policyTypes?.includes('Egress') ?? egress !== undefined)
}

const gitShutIn: ExplainsIf = { id: gitUnreached.id, when: (symptom, evidence, cause) => shutsIn(cause, evidence) && gitUnreached.when(symptom, evidence, cause) }

/** Not ready is nobody for the webserver's Service. */
const ofThatPart: ExplainsIf = { id: 'not-ready-unexplained', when: (symptom, evidence, cause) => isMissedFoundation(symptom, cause) || !isOfAnotherPart(symptom, evidence, cause) }

export const networkExplains: Explains = {
  'service-without-endpoints': [...unseen, ofThatPart, ofFoundation, ...behind],
  'network-policy-blocks': ['service-without-endpoints', 'cluster-dns-broken', betweenPods, gitShutIn, ...unreached],
  'release-object-missing': ofTheWay,
  'scaled-to-zero': ofTheWay,
  'control-plane-down': noPods,
  'pod-network-broken': [...noPods, 'traefik-not-running'],
}
