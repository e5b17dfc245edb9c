/** Commands for PostgreSQL's superuser, in the pod of the bundled one; its passwords stay there. */
import type { Evidence } from '../../evidence.ts'
import { databaseOf } from './parts.ts'

const valueOf = (variable: string): string => `"\${${variable}:-$(cat "\${${variable}_FILE:-/dev/null}")}"`

/** Bitnami's image has the passwords in variables or in files. */
const psql = `PGPASSWORD=${valueOf('POSTGRES_POSTGRES_PASSWORD')} psql -v ON_ERROR_STOP=1 -h 127.0.0.1 -U postgres`

export function asSuperuser(namespace: string, pod: string, sql: string, database = 'postgres'): string {
  return `echo '${sql}' | kubectl -n ${namespace} exec -i ${pod} -- sh -c '${psql} -d ${database}'`
}

/** Who keeps others waiting for a lock: `pid | usename | state | since | query`. It only looks, and only in a database of the release's own. */
export function whoBlocks(evidence: Evidence): string[] {
  const pod = databaseOf(evidence)?.pod
  if (pod === undefined) return []
  const sql = 'SELECT pid, usename, state, xact_start AS since, left(query, 80) AS query FROM pg_stat_activity WHERE pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity)'
  return [`${asSuperuser(evidence.namespace, pod.metadata.name, sql)} # whoever is named keeps it waiting; pg_terminate_backend(PID) ends his session`]
}

/** Gives a role the password that the Secret has, by the shell's own printf: no command line has it. */
export function passwordOfTheSecret(namespace: string, pod: string, role: string): string {
  return `kubectl -n ${namespace} exec ${pod} -- sh -c 'printf "ALTER ROLE \\"${role}\\" PASSWORD \\$p\\$%s\\$p\\$" ${valueOf('POSTGRES_PASSWORD')} | ${psql} -d postgres'`
}
