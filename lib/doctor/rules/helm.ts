/** What Helm and the chart refuse, what Helm leaves behind, and what of the release is not there any more. */
import type { FaultId } from '../../observe/faults.ts'
import type { Finding } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import type { Explains, ExplainsIf, Rule } from '../rule.ts'
import { unanswered } from './cluster/symptoms.ts'
import { conflictRules } from './helm/conflicts.ts'
import { deniedRules } from './helm/denied.ts'
import { lockRules } from './helm/lock.ts'
import { migrationRules } from './helm/migrations.ts'
import { objectRules } from './helm/objects.ts'
import { refusalRules } from './helm/refusals.ts'

export const helmRules: readonly Rule[] = [...refusalRules, ...conflictRules, ...deniedRules, ...lockRules, ...objectRules, ...migrationRules]

/** Where Helm made nothing, or not the new version. */
const refused: readonly FaultId[] = ['release-not-installed', 'helm-release-failed', 'post-install-hook-timeout', 'admin-login-missing']
/** What can come of a part of the release that is not there. */
const without: readonly (FaultId | ExplainsIf)[] = [
  'container-config-error', 'service-account-missing', 'claim-missing', 'crash-loop', 'job-failed', 'wait-for-migrations-crashloop', unanswered, 'redis-password-drift',
  'webserver-oom-or-slow-start', 'scheduler-liveness-restart-loop', 'admin-login-missing', 'not-ready-unexplained',
]

/** What reads an edited ConfigMap; of one variable too many nothing is known. */
const ofConfigMaps: readonly FaultId[] = ['crash-loop', 'readiness-probe-failing', 'probe-path-mismatch', 'prefix-handled-twice', 'database-unreachable', 'not-ready-unexplained', 'webserver-oom-or-slow-start', 'scheduler-liveness-restart-loop', 'service-without-endpoints', 'wait-for-migrations-crashloop']

/** What other parts cannot be without; the triggerer or the webserver is missed by nobody but people, and statsd by nobody. */
const needed = /^(?:Secret|ConfigMap|ServiceAccount|Service|PersistentVolumeClaim|Role|RoleBinding) (?!\S+-statsd\b)|^(?:StatefulSet|Deployment) \S+-(?:postgresql|redis|pgbouncer|db-migrations|sync-users)(?:-\w+)?[ :]/

/** By what the cause's own evidence speaks of. */
function causeSays(pattern: RegExp) {
  return (_symptom: Finding, _evidence: Evidence, { evidence }: Finding): boolean => evidence.some((line) => pattern.test(line))
}

const isOfNeeded = causeSays(needed)

/** What no rule knows more of may come of any part that is missing. */
const ofNeeded = without.map((one): FaultId | ExplainsIf => {
  const { id, when } = typeof one === 'string' ? { id: one, when: () => true } : one
  return id === 'not-ready-unexplained' ? id : { id, when: (symptom, evidence, cause) => isOfNeeded(symptom, evidence, cause) && when(symptom, evidence, cause) }
})

export const helmExplains: Explains = {
  'permissions-denied': refused,
  'values-schema-rejected': refused,
  'executor-not-supported-by-chart': refused,
  'kubeversion-refused': refused,
  'chart-api-removed': refused,
  'traefik-crd-group-mismatch': refused,
  'helm-foreign-resource': refused,
  'helm-name-in-use': refused,
  'immutable-field-on-upgrade': refused,
  'helm-pending-lock': ['not-ready-unexplained', 'admin-login-missing', 'ingress-unproven'],
  'wait-hook-deadlock': ['helm-release-failed', 'wait-for-migrations-crashloop', 'admin-login-missing', 'service-without-endpoints', 'not-ready-unexplained', 'ingress-unproven'],
  'namespace-terminating': ['release-not-installed', 'release-object-missing', 'scaled-to-zero', 'claim-terminating', 'helm-pending-lock', ...without],
  'release-object-missing': ofNeeded,
  'config-edited': ofConfigMaps.map((id) => ({ id, when: causeSays(/^ConfigMap /) })),
  'scaled-to-zero': ofNeeded,
  'job-failed': ['admin-login-missing', 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed'],
  'post-install-hook-timeout': ['admin-login-missing'],
  'helm-release-failed': ['admin-login-missing'],
}
