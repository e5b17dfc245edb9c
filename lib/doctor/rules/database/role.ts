/**
 * To who asks PostgreSQL says of each of these that the password is wrong, so as not to tell which roles there are;
 * what it is it says in its own log (libpq/crypt.c, 11 to 17).
 *
 *   FATAL:  password authentication failed for user "airflow"
 *   DETAIL:  Role "airflow" does not exist.
 */
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { type Complaint, mentions, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { restarted } from '../../restart.ts'
import { wrong } from '../../rule.ts'
import type { Database } from './parts.ts'
import { asSuperuser, passwordOfTheSecret } from './superuser.ts'

const absent = 'does not exist'
const named = /DETAIL: +(?:User|Role|Password does not match for user) "([^"]+)"/

/** The last that is of this role, or names none; the first group is what is wrong with it. */
export function detailOf(user: string, pod: KubernetesObject | undefined, evidence: Evidence): Complaint[] {
  const isOf = (line: string): boolean => [undefined, user].includes(named.exec(line)?.[1])
  const logs = evidence.logs.map((log) => ({ ...log, lines: log.lines.filter(isOf) }))
  return mentions({ ...evidence, pods: pod === undefined ? [] : [pod], logs }, /DETAIL: +(?:(?:User|Role) "[^"]+" (?:has )?(an expired password|no password assigned|does not exist)|Password does not match|Connection matched)/)
}

/** Renamed or dropped. Whoever owns the database was its user under the old name; a password of before does not outlive the change. */
export function absentRole(said: readonly Complaint[], { pod }: Database, evidence: Evidence): Finding | undefined {
  const { namespace, wanted } = evidence
  const { user = '', name = '' } = wanted?.database ?? {}
  const detail = detailOf(user, pod, evidence)
  if (user === '' || (detail[0]?.groups[1] !== absent && !said.some(({ groups }) => groups[2] === user))) return undefined
  const isPlain = [user, name].every((one) => /^\w+$/.test(one))
  const mended = (sql: string): string => `${asSuperuser(namespace, pod?.metadata.name ?? '', sql)} && ${passwordOfTheSecret(namespace, pod?.metadata.name ?? '', user)} && ${restarted(evidence)}`
  return wrong('database-unreachable', {
    title: `PostgreSQL has no role ${user}`,
    evidence: [...told(said), ...told(detail)],
    why: 'It was renamed or dropped, or the volume is of an install with another user; the server and the data are well.',
    fix: pod === undefined || !isPlain
      ? ['Give the role its name back (ALTER ROLE … RENAME TO …) or make it (CREATE ROLE … LOGIN), with the password of the Secret']
      : [
        `${mended(`SELECT format($$ALTER ROLE %I RENAME TO "${user}"$$, rolname) FROM pg_roles JOIN pg_database ON datdba = pg_roles.oid WHERE datname = $$${name}$$ AND NOT rolsuper \\gexec`)} # gives the owner of the database its name back`,
        `${mended(`CREATE ROLE "${user}" LOGIN; ALTER DATABASE "${name}" OWNER TO "${user}"`)} # where it was dropped; whose the tables are then is told by the next look`,
      ],
  })
}
