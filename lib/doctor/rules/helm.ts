/** What Helm and the chart refuse, what Helm leaves behind, and what of the release is not there any more. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../access.ts'
import { containerOf, needsBroker } from '../../observe/causes.ts'
import type { FaultId } from '../../observe/faults.ts'
import { reads } from '../../observe/template.ts'
import type { Finding } from '../../step.ts'
import { isOfAnotherPart, wordsIn } from '../apart.ts'
import type { Evidence } from '../evidence.ts'
import type { Explains, ExplainsIf, Rule } from '../rule.ts'
import { unexplainedEnds, unanswered, wordsOf } from './cluster/symptoms.ts'
import { conflictRules } from './helm/conflicts.ts'
import { deniedRules } from './helm/denied.ts'
import { lockRules } from './helm/lock.ts'
import { migrationRules } from './helm/migrations.ts'
import { objectRules } from './helm/objects.ts'
import { refusalRules } from './helm/refusals.ts'

export const helmRules: readonly Rule[] = [...refusalRules, ...conflictRules, ...deniedRules, ...lockRules, ...objectRules, ...migrationRules]

/** Where Helm made nothing, or not the new version. */
const refused: readonly FaultId[] = ['release-not-installed', 'helm-release-failed', 'post-install-hook-timeout', 'admin-login-missing']
/** What can come of a release that is not there, or goes. */
const without: readonly (FaultId | ExplainsIf)[] = [
  'container-config-error', 'service-account-missing', 'claim-missing', ...unexplainedEnds, 'wait-for-migrations-crashloop', unanswered, 'redis-password-drift',
  'webserver-oom-or-slow-start', 'scheduler-liveness-restart-loop', 'admin-login-missing', 'not-ready-unexplained',
]

/** What other parts cannot be without; the triggerer or the webserver is missed by nobody but people, and statsd by nobody. */
const needed = /^(?:Secret|ConfigMap|ServiceAccount|Service|PersistentVolumeClaim) (?!\S+-statsd\b)|^(?:StatefulSet|Deployment) \S+-(?:postgresql|redis|pgbouncer|db-migrations|sync-users)(?:-\w+)?[ :]/

/** Of something that other parts cannot be without. */
export function isMissed(cause: Finding): boolean {
  return cause.evidence.some((line) => needed.test(line))
}

/** By what the cause's own evidence speaks of. */
function causeSays(pattern: RegExp) {
  return (_symptom: Finding, _evidence: Evidence, { evidence }: Finding): boolean => evidence.some((line) => pattern.test(line))
}

/** Redis, an account, and a Secret or ConfigMap are not missed by everybody: without the latter a container is not even started. */
function isOfNeeded(symptom: Finding, { pods }: Evidence, { evidence }: Finding): boolean {
  const hasRun = containerOf(symptom) !== ''
  const words = wordsIn(symptom)
  const own = pods.filter(({ metadata }) => words.has(metadata.name))
  return evidence.some((line) => needed.test(line) && (!/-redis\b/.test(line) || needsBroker(containerOf(symptom))) && !(hasRun && /^(?:Secret|ConfigMap) /.test(line)) && !isAccountOfOthers(line, own))
}

/** `ServiceAccount airflow/airflow-triggerer does not exist`, and a scheduler that runs as its own. */
function isAccountOfOthers(line: string, pods: readonly KubernetesObject[]): boolean {
  const [, name] = /^ServiceAccount (?:[\w.-]+\/)?([\w.-]+)/.exec(line) ?? []
  return name !== undefined && pods.length > 0 && pods.every((pod) => ((pod as Pod).spec?.serviceAccountName ?? 'default') !== name)
}

