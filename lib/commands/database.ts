/** What `backup` and `restore` share: the lock, the cluster that the state is of, the release and its database. */
import { dumpFolder } from '../adapters/dumps.ts'
import { lockFile } from '../adapters/files.ts'
import { airflowOf } from '../airflow/airflow-version.ts'
import { dumpWish } from '../airflow/backup.ts'
import { operationRef } from '../airflow/operation.ts'
import { readMark, type RestoreMark } from '../airflow/restored.ts'
import { airflowSpec } from '../airflow/spec.ts'
import { holderAlive } from '../cluster/machine.ts'
import type { Emit } from '../engine/events.ts'
import { takeLock } from '../engine/lock.ts'
import { redactedError } from '../engine/redacted.ts'
import { loadState, refuseForeign } from '../engine/state.ts'
import { AirstripError } from '../errors.ts'
import { clusterId } from '../observe/cluster-id.ts'
import type { DatabasePlace, DumpWish, KubernetesObject, Release, Writer } from '../access.ts'
import type { Deps, Flags } from './deps.ts'
import { inHistory } from './history-run.ts'
import { lookingSession } from './look.ts'
import { pastedError, pastedWith } from './pasted.ts'
import type { Session } from './session.ts'

export interface AtDatabase {
  flags: Flags
  deps: Deps
  session: Session
  emit: Emit
  writer: (signal: AbortSignal) => Writer
  folder: ReturnType<typeof dumpFolder>
  release: Release
  lease: KubernetesObject | undefined
  mark: RestoreMark
  place: DatabasePlace
  /** The Airflow that the database is of. */
  airflow: string
  cluster: string | undefined
  wish: (why: string) => DumpWish
}

export async function atDatabase(flags: Flags, deps: Deps, act: (at: AtDatabase) => Promise<number>): Promise<number> {
  const { session, redactor, emit } = lookingSession(flags, deps)
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const mine = { holder: deps.holder, since: deps.clock.now().toISOString(), command: deps.commandLine }
  const unlock = takeLock(lockFile(`${flags.state}.lock`), mine, holderAlive, note)
  try {
    const found = await find(session, deps, note)
    return await inHistory({ flags, deps, redact: redactor.redact, emit }, (tell) =>
      act({ flags, deps, session, emit: tell, writer: (signal) => session.writer(signal, tell), folder: dumpFolder(flags.state), ...found }))
  } catch (error) {
    throw pastedError(redactedError(error, redactor.redact), pastedWith(flags))
  } finally {
    unlock()
  }
}

async function find(session: Session, { clock }: Deps, note: (text: string) => void): Promise<Pick<AtDatabase, 'release' | 'lease' | 'mark' | 'place' | 'airflow' | 'cluster' | 'wish'>> {
  const { config, file } = session
  const reader = session.look()
  const spec = airflowSpec(config)
  const { name, namespace } = spec.release
  const [release, cluster, [lease]] = await Promise.all([reader.release(name, namespace), clusterId(reader), reader.get([operationRef(spec.release)])])
  if (cluster !== undefined) refuseForeign(loadState(file, clock.now(), note), cluster, file.path)
  if (release === undefined) throw new AirstripError('BACKUP_FAILED', `There is no release ${namespace}/${name}, so nothing runs its database.`, { next: 'npx tsx run.ts apply installs it; a database that an uninstalled one has left is then found again.' })
  const mark = readMark(lease)
  const airflow = mark.airflow ?? airflowOf(release.values, release.chart)
  const dump = dumpWish(spec, release, { airflow, why: '', cluster })
  if (dump === undefined) throw new AirstripError('BACKUP_FAILED', `Where the database of release ${namespace}/${name} lies is only in values that are passed through to the chart.`, { next: 'Tell airstrip of it with airflow.database.external.' })
  return { release, lease, mark, place: dump.place, airflow, cluster, wish: (why) => ({ ...dump, why }) }
}
