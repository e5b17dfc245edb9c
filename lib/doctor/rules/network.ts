/** Who reaches whom: Services, their endpoints, NetworkPolicies. */
import type { Explains, Rule } from '../rule.ts'
import { policyBlocks } from './network/policy.ts'
import { brokenServices, gateway } from './network/service.ts'

export const networkRules: readonly Rule[] = [brokenServices, gateway, policyBlocks]

/** What waits for, or talks to, somebody who cannot be reached. */
const unreached = [
  'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven', 'database-unreachable', 'wait-for-migrations-crashloop', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start',
  'crash-loop', 'job-failed', 'task-logs-unreachable', 'post-install-hook-timeout', 'helm-release-failed', 'not-ready-unexplained',
] as const

const noPods = ['service-without-endpoints', 'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'] as const

export const networkExplains: Explains = {
  'service-without-endpoints': unreached,
  'network-policy-blocks': ['service-without-endpoints', ...unreached],
  'release-object-missing': noPods,
  'scaled-to-zero': noPods,
  'control-plane-down': noPods,
  'node-not-ready': [...noPods, 'traefik-not-running'],
  'no-schedulable-node': [...noPods, 'traefik-not-running'],
  'pod-network-broken': [...noPods, 'traefik-not-running'],
}
