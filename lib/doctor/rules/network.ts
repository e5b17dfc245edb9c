/** Who reaches whom: Services, their endpoints, NetworkPolicies. */
import type { Explains, ExplainsIf, Rule } from '../rule.ts'
import { policyBlocks } from './network/policy.ts'
import { brokenServices, gateway } from './network/service.ts'

export const networkRules: readonly Rule[] = [brokenServices, gateway, policyBlocks]

/** What waits for, or talks to, somebody who cannot be reached. */
const unreached = [
  'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven', 'database-unreachable', 'wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start',
  'crash-loop', 'job-failed', 'task-logs-unreachable', 'post-install-hook-timeout', 'helm-release-failed', 'not-ready-unexplained',
] as const

const noPods = ['service-without-endpoints', 'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'] as const

/** A scheduler that is gone keeps no request from the webserver. */
const ofTheWay: readonly ExplainsIf[] = noPods.map((id) => ({ id, when: (_symptom, _evidence, { evidence }) => evidence.some((line) => /webserver|api-server|postgresql|pgbouncer/.test(line)) }))

export const networkExplains: Explains = {
  'service-without-endpoints': unreached,
  'network-policy-blocks': ['service-without-endpoints', ...unreached],
  'release-object-missing': ofTheWay,
  'scaled-to-zero': ofTheWay,
  'control-plane-down': noPods,
  'node-not-ready': [...noPods, 'traefik-not-running'],
  'no-schedulable-node': [...noPods, 'traefik-not-running'],
  'pod-network-broken': [...noPods, 'traefik-not-running'],
}
