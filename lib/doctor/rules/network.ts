/** Who reaches whom: Services, their endpoints, NetworkPolicies. */
import type { FaultId } from '../../observe/faults.ts'
import type { Finding } from '../../step.ts'
import type { Explains, ExplainsIf, Rule } from '../rule.ts'
import { unexplainedEnds, gitUnreached, unanswered } from './cluster/symptoms.ts'
import { policyBlocks } from './network/policy.ts'
import { brokenServices, foreignPods, gateway } from './network/service.ts'

export const networkRules: readonly Rule[] = [brokenServices, foreignPods, gateway, policyBlocks]

/** What nobody gets to see then, whoever is not reached. */
const unseen = ['traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven', 'task-logs-unreachable', 'post-install-hook-timeout', 'helm-release-failed', 'not-ready-unexplained'] as const

/** Its health page waits for the database as long as nobody refuses it. */
const silentPage: ExplainsIf = { id: 'readiness-probe-failing', when: ({ title }) => title.includes('gives its readiness probe no answer') }

/** What waits for, or talks to, somebody who cannot be reached. */
const unreached: readonly (FaultId | ExplainsIf)[] = [...unseen, unanswered, gitUnreached, silentPage, 'wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', ...unexplainedEnds]

/** A Service of the webserver keeps nobody from the database. */
const behind: readonly ExplainsIf[] = [...(['wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start'] as const).map((id) => ({ id, when: () => true })), ...unexplainedEnds]
  .map(({ id, when }) => ({ id, when: (symptom, evidence, cause) => isOfFoundation(cause) && when(symptom, evidence, cause) }))

const ofFoundation: ExplainsIf = { id: unanswered.id, when: (symptom, evidence, cause) => isOfFoundation(cause) && unanswered.when(symptom, evidence, cause) }

function isOfFoundation({ title, evidence }: Finding): boolean {
  return [title, ...evidence].some((line) => /Service \S*(postgresql|pgbouncer|redis)/.test(line))
}

const noPods = ['service-without-endpoints', 'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'] as const

/** A scheduler that is gone keeps no request from the webserver. */
const ofTheWay: readonly ExplainsIf[] = noPods.map((id) => ({ id, when: (_symptom, _evidence, { evidence }) => evidence.some((line) => /webserver|api-server|postgresql|pgbouncer/.test(line)) }))

export const networkExplains: Explains = {
  'service-without-endpoints': [...unseen, ofFoundation, ...behind],
  'network-policy-blocks': ['service-without-endpoints', 'cluster-dns-broken', 'pod-network-broken', ...unreached],
  'release-object-missing': ofTheWay,
  'scaled-to-zero': ofTheWay,
  'control-plane-down': noPods,
  'node-not-ready': [...noPods, 'traefik-not-running'],
  'no-schedulable-node': [...noPods, 'traefik-not-running'],
  'pod-network-broken': [...noPods, 'traefik-not-running'],
}
