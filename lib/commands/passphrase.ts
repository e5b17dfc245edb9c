import { AirstripError } from '../errors.ts'
import type { Reader } from '../access.ts'
import type { Deps, Flags } from './deps.ts'

/** What a person can type and a machine cannot guess: scrypt makes each guess slow, not impossible. */
const shortest = 12

/** From a file of mode 0600 or typed without an echo; never an argument, and no variable. A new one is typed twice. */
export async function askForPassphrase({ passphraseFile }: Flags, { askHidden }: Deps, reader: Reader, which: 'new' | 'known'): Promise<string> {
  const given = passphraseFile === undefined ? await typed(askHidden, which) : await reader.secret({ file: passphraseFile })
  if (which === 'new' && given.length < shortest) throw new AirstripError('PASSPHRASE', `The passphrase has ${given.length} characters, and needs ${shortest}.`, { next: 'Take a longer one; four words that do not belong together are easily kept.' })
  return given
}

async function typed(ask: Deps['askHidden'], which: 'new' | 'known'): Promise<string> {
  if (ask === undefined) throw new AirstripError('PASSPHRASE', 'Nobody can be asked for a passphrase here.', { next: 'Run it in a terminal, or name a file of mode 0600 with --passphrase-file FILE.' })
  const passphrase = await ask('Passphrase: ')
  if (which === 'new' && (await ask('The same again: ')) !== passphrase) throw new AirstripError('PASSPHRASE', 'The two passphrases are not the same, so nothing was written.', { next: 'Run it again.' })
  return passphrase
}
