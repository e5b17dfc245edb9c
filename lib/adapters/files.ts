import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { LockFile } from '../engine/lock.ts'
import type { StateFile } from '../engine/state.ts'
import { onDisk, refusal } from './refusal.ts'

export const ownerOnly = 0o600

export function stateFile(path: string): StateFile {
  return {
    path,
    read: () => readIfThere(path),
    write: async (text) => {
      onDisk(path, () => mkdirSync(dirname(path), { recursive: true }))
      await writeFileAtomic(path, text, { mode: ownerOnly }).catch((error: unknown) => {
        throw refusal(path, error)
      })
      sweep(path)
    },
    moveAside: () => {
      const kept = freeName(`${path}.damaged`)
      onDisk(path, () => {
        renameSync(path, kept)
      })
      return kept
    },
  }
}

/** Only who holds the lock writes, so what write-file-atomic has left beside it is of a run that was killed. */
function sweep(path: string): void {
  const [folder, name] = [dirname(path), basename(path)]
  const left = onDisk(folder, () => readdirSync(folder)).filter((one) => one.startsWith(`${name}.`) && /^\d+$/.test(one.slice(name.length + 1)))
  for (const one of left) rmSync(join(folder, one), { force: true })
}

function freeName(wanted: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}.${number}`
    if (!existsSync(name)) return name
  }
}

/** A hard link comes into being whole or not at all, so nobody ever reads half a file, and never in the place of another. False where one is there. */
export function createWhole(path: string, bytes: string | Buffer): boolean {
  const aside = `${path}.${process.pid}`
  try {
    writeFileSync(aside, bytes, { mode: ownerOnly })
    linkSync(aside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

export function lockFile(path: string): LockFile {
  return {
    path,
    read: () => readIfThere(path),
    create: (text) => onDisk(path, () => {
      mkdirSync(dirname(path), { recursive: true })
      return createWhole(path, text)
    }),
    removeIf: (text) => {
      // A lock that lives is never moved, not even to look at it: where it was, another run would
      // find none. So who removes this very text first gets the right to, and then looks again.
      const right = `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
      if (!claim(right)) return false
      try {
        if (readIfThere(path) !== text) return false
        rmSync(path)
        return true
      } finally {
        rmSync(right, { force: true })
      }
    },
  }
}

/** A removal takes no longer than this; the claim of one that was killed is not heeded. */
const staleMs = 10_000

function claim(right: string): boolean {
  try {
    writeFileSync(right, '', { flag: 'wx', mode: ownerOnly })
    return true
  } catch {
    const there = statSync(right, { throwIfNoEntry: false })
    if (there !== undefined && Date.now() - there.mtimeMs > staleMs) rmSync(right, { force: true })
    return false
  }
}

export async function writeBackup(folder: string, name: string, text: string): Promise<string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = freeName(join(folder, name))
  await writeFileAtomic(path, text, { mode: ownerOnly })
  return path
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw refusal(path, error)
  }
}
