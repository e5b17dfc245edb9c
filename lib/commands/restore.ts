import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isDump, readKept, sha256Of } from '../adapters/dumps.ts'
import { airflowOf, differs } from '../airflow/airflow-version.ts'
import { writersOf } from '../airflow/restored.ts'
import { refOf } from '../changes.ts'
import { remarks, unfit, type Present } from '../database/judge.ts'
import { stampOf } from '../database/record.ts'
import { inWords } from '../database/room.ts'
import { names } from '../database/scripts.ts'
import { AirstripError } from '../errors.ts'
import { shownLine } from '../report/diff.ts'
import { seconds } from '../report/time.ts'
import type { Dump } from '../access.ts'
import { newestOf } from './backup.ts'
import { isAttended } from './consent.ts'
import { atDatabase, type AtDatabase } from './database.ts'
import type { Deps, Flags } from './deps.ts'
import { startPrograms, stopMs, stopPrograms, tasksOf, untilHealthy, type Stopped } from './restore-programs.ts'

/** Puts a dump in the place of the database: made ready and proven beside it, then swapped in one go. */
export async function runRestore(flags: Flags, deps: Deps, words: readonly string[]): Promise<number> {
  return atDatabase(flags, deps, async (at) => {
    const { folder, release } = at
    const file = words[0] === undefined ? newestOf(folder.list(), { namespace: release.namespace, release: release.name }, folder.path) : placeOf(words[0], folder.path)
    const dump = await readDump(file)
    const present: Present = { namespace: release.namespace, release: release.name, airflow: airflowOf(release.values, release.chart), cluster: at.cluster }
    const no = unfit(dump, present)
    if (no !== undefined) throw new AirstripError('DUMP_UNUSABLE', `${file} cannot be restored here. ${no.sentence}`, { place: file, next: no.next })
    const programs = await programsOf(at)
    await agree(dump, remarks(dump, present), programs, at)
    return restore(dump, programs, at)
  })
}

/** A path, or a name as `backup --list` has it. */
function placeOf(word: string, folder: string): string {
  const beside = join(folder, basename(word))
  return !existsSync(word) && existsSync(beside) ? beside : word
}

async function readDump(file: string): Promise<Dump> {
  const damaged = (sentence: string): AirstripError => new AirstripError('DUMP_UNUSABLE', `${file} ${sentence}`, { place: file })
  if (!existsSync(file)) throw damaged('is not there.')
  const kept = readKept(file)
  if (kept === undefined) throw damaged('has no record of airstrip beside it, so nothing is known of what is in it.')
  if (!kept.whole || !isDump(file) || (await sha256Of(file)) !== kept.dump.sha256) throw damaged('is not as it was written: its size, its form or its SHA-256 is another one.')
  return kept.dump
}

/** As they are now; what an earlier restore stopped counts as it was before that. */
async function programsOf({ session, release, mark }: AtDatabase): Promise<Stopped[]> {
  const live = await session.look().get(writersOf(release).map(refOf))
  return live.flatMap((object) => {
    if (object === undefined) return []
    const now = (object.spec as { replicas?: number }).replicas ?? 1
    return [{ object, replicas: now === 0 ? (mark.stopped[`${object.kind}/${object.metadata.name}`] ?? 0) : now }]
  })
}

async function agree(dump: Dump, notes: readonly string[], programs: readonly Stopped[], at: AtDatabase): Promise<void> {
  const { flags, deps, place, emit } = at
  const colors = deps.colors && flags.color
  const { namespace, database } = place
  const line = (op: string, kind: string, name: string, why: string): string => shownLine({ step: 'restore', op, kind, namespace, name, why }, colors)
  const lines = [
    line('backup', 'Database', database, 'what is there now, before anything is touched'),
    ...programs.filter(({ replicas }) => replicas > 0).map(({ object, replicas }) => line('stop', object.kind, object.metadata.name, `${replicas} running; started again afterwards`)),
    ...(await tasksOf(at)).map(({ kind, metadata }) => line('wait', kind, metadata.name, `a task runs in it; it has ${seconds(flags.timeout ?? stopMs)} to end, or nothing is replaced`)),
    line('replace', 'Database', database, `by ${basename(dump.file)} of ${dump.createdAt}, Airflow ${dump.airflow}, ${inWords(dump.size)}; the old one is kept under another name`),
    ...notes.map((note) => `note: ${note}`),
  ]
  if (flags.yes === true) return
  if (deps.ask === undefined || !isAttended(flags, deps)) throw new AirstripError('CONSENT', 'Nobody can be asked here, so the database was left as it is.', { seen: lines, next: 'Run with --yes, or in a terminal.' })
  for (const one of lines) deps.err(one)
  const question = 'Replace the database? [y]es, [N]o: '
  const answer = (await deps.ask(question)).trim().toLowerCase()
  emit({ type: 'asked', question: question.trim(), answer })
  if (!['y', 'yes'].includes(answer)) throw new AirstripError('CONSENT', 'You did not agree, so the database was left as it is.', { next: 'Run again when you do.' })
}

