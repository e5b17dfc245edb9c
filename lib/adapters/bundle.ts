/** The archive on the disk: written whole and never over another file, read with bounds. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { AirstripError } from '../errors.ts'
import { damaged, evidenceFile, type File } from '../report/bundle.ts'
import { createWhole, ownerOnly } from './files.ts'
import { refusalWords } from './refusal.ts'
import { filesIn, tar } from './tar.ts'

/** Evidence of 5,000 pods is about 40 MB, packed 1. */
const mostPacked = 64 * 1024 * 1024
const mostUnpacked = 128 * 1024 * 1024

/** Asked for before anything is collected, too: nobody waits for a refusal. */
export function refuseExisting(path: string): void {
  if (existsSync(path)) throw existing(path)
}

export function writeBundle(path: string, files: readonly File[], now: Date): number {
  const modified = Math.floor(now.getTime() / 1000)
  const bytes = gzipSync(tar(files.map((file) => ({ ...file, mode: ownerOnly, modified }))))
  if (!onDisk(path, 'written', () => created(path, bytes))) throw existing(path)
  return bytes.length
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

function existing(path: string): AirstripError {
  return new AirstripError('USAGE', `${path} is there already, and is not written over.`, { place: path, next: 'Name another file with --bundle FILE, or move this one away.' })
}

/** The text of evidence.json; the other files of a bundle are for people. */
export function readBundle(path: string): string {
  const text = filesIn(unpacked(path, onDisk(path, 'read', () => bytesOf(path))), [evidenceFile])?.get(evidenceFile)
  if (text === undefined) throw damaged(path, `it is no archive with a whole ${evidenceFile}`)
  return text
}

function bytesOf(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const facts = fstatSync(file)
    if (!facts.isFile()) throw damaged(path, 'it is no plain file')
    if (facts.size > mostPacked) throw damaged(path, `it has ${facts.size} bytes, more than any bundle`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

function unpacked(path: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostUnpacked })
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw damaged(path, tooLong ? 'unpacked it is larger than any bundle' : 'it is not packed with gzip, or is cut off')
  }
}

function onDisk<T>(path: string, done: 'read' | 'written', act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AirstripError) throw error
    throw new AirstripError('BUNDLE_UNUSABLE', `${path} cannot be ${done}: ${refusalWords(error)}.`, { place: path, cause: error })
  }
}
