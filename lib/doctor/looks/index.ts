/**
 * What looks like a secret in a text, as data: nobody told us of it, so it can only be known by what stands
 * before it or by its shape. `before` and `after` are kept, what lies between them is the secret.
 */
import { addresses } from './addresses.ts'
import { commands } from './commands.ts'
import { prose } from './prose.ts'
import { settings } from './settings.ts'
import { keyBlocks, shapes } from './shapes.ts'

/** In this order: a private key is of many lines, and a bare token may be the value of a setting. */
export const looks: readonly RegExp[] = [...keyBlocks, ...addresses, ...settings, ...commands, ...prose, ...shapes]
