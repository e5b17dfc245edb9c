/** The revision that the database is at, as Airflow's `db check-migrations` says it, where it is not the one that the image wants. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { isReady, nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { databaseOf, databaseSets } from '../database/parts.ts'
import { unlessElsewhere } from '../database/schema.ts'
import { asSuperuser } from '../database/superuser.ts'

export const initContainers = /^(wait-for-airflow-migrations|wait-for-db-migrations|check-db-migrations)$/

// TimeoutError: There are still unapplied migrations after 60 seconds. MigrationHead(s) in DB: set() | Migration Head(s) in Source Code: {'c804e5c76e3e'}
export function lastHeads({ logs }: Evidence): string | undefined {
  return logs.filter(({ container }) => initContainers.test(container)).map(({ lines }) => lines.findLast((line) => line.includes('in DB: '))).find((line) => line !== undefined)
}

export function isEmpty(evidence: Evidence): boolean {
  return /Migration ?Head\(s\) in DB: set\(\)/.test(lastHeads(evidence) ?? '')
}

interface Heads { there: string; wanted: string }

export function wantedHead(evidence: Evidence): string | undefined {
  return /in Source Code: \{'(\w+)'\}/.exec(lastHeads(evidence) ?? '')?.[1]
}

export function headsIn(evidence: Evidence): Heads | undefined {
  const [, there, wanted] = /in DB: \{'(\w+)'\}.*in Source Code: \{'(\w+)'\}/.exec(lastHeads(evidence) ?? '') ?? []
  return there === undefined || wanted === undefined || there === wanted ? undefined : { there, wanted }
}

/** Revisions of Alembic tell no order; Airflow itself knows what came before it, and refuses what came after. */
export function moved(pod: KubernetesObject, { there, wanted }: Heads, lines: string[], evidence: Evidence): Finding {
  return wrong('wait-for-migrations-crashloop', {
    title: `The database is at revision ${there}, and the image wants ${wanted}`,
    evidence: lines,
    why: 'The Job of the migrations has run, and the database was brought to another state since: by a dump of another Airflow that was restored, or by the migrations of another image.',
    fix: [
      `npx tsx run.ts backup && ${migrateIn(pod, evidence)} # from an older one; of a newer one it says "Can't locate revision" and changes nothing`,
      'Where a newer Airflow has migrated it: write that version as airflow.image.tag or airflow.version, then: npx tsx run.ts apply --from helm',
    ],
  })
}

/** In a container that runs on, of the same image; the one that waits, or else the pod's own, has all that the Job had, and ends with its time. */
export function migrateIn(lacking: KubernetesObject, { namespace, pods, wanted }: Evidence): string {
  const { initContainers: before = [], containers: [main] = [] } = (lacking as Pod).spec ?? {}
  const one = before.find(({ name }) => initContainers.test(name)) ?? main
  const running = pods.filter(isReady).flatMap((pod) => ((pod as Pod).spec?.containers ?? []).filter(({ name, image }) => image === one?.image && /^(?:airflow-)?(?:scheduler|webserver|web|api-server|triggerer)$/.test(name)).map(({ name }) => ({ pod, name })))
  const { pod, name } = running[0] ?? { pod: lacking, name: one?.name ?? 'wait-for-airflow-migrations' }
  return `kubectl -n ${namespace} exec ${pod.metadata.name} -c ${name} -- airflow db ${wanted?.family === 'official-3' ? 'migrate' : 'upgrade'}`
}

export function emptied(pod: KubernetesObject, lines: string[], evidence: Evidence): Finding {
  return wrong('wait-for-migrations-crashloop', {
    title: 'The database shows Airflow no tables any more, and nothing makes them again',
    evidence: [...lines, 'the migrations were done, and the database knows of none: Migration Head(s) in DB: set()', ...databaseSets(evidence).map((one) => `${nameOf(one)} is the database`)],
    why: 'What the Job of the migrations made is gone: the volume was emptied or is another one, the database was dropped and made anew, or its tables were; or it is there, and Airflow\'s user lost the right to look into its schema, or looks in another one. A Job runs once.',
    fix: [
      `${unlessElsewhere(evidence, migrateIn(pod, evidence))} # makes empty tables, without what was in the old ones, where those are in no schema`,
      'npx tsx run.ts restore FILE # where there is a backup of what was in them',
      'Neither of these where the tables are there, as \\dt *.job tells PostgreSQL\'s superuser: then Airflow\'s user needs GRANT USAGE ON that SCHEMA, and ALTER ROLE … SET search_path to it',
    ],
  })
}

/** Alembic keeps the revision in a table of one row; without it `db upgrade` would begin with the first migration, over the tables that are there. */
export function unrecorded(head: string, heartbeat: string, lines: string[], evidence: Evidence): Finding {
  const { namespace, wanted } = evidence
  const pod = databaseOf(evidence)?.pod?.metadata.name
  const { name: database = '', user = '' } = wanted?.database ?? {}
  // As Alembic makes it, where the table is gone too.
  const table = 'CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY)'
  const row = `INSERT INTO alembic_version SELECT $$${head}$$ WHERE NOT EXISTS (SELECT FROM alembic_version)`
  return wrong('wait-for-migrations-crashloop', {
    title: 'The database has lost its record of its revision, and has its tables',
    evidence: [...lines, 'the database names no revision: Migration Head(s) in DB: set()', `Airflow's health page reads its table of jobs, with the last heartbeat of ${heartbeat}`],
    why: 'The table alembic_version, or its row, is gone, by which whoever waits for the migrations knows that they are done. The Job of the migrations has brought the tables to the revision that the image wants.',
    fix: [
      pod === undefined || ![database, user].every((one) => /^\w+$/.test(one))
        ? `${table}; ${row}; -- as Airflow's user, in the database ${database}`
        : `npx tsx run.ts backup && ${asSuperuser(namespace, pod, `${table}; ALTER TABLE alembic_version OWNER TO "${user}"; ${row}`, database)} # who waits sees it at the next look`,
      'npx tsx run.ts restore FILE # where more than that is gone, and there is a backup',
    ],
  })
}
