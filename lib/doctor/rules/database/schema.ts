/** Tables that Airflow does not find: they are gone, or they lie in a schema that it does not look in, or may not. */
import type { Evidence } from '../../evidence.ts'
import { restarted } from '../../restart.ts'
import { databaseOf } from './parts.ts'
import { asSuperuser } from './superuser.ts'

/**
 * `command`, which brings tables or makes them, where the database itself says that it has them nowhere; else Airflow's
 * user looks where they are. Who gets no answer restores nothing. Only a database of the release's own can be asked.
 */
export function unlessElsewhere(evidence: Evidence, command: string): string {
  const pod = databaseOf(evidence)?.pod?.metadata.name
  const { name = '', user = '' } = evidence.wanted?.database ?? {}
  if (pod === undefined || ![name, user].every((one) => /^\w+$/.test(one))) return command
  // Two of Airflow's, since another program may have one of either name.
  const where = 'SELECT schemaname FROM pg_tables WHERE tablename IN ($$dag$$, $$job$$) GROUP BY schemaname HAVING count(*) = 2 ORDER BY schemaname <> $$public$$ LIMIT 1'
  const statements = [`GRANT USAGE ON SCHEMA %1$I TO "${user}"`, `ALTER ROLE "${user}" IN DATABASE "${name}" SET search_path = %1$I`]
  const sql = `SELECT $$nowhere$$ WHERE NOT EXISTS (${where}); SELECT format(one, schemaname) FROM (${where}) AS found, unnest(ARRAY[${statements.map((one) => `$$${one}$$`).join(', ')}]) AS one \\gexec`
  return `if ${asSuperuser(evidence.namespace, pod, sql, name)} | grep nowhere; then ${command}; else ${restarted(evidence)}; fi`
}
