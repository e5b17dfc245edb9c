import { dumpFolder } from '../adapters/dumps.ts'
import { newestFirst, type Kept } from '../database/record.ts'
import { inWords } from '../database/room.ts'
import { AirstripError } from '../errors.ts'
import { atDatabase } from './database.ts'
import type { Deps, Flags } from './deps.ts'

/** A dump by hand, its path on stdout; with --list those that are there. */
export async function runBackup(flags: Flags, deps: Deps): Promise<number> {
  if (flags.list === true) return list(flags, deps)
  return atDatabase(flags, deps, async ({ writer, wish }) => {
    const dump = await writer(deps.signal).dump(wish('by hand'))
    deps.out(flags.json === true ? JSON.stringify({ ...dump, verified: true }, undefined, 2) : dump.file)
    return 0
  })
}

function list(flags: Flags, deps: Deps): number {
  const folder = dumpFolder(flags.state)
  const kept = newestFirst(folder.list())
  if (flags.json === true) {
    deps.out(JSON.stringify(kept.map(({ dump, whole }) => ({ ...dump, whole })), undefined, 2))
    return 0
  }
  if (kept.length === 0) deps.err(`There is no dump in ${folder.path}; \`backup\` makes one.`)
  for (const one of kept) deps.out(lineOf(one))
  return 0
}

function lineOf({ dump: { file, createdAt, airflow, size, why, namespace, release }, whole }: Kept): string {
  const at = `${createdAt.slice(0, 16).replace('T', ' ')}Z`
  return `${at}  Airflow ${airflow.padEnd(8)} ${inWords(size).padStart(8)}  ${namespace}/${release}  ${whole ? why : 'NOT WHOLE'}  ${file}`
}

/** A restore without a file takes the newest of its own release. */
export function newestOf(kept: readonly Kept[], { namespace, release }: { namespace: string; release: string }, folder: string): string {
  const [newest] = newestFirst(kept).filter(({ dump, whole }) => whole && dump.namespace === namespace && dump.release === release)
  if (newest === undefined) throw new AirstripError('DUMP_UNUSABLE', `There is no dump of release ${namespace}/${release} in ${folder}.`, { next: 'Name a file, or the state file beside which the dumps lie with --state FILE.' })
  return newest.dump.file
}
