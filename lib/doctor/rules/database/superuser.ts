/** Commands for PostgreSQL's superuser, and what its other users may ask, in the pod of the bundled one; passwords stay there. */
import type { Evidence } from '../../evidence.ts'
import { databaseOf } from './parts.ts'

const valueOf = (variable: string): string => `"\${${variable}:-$(cat "\${${variable}_FILE:-/dev/null}")}"`

/** Bitnami's image has the passwords in variables or in files; where the superuser has none of its own, whoever is named in it is that, or nobody can be. */
const login = `p=${valueOf('POSTGRES_POSTGRES_PASSWORD')}; u=postgres; [ -n "$p" ] || { p=${valueOf('POSTGRES_PASSWORD')}; u="\${POSTGRES_USER:-postgres}"; }`
const psql = 'PGPASSWORD="$p" psql -v ON_ERROR_STOP=1 -h 127.0.0.1 -U "$u"'

/** A line of psql's own each where it is of several: what ends at a line's end, `\gset` for one, cannot stand in the middle. */
export function asSuperuser(namespace: string, pod: string, sql: string, database = 'postgres'): string {
  const [first = '', ...more] = sql.split('\n').map((line) => `'${line}'`)
  const said = more.length === 0 ? `echo ${first}` : `printf '%s\\n' ${[first, ...more].join(' ')}`
  return `${said} | kubectl -n ${namespace} exec -i ${pod} -- sh -c '${login}; ${psql} -d ${database}'`
}

/**
 * Who keeps others waiting for a lock: `pid | waits_for | usename | state | since | query`. It only looks, and only in
 * a database of the release's own that is ready: as the superuser, or where the pod has none as its own user.
 */
export function whoBlocks(evidence: Evidence): string[] {
  const { pod, readySince } = databaseOf(evidence) ?? {}
  if (pod === undefined || readySince === undefined) return []
  const sql = 'SELECT pid, pg_blocking_pids(pid) AS waits_for, usename, state, xact_start AS since, left(query, 80) AS query FROM pg_stat_activity WHERE pid IN (SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity)'
  const asked = `echo '${sql}' | kubectl -n ${evidence.namespace} exec -i ${pod.metadata.name} -- sh -c '${login}; ${psql} -d postgres'`
  return [`${asked} # who keeps others waiting; SELECT pg_terminate_backend(PID) ends the session of one that waits for nobody`]
}

/** Gives a role the password that the Secret has, by the shell's own printf: no command line has it. */
export function passwordOfTheSecret(namespace: string, pod: string, role: string): string {
  return `kubectl -n ${namespace} exec ${pod} -- sh -c '${login}; printf "ALTER ROLE \\"${role}\\" PASSWORD \\$p\\$%s\\$p\\$" ${valueOf('POSTGRES_PASSWORD')} | ${psql} -d postgres'`
}
