/** The archive on the disk. */
import { existsSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { AirstripError } from '../errors.ts'
import { damaged, evidenceFile, type File } from '../report/bundle.ts'
import { createCarried, readCarried, type Carried } from './carried.ts'
import { ownerOnly } from './files.ts'
import { filesIn, tar } from './tar.ts'

/** Evidence of 5,000 pods is about 40 MB, packed 1. */
const bundle: Carried = { unusable: 'BUNDLE_UNUSABLE', mostBytes: 64 * 1024 * 1024, damaged }
const mostUnpacked = 128 * 1024 * 1024

/** Asked for before anything is collected, too: nobody waits for a refusal. */
export function refuseExisting(path: string): void {
  if (existsSync(path)) throw existing(path)
}

export function writeBundle(path: string, files: readonly File[], now: Date): number {
  const modified = Math.floor(now.getTime() / 1000)
  const bytes = gzipSync(tar(files.map((file) => ({ ...file, mode: ownerOnly, modified }))))
  if (!createCarried(path, bytes, bundle)) throw existing(path)
  return bytes.length
}

function existing(path: string): AirstripError {
  return new AirstripError('USAGE', `${path} is there already, and is not written over.`, { place: path, next: 'Name another file with --bundle FILE, or move this one away.' })
}

/** The text of evidence.json; the other files of a bundle are for people. */
export function readBundle(path: string): string {
  const text = filesIn(unpacked(path, readCarried(path, bundle)), [evidenceFile])?.get(evidenceFile)
  if (text === undefined) throw damaged(path, `it is no archive with a whole ${evidenceFile}`)
  return text
}

function unpacked(path: string, bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostUnpacked })
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw damaged(path, tooLong ? 'unpacked it is larger than any bundle' : 'it is not packed with gzip, or is cut off')
  }
}
