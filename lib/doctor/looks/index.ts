/**
 * What looks like a secret in a text, as data: nobody told us of it, so it can only be known by what stands
 * before it or by its shape. `before` and `after` are kept, what lies between them is the secret.
 */
import { addresses } from './addresses.ts'
import { commands } from './commands.ts'
import { prose } from './prose.ts'
import { settings } from './settings.ts'
import { keyBlocks, randomIn, shapes } from './shapes.ts'
import { inColumns, inSecretDocuments, rows } from './structures.ts'

/** In this order: a bare token may be the value of a setting. */
const looks: readonly RegExp[] = [...addresses, ...settings, ...rows, ...commands, ...prose, ...shapes]

type Groups = Partial<Record<'before' | 'indent' | 'after', string>>

/** The text with what `put` gives in the place of each secret. */
export function withoutSecrets(text: string, put: (secret: string) => string): string {
  const structured = inColumns(inSecretDocuments(text, put), put)
  // To look for the end of a key costs more than all the rest.
  const patterns = /private[ -](?:key|lines)/i.test(text) ? [...keyBlocks, ...looks] : looks
  const rest = patterns.reduce((said, pattern) => said.replace(pattern, (...found: unknown[]) => {
    const { before = '', indent = '', after = '' } = groupsOf(found)
    const whole = String(found[0])
    return `${before}${indent}${put(whole.slice(before.length + indent.length, whole.length - after.length))}${after}`
  }), structured)
  return randomIn(rest, put)
}

function groupsOf(found: readonly unknown[]): Groups {
  const last = found.at(-1)
  return typeof last === 'object' && last !== null ? last : {}
}
