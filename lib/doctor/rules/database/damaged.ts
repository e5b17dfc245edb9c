/**
 * PostgreSQL over files that it cannot trust, as each was damaged under PostgreSQL 15:
 *
 *   PANIC:  could not locate a valid checkpoint record          (no write-ahead log, or an empty one)
 *   PANIC:  could not read file "global/pg_control": read 0 of 296
 *   FATAL:  incorrect checksum in control file
 *   postgres: could not find the database system                (no pg_control)
 *   FATAL:  "/bitnami/postgresql/data" is not a valid data directory
 *   FATAL:  could not open file "global/pg_filenode.map": No such file or directory
 *   FATAL:  invalid page in block 0 of relation global/1262
 *   FATAL:  could not access status of transaction 724           (no pg_xact, or an empty one)
 *   PANIC:  could not open critical system index 2662            (no pg_class)
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import { pathOf } from '../../../observe/volume.ts'
import { complaints, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { type Database, databaseOf } from './parts.ts'

const damaged = new RegExp([
  'could not locate a valid checkpoint record',
  'could not read file "global/pg_control"',
  'incorrect checksum in control file',
  'initialized with PG_CONTROL_VERSION -?\\d+',
  'postgres: could not find the database system',
  'FATAL:\\s+"[^"]+" is not a valid data directory',
  'could not (?:open|access|read) (?:file|directory) "(?:global|base|pg_\\w+)[^"]*": (?:No such file or directory|read \\d+ of \\d+|Input/output error)',
  'invalid page in block \\d+ of relation',
  'could not read block \\d+ in file',
  'could not access status of transaction',
  'could not open critical system index',
].join('|'))

export function dataDamaged(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const said = complaints(evidence, damaged)
  const [first] = said
  if (database === undefined || first === undefined) return []
  const { claim, volume } = database
  const path = pathOf(volume)
  return [wrong('database-damaged', {
    title: 'PostgreSQL cannot read its own data in the volume',
    evidence: [...told(said), ...(claim === undefined ? [] : [`${nameOf(claim)}${path === undefined ? '' : ` is ${path} on ${nodeOf(database)}`}`])],
    why: 'Files are missing or half written, as after a power cut, a full disk or a copy of a running database, and it does not start over what it cannot trust.',
    fix: fixes(database, path, evidence),
  })]
}

/** Nothing is deleted: what is damaged is put aside, where whoever knows how may still read it. */
function fixes(database: Database, path: string | undefined, { namespace, release = 'airflow' }: Evidence): NonEmpty<string> {
  const pod = database.pod?.metadata.name
  const set = pod?.replace(/-0$/, '')
  const copy = 'Where there is no dump (npx tsx run.ts backup --list), copy the folder before anything else is tried: pg_resetwal on the copy may make it start, without the last changes'
  if (path === undefined || pod === undefined || set === undefined || !/^[\w./-]+$/.test(path)) return ['Put the folder of the volume aside, let PostgreSQL make a new one, then: npx tsx run.ts restore # the newest dump', copy]
  const data = `${path}/${folderIn(database)}`
  const scale = (replicas: number): string => `kubectl -n ${namespace} scale statefulset ${set} --replicas=${replicas}`
  const gone = `while kubectl -n ${namespace} get pod ${pod} -o name >/dev/null 2>&1; do sleep 1; done`
  const back = `kubectl -n ${namespace} rollout status statefulset ${set} --timeout=5m`
  // Without one there would be an empty database, and nothing to put into it.
  const kept = `npx tsx run.ts backup --list | grep -v 'NOT WHOLE' | grep -q ' ${namespace}/${release} '`
  return [`${kept} && ${scale(0)} && ${gone} && sudo mv -T ${data} ${data}.damaged && ${scale(1)} && ${back} && npx tsx run.ts restore # mv on ${nodeOf(database)}, where what is damaged stays; then the newest dump takes its place`, copy]
}

function nodeOf({ pod }: Database): string {
  return (pod as Pod | undefined)?.spec?.nodeName ?? 'the node'
}

/** Where in its volume the data lies. */
function folderIn({ pod }: Database): string {
  const [container] = (pod as Pod | undefined)?.spec?.containers ?? []
  const folder = container?.env?.find(({ name }) => name === 'PGDATA')?.value ?? ''
  const mount = container?.volumeMounts?.find(({ mountPath }) => folder.startsWith(`${mountPath}/`))
  return mount === undefined ? 'data' : folder.slice(mount.mountPath.length + 1)
}
