/** A file that a person carries elsewhere: written whole and never over another one, read with bounds. */
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { AirstripError } from '../errors.ts'
import { createWhole, ownerOnly } from './files.ts'
import { refusalWords } from './refusal.ts'

export interface Carried {
  /** What its errors are called where the disk refuses it. */
  unusable: 'BUNDLE_UNUSABLE' | 'KEYS_UNUSABLE'
  /** Larger than any is none. */
  mostBytes: number
  damaged: (path: string, why: string) => AirstripError
}

/** False where one is there already. */
export function createCarried(path: string, bytes: Buffer, { unusable }: Carried): boolean {
  return onDisk(path, 'written', unusable, () => created(path, bytes))
}

/** A file system without hard links (a stick that is carried over) gets it in one go. */
function created(path: string, bytes: Buffer): boolean {
  try {
    return createWhole(path, bytes)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    writeFileSync(path, bytes, { mode: ownerOnly, flag: 'wx' })
    return true
  }
}

export function readCarried(path: string, { unusable, mostBytes, damaged }: Carried): Buffer {
  return onDisk(path, 'read', unusable, () => {
    const file = openSync(path, 'r')
    try {
      const facts = fstatSync(file)
      if (!facts.isFile()) throw damaged(path, 'it is no plain file')
      if (facts.size > mostBytes) throw damaged(path, `it has ${facts.size} bytes, more than any of its kind`)
      return readFileSync(file)
    } finally {
      closeSync(file)
    }
  })
}

function onDisk<T>(path: string, done: 'read' | 'written', code: Carried['unusable'], act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AirstripError) throw error
    throw new AirstripError(code, `${path} cannot be ${done}: ${refusalWords(error)}.`, { place: path, cause: error })
  }
}
