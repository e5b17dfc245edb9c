/** What stands on running pods, and so looks broken wherever pods do not run. */
import type { Finding } from '../../../step.ts'
import type { FaultId } from '../../../observe/faults.ts'
import type { ExplainsIf } from '../../rule.ts'

/** Whom the database answered, and be it with a refusal, has reached it. */
export const unanswered: ExplainsIf = { id: 'database-unreachable', when: ({ title }) => /^Airflow (gets no connection|cannot resolve)/.test(title) }

export const needsPods: readonly (FaultId | ExplainsIf)[] = [
  'provisioner-not-running', 'admission-webhook-down', 'service-without-endpoints', unanswered, 'wait-for-migrations-crashloop', 'wait-hook-deadlock',
  'post-install-hook-timeout', 'helm-release-failed', 'admin-login-missing', 'task-logs-unreachable',
  'traefik-not-running', 'traefik-404-route-not-loaded', 'ingress-unproven', 'not-ready-unexplained',
]

/** A crash or a failed Job has causes of its own as a rule; only one that speaks of somebody it did not reach is explained. */
export function thatSpeakOf(words: RegExp): ExplainsIf[] {
  return (['crash-loop', 'job-failed'] as const).map((id) => ({ id, when: ({ evidence }: Finding) => evidence.some((line) => words.test(line)) }))
}

/** fatal: unable to access 'https://github.com/me/dags/': Could not resolve host: github.com */
export const gitUnreached: ExplainsIf = { id: 'git-sync-failure', when: ({ evidence }) => evidence.some((line) => /Could not resolve host|[Cc]onnection timed out|Failed to connect/.test(line)) }

/** A program that died of another thing than whom it talks to, by its own words. */
const ofItsOwn = /ENOENT|No such file or directory|ModuleNotFoundError|ImportError|SyntaxError|IndentationError|NameError|AttributeError|exec format error|command not found|invalid choice|unrecognized arguments/
const ofTheDatabase = /database|postgres|psycopg|sqlalchemy|OperationalError/i

export function isOfItsOwn({ evidence }: Finding): boolean {
  return evidence.some((line) => ofItsOwn.test(line)) && !evidence.some((line) => ofTheDatabase.test(line))
}

/** A crash or a failed Job that does not say what else it died of. */
export const unexplainedEnds: readonly ExplainsIf[] = (['crash-loop', 'job-failed'] as const).map((id) => ({ id, when: (symptom: Finding) => !isOfItsOwn(symptom) }))

export const unreached = /could not (translate|connect)|name resolution|Name or service not known|[Cc]onnection (refused|timed out|reset)|no route to host|[Nn]etwork is unreachable|OperationalError|migrations/
export const unresolved = /could not translate host name|[Tt]emporary failure in name resolution|Name or service not known|no such host|getaddrinfo|server misbehaving/
