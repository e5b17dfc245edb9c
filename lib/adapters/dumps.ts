/** The folder of the dumps: each whole or not there, for its owner alone, with its record beside it. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, existsSync, fsyncSync, mkdirSync, openSync, readSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import writeFileAtomic from 'write-file-atomic'
import type { DumpFolder } from '../cluster/backup.ts'
import { parseRecord, recordText, type Kept } from '../database/record.ts'
import { ownerOnly } from './files.ts'
import { onDisk } from './refusal.ts'

const suffix = '.dump'
/** Of a dump that is being made: not by its name alone, for a person may have a file of that name. */
const partial = /^\.airflow-.+\.dump\.(\d+)$/

export function dumpFolder(statePath: string): DumpFolder & { path: string } {
  const folder = join(dirname(statePath), 'backups')
  return {
    path: folder,
    begin: (name) => onDisk(folder, () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      for (const one of readdirSync(folder)) if (isLeftOver(one)) rmSync(join(folder, one), { force: true })
      const path = join(folder, `.${name}.${process.pid}`)
      closeSync(openSync(path, 'w', ownerOnly))
      return path
    }),
    seal: async (path) => {
      onDisk(path, () => {
        sync(path)
      })
      return { size: statSync(path).size, sha256: await sha256Of(path) }
    },
    keep: async (path, dump, name) => {
      const file = join(folder, name)
      onDisk(file, () => {
        renameSync(path, file)
        sync(folder)
      })
      await writeFileAtomic(recordOf(file), recordText({ ...dump, file: name }), { mode: ownerOnly })
      return { ...dump, file }
    },
    discard: (path) => {
      rmSync(path, { force: true })
    },
    list: () => (existsSync(folder) ? onDisk(folder, () => readdirSync(folder)).filter((name) => name.endsWith(suffix)).flatMap((name) => readKept(join(folder, name)) ?? []) : []),
    remove: (file) => {
      for (const path of [join(folder, basename(file)), recordOf(join(folder, basename(file)))]) rmSync(path, { force: true })
    },
  }
}

function recordOf(file: string): string {
  return `${file}.json`
}

/** Undefined where nothing is known of it: then it is somebody else's. */
export function readKept(file: string): Kept | undefined {
  const record = existsSync(recordOf(file)) ? parseRecord(readFileSync(recordOf(file), 'utf8')) : undefined
  if (record === undefined) return undefined
  return { dump: { ...record, file }, whole: statSync(file, { throwIfNoEntry: false })?.size === record.size }
}

/** Every custom dump of pg_dump begins with it. */
export function isDump(file: string): boolean {
  const head = Buffer.alloc(5)
  const open = openSync(file, 'r')
  try {
    readSync(open, head)
    return head.toString() === 'PGDMP'
  } finally {
    closeSync(open)
  }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** That it was written means little before the disk has it. */
function sync(path: string): void {
  const open = openSync(path, 'r')
  try {
    fsyncSync(open)
  } finally {
    closeSync(open)
  }
}

function isLeftOver(name: string): boolean {
  const pid = Number(partial.exec(name)?.[1] ?? NaN)
  if (Number.isNaN(pid) || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
