/** Keys on the disk, encrypted with a passphrase in the format of age, so that `age -d FILE` opens them too. */
import { existsSync } from 'node:fs'
import { AirstripError } from '../errors.ts'
import { createCarried, readCarried, type Carried } from './carried.ts'

/** Eight Secrets have 3 KB. */
const keys: Carried = { unusable: 'KEYS_UNUSABLE', mostBytes: 1024 * 1024, damaged: damagedKeys }

/** What age itself says of a passphrase that is not the one. */
const wrongPassphrase = 'no identity matched'
const header = 'age-encryption.org/v1'

export function refuseExistingKeys(path: string): void {
  if (existsSync(path)) throw existing(path)
}

/** Each guess takes a second, as age itself has it; a test has fewer to fear. */
const workFactor = 18

/** Whole or not at all, of mode 0600, and never over another file. */
export async function writeKeys(path: string, text: string, passphrase: string, work = workFactor): Promise<void> {
  // Read when it is needed: most runs have no keys to carry.
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(work)
  const bytes = Buffer.from(await encrypter.encrypt(text))
  if (!createCarried(path, bytes, keys)) throw existing(path)
}

export async function readKeys(path: string, passphrase: string): Promise<string> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  try {
    return await decrypter.decrypt(readCarried(path, keys), 'text')
  } catch (error) {
    if (error instanceof AirstripError) throw error
    // Its own words are about stanzas and chunks; nothing in them helps.
    if (error instanceof Error && error.message.startsWith(wrongPassphrase)) throw new AirstripError('PASSPHRASE', `The passphrase does not open ${path}.`, { place: path, next: 'Try again with the one that was given when it was exported; nothing was changed.' })
    throw damagedKeys(path, 'it was changed or cut short since it was written')
  }
}

/** Before anybody is asked for a passphrase. */
export function refuseOtherFormat(path: string): void {
  const start = readCarried(path, keys).subarray(0, header.length + 1).toString()
  if (start !== `${header}\n`) throw damagedKeys(path, 'it is no file of age')
}

export function damagedKeys(path: string, why: string): AirstripError {
  return new AirstripError('KEYS_DAMAGED', `${path} is no whole file of airstrip's keys: ${why}.`, { place: path })
}

function existing(path: string): AirstripError {
  return new AirstripError('KEYS_UNUSABLE', `${path} is there already, and is not written over.`, { place: path, next: 'Name another file, or move this one away.' })
}
