/** A dump that is proven before it counts, and a restore beside what is there. */
import { AirstripError } from '../errors.ts'
import type { DatabasePlace, Dump, DumpWish } from '../access.ts'
import { dumpName, stampOf, surplus, type Kept } from '../database/record.ts'
import { inWords, lackOfRoom } from '../database/room.ts'
import { readSaid, unlike, type Said } from '../database/said.ts'
import { drop, dump as dumpScript, load as loadScript, names, swap as swapScript } from '../database/scripts.ts'
import type { Connection } from './connection.ts'
import { failed, lookAround, sweepUp, withDatabase, type InPod } from './database.ts'

/** The folder that dumps lie in. */
export interface DumpFolder {
  /** A new, empty file for its owner alone, that counts for nothing yet. */
  begin(name: string): string
  /** Brings it safely onto the disk and tells what it is. */
  seal(path: string): Promise<{ size: number; sha256: string }>
  /** Gives it its name, with what is known of it beside. Returns where it is. */
  keep(path: string, dump: Omit<Dump, 'file'>, name: string): Promise<Dump>
  discard(path: string): void
  list(): Kept[]
  remove(file: string): void
}

/** What a dump needs of this machine. */
export interface DumpHands {
  folder: DumpFolder
  /** How many dumps of one release are kept. */
  keep: number
  now(): Date
  note(text: string): void
}

export async function dumpDatabase(connection: Connection, hands: DumpHands, wish: DumpWish): Promise<Dump> {
  const { place } = wish
  const at = hands.now()
  return withDatabase(connection, place, async (inPod, afterwards) => {
    await prepare(connection, hands, place, inPod)
    const name = dumpName({ ...place, airflow: wish.airflow }, at)
    const path = hands.folder.begin(name)
    try {
      const facts = await stream(connection, place, inPod, path)
      const sealed = await hands.folder.seal(path)
      const { airflow, chart, cluster, why } = wish
      const { server, revision, bytes, rows } = facts
      const dump = { ...sealed, createdAt: at.toISOString(), why, cluster, namespace: place.namespace, release: place.release, database: place.database, airflow, chart, server, revision, bytes, rows }
      const scratch = `${names.scratch}${stampOf(at).toLowerCase()}`
      try {
        await loadInto(connection, place, inPod, { path, dump, name: scratch })
      } finally {
        await afterwards(drop, [place.database, scratch])
      }
      const kept = await hands.folder.keep(path, dump, name)
      hands.note(`${kept.file}: ${inWords(sealed.size)}, restored into a database beside and found the same (${Object.keys(rows).length} tables, ${total(rows)} rows, migrations ${revision ?? 'none'})`)
      for (const { file } of surplus(hands.folder.list(), kept, hands.keep)) {
        hands.folder.remove(file)
        hands.note(`${file} is older than the newest ${hands.keep} dumps, and was deleted`)
      }
      return kept
    } finally {
      hands.folder.discard(path)
    }
  })
}

function total(rows: Record<string, number>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0)
}

/** Room for a copy, which is what proves a dump; and nothing of an earlier run in the way. */
async function prepare(connection: Connection, hands: DumpHands, place: DatabasePlace, inPod: InPod): Promise<void> {
  for (const name of await sweepUp(place, inPod)) hands.note(`Database ${name} was left behind by a run that was cut off, and was dropped`)
  const { bytes, free, server } = await lookAround(connection, place, inPod)
  const lacking = lackOfRoom(bytes, free)
  if (lacking !== undefined) throw new AirstripError('BACKUP_FAILED', `The database's volume has no room to prove a dump: ${lacking}.`, { place: `Pod ${place.namespace}/${place.pod}`, next: 'Make room on the disk of that volume and run again.' })
  const room = free === undefined ? 'how much room it has cannot be seen from here' : `${inWords(free)} free on its volume`
  hands.note(`Database ${place.namespace}/${place.database} (PostgreSQL ${server}) takes ${inWords(bytes)}; ${room}`)
}

async function stream(connection: Connection, place: DatabasePlace, inPod: InPod, into: string): Promise<Said> {
  const outcome = await inPod(dumpScript, [place.database], { into })
  const said = readSaid(outcome.stderr)
  if (outcome.exitCode !== 0 || said.ended !== 0) throw await failed(connection, place, said.ended === undefined ? 'was not dumped to the end' : 'could not be dumped', outcome)
  return said
}

interface Loading {
  path: string
  dump: Omit<Dump, 'file'>
  name: string
}

async function loadInto(connection: Connection, place: DatabasePlace, inPod: InPod, { path, dump, name }: Loading): Promise<void> {
  const outcome = await inPod(loadScript, [place.database, name], { from: path })
  const said = readSaid(outcome.stdout)
  if (outcome.exitCode !== 0 || said.ended !== 0) throw await failed(connection, place, 'could not be restored from the dump', outcome)
  const found = unlike(dump, said)
  if (found.length > 0) throw new AirstripError('BACKUP_FAILED', `What was restored from the dump of database ${place.namespace}/${place.database} is not what was dumped.`, { seen: found.slice(0, 8), next: 'Run again; where it stays so, dump it by hand with pg_dump and look at what is named.' })
}

/** Into a database beside the one that is there; one that is not right is dropped again. */
export async function loadDump(connection: Connection, place: DatabasePlace, dump: Dump, name: string): Promise<void> {
  return withDatabase(connection, place, async (inPod, afterwards) => {
    const { free } = await lookAround(connection, place, inPod)
    const lacking = lackOfRoom(dump.bytes, free)
    if (lacking !== undefined) throw new AirstripError('BACKUP_FAILED', `The database's volume has no room for the restored one beside it: ${lacking}.`, { next: 'Make room on the disk of that volume and run again.' })
    try {
      await loadInto(connection, place, inPod, { path: dump.file, dump, name })
    } catch (error) {
      await afterwards(drop, [place.database, name])
      throw error
    }
  })
}

/** Where the answer was lost, the names that are there now tell what became of it. */
export async function swapDatabases(connection: Connection, place: DatabasePlace, name: string, kept: string): Promise<void> {
  return withDatabase(connection, place, async (_, afterwards) => {
    // Not to be cut off by the person: it takes a moment, and then everybody knows what is what.
    const outcome = await afterwards(swapScript, [place.database, name, kept])
    if (outcome.exitCode === 0) return
    const { databases } = await lookAround(connection, place, afterwards)
    if (databases.includes(kept) && !databases.includes(name)) return
    throw await failed(connection, place, 'is as it was: the restored one could not be put in its place', outcome)
  })
}

export async function dropDatabase(connection: Connection, place: DatabasePlace, name: string): Promise<void> {
  return withDatabase(connection, place, async (inPod) => {
    const outcome = await inPod(drop, [place.database, name])
    if (outcome.exitCode !== 0) throw await failed(connection, place, `keeps ${name} beside it, which could not be dropped`, outcome)
  })
}