/** `Secret airflow/airflow-fernet-key does not exist`, and a pod that says that this is what it misses. */
function speakOfOne({ title, evidence: said }: Finding, _evidence: Evidence, cause: Finding): boolean {
  const names = namesIn(cause)
  // Not by whom it is said: a pod's name begins with that of its Service.
  const words = [title, ...said].map((line) => line.replace(/^[A-Z]\w+ \S+?(?:, container \S+)?: /, ''))
  return names.some((name) => words.some((line) => line.includes(name)))
}

function namesIn({ evidence }: Finding): string[] {
  return evidence.flatMap((line) => /^[A-Z]\w+ (?:[\w.-]+\/)?([\w.-]+)/.exec(line)?.[1] ?? [])
}

/** A container that ended; its title and its pod's name begin with the name of its Service. */
function saysOne(symptom: Finding, cause: Finding): boolean {
  return namesIn(cause).some((name) => wordsOf(symptom).some((line) => line.includes(name)))
}

const needs: Partial<Record<FaultId, ExplainsIf['when']>> = {
  'container-config-error': speakOfOne,
  'service-account-missing': speakOfOne,
  'claim-missing': speakOfOne,
  'redis-password-drift': causeSays(/redis|broker/),
}

/** What no rule knows more of may come of what others cannot be without, or of its own part. */
const ofNeeded = without.map((one): ExplainsIf => {
  const { id, when } = typeof one === 'string' ? { id: one, when: needs[one] ?? (() => true) } : one
  if (id === 'not-ready-unexplained') return { id, when: (symptom, evidence, cause) => isMissed(cause) || !isOfAnotherPart(symptom, evidence, cause) }
  // It names what it misses itself, be it of a part that nobody else needs.
  if (needs[id] !== undefined) return { id, when: (symptom, evidence, cause) => ((when === speakOfOne && cause.id === 'release-object-missing') || isMissed(cause)) && when(symptom, evidence, cause) }
  return { id, when: (symptom, evidence, cause) => saysOne(symptom, cause) || (isOfNeeded(symptom, evidence, cause) && when(symptom, evidence, cause)) }
})

/** What reads an edited ConfigMap; of one variable too many nothing is known. Where the database lies pods are told by a variable. */
const ofConfigMaps: readonly FaultId[] = ['prefix-handled-twice', 'not-ready-unexplained', 'service-without-endpoints', 'wait-for-migrations-crashloop']
/** Of a pod that has it, and not of one beside it. */
const ofItsReaders: readonly FaultId[] = ['crash-loop', 'readiness-probe-failing', 'probe-path-mismatch', 'webserver-oom-or-slow-start', 'scheduler-liveness-restart-loop']

function readsIt(symptom: Finding, { pods }: Evidence, { evidence }: Finding): boolean {
  // A probe that was edited where it stands is no matter of a file.
  if (symptom.evidence.some((line) => line.startsWith('the chart\'s own is '))) return false
  const maps = evidence.flatMap((line) => /^ConfigMap (?:[\w.-]+\/)?([\w.-]+)/.exec(line)?.[1] ?? [])
  return pods.some((pod) => symptom.evidence.some((line) => line.includes(pod.metadata.name)) && maps.some((name) => reads((pod as Pod).spec ?? {}, 'ConfigMap', name)))
}

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
  // The Secrets go first, since nothing keeps them; the claim of the database stays for as long as its pod does.
  'namespace-terminating': ['release-not-installed', 'release-object-missing', 'scaled-to-zero', 'claim-terminating', 'helm-pending-lock', { id: 'postgres-pvc-old-password', when: ({ title }) => title.endsWith(' holds a database whose password is not known') }, ...without],
  'release-object-missing': ofNeeded,
  'config-edited': [...ofConfigMaps.map((id) => ({ id, when: causeSays(/^ConfigMap /) })), ...ofItsReaders.map((id) => ({ id, when: readsIt }))],
  'scaled-to-zero': ofNeeded,
  'job-failed': ['admin-login-missing', 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed'],
  'post-install-hook-timeout': ['admin-login-missing'],
  'helm-release-failed': ['admin-login-missing'],
}