async function restore(dump: Dump, programs: readonly Stopped[], at: AtDatabase): Promise<number> {
  const { deps, flags, place, release, emit, wish } = at
  const writer = at.writer(deps.signal)
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const running = airflowOf(release.values, release.chart)
  if (flags.dangerousSkipBackup === true) note('What is there is not dumped before, as --dangerous-skip-backup says')
  else {
    const before = await writer.dump(wish(`before ${basename(dump.file)} is restored`))
    if (!differs(dump.airflow, at.airflow) && before.revision !== undefined && before.revision !== dump.revision) {
      throw new AirstripError('DUMP_UNUSABLE', `${dump.file} cannot be restored here. Its migrations are ${dump.revision ?? 'none'}, and Airflow ${at.airflow} has brought this database to ${before.revision}.`, { place: dump.file })
    }
  }
  const stamp = stampOf(deps.clock.now()).toLowerCase()
  const [fresh, kept] = [`${names.fresh}${stamp}`, `${place.database.slice(0, 30)}${names.kept}${stamp}`]
  await writer.load(place, dump, fresh)
  note(`Database ${fresh} has what was dumped, to the row; now it takes the place of ${place.database}`)
  const isOther = differs(dump.airflow, running)
  await swapStopped({ fresh, kept, airflow: isOther ? dump.airflow : undefined }, programs, at)
  note(`Database ${place.database} is the one of ${dump.createdAt}; the one before it is ${kept}`)
  if (isOther) {
    note(`Airflow is stopped: the database is that of ${dump.airflow}, and ${running} is installed`)
    deps.out('npx tsx run.ts apply # goes back to that Airflow where airflow.version says so, or brings the database to the wanted one')
    return 0
  }
  await untilHealthy(at)
  deps.out(dropLine(at, kept))
  return 0
}

interface Swap {
  fresh: string
  kept: string
  /** Where the database is then of another Airflow than the one that runs: that one stays stopped. */
  airflow?: string | undefined
}

/** Whatever happens, what was stopped is started again, also where the person has seen enough. */
async function swapStopped({ fresh, kept, airflow }: Swap, programs: readonly Stopped[], at: AtDatabase): Promise<void> {
  const { deps, place } = at
  const still = at.writer(new AbortController().signal)
  let swapped = false
  try {
    await stopPrograms(programs, at)
    if (deps.signal.aborted) throw new AirstripError('INTERRUPTED', 'The run was interrupted; the database is as it was.')
    await still.swap(place, fresh, kept)
    swapped = true
  } finally {
    if (!swapped) await still.discard(place, fresh).catch(() => undefined)
    await startPrograms(programs, swapped ? airflow : undefined, at)
  }
}

/** Pasted as it stands; the password comes from the pod. */
function dropLine({ place }: AtDatabase, kept: string): string {
  const statement = `DROP DATABASE \\"${kept}\\"`
  if (place.client !== undefined) return `psql -d postgres -c "${statement}" # on your server, when you are sure that the old one is not wanted any more`
  const inPod = `PGPASSWORD="\${POSTGRES_POSTGRES_PASSWORD:-$POSTGRES_PASSWORD}" psql -h 127.0.0.1 -U postgres -d postgres -c "${statement}"`
  return `kubectl -n ${place.namespace} exec ${place.pod} -c ${place.container} -- sh -c '${inPod}' # when you are sure that the old one is not wanted any more`
}
