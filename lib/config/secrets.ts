/** A secret in the configuration: where its value comes from, never the value. */
import * as z from 'zod'
import type { SecretSource } from '../access.ts'
import { environmentName } from './names.ts'
import { file } from './places.ts'

/** Both or neither is a mistake of its own, which a union of two shapes would bury in their mistakes. */
export const secretSource = z
  .strictObject({
    env: environmentName.optional().describe('Name of the environment variable that holds the value.'),
    file: file.optional().describe('File of mode 0600 that holds the value.'),
  })
  .check((context) => {
    const { env, file: path } = context.value
    // An unknown key was likely meant to be the source, and is told already.
    if (context.issues.length > 0) return
    if ((env === undefined) !== (path === undefined)) return
    const message = env === undefined ? 'names no source' : 'names two sources'
    context.issues.push({ code: 'custom', input: undefined, message, params: { write: `write ${secretAdvice}` } })
  })
  .transform(({ env, file: path }): SecretSource => (env === undefined ? { file: path ?? '' } : { env }))
  .meta({ minProperties: 1, maxProperties: 1, examples: [{ env: 'AIRFLOW_ADMIN_PASSWORD' }] })

export const secretAdvice =
  '{ env: NAME } or { file: /path/of/a/file/with/mode/0600 }, or leave the key out and one is generated'

const secretWord = /pass|secret|token|fernet|credential/iu

/** Whether what lies at this place may be a secret, so that it is not repeated in a message. */
export function isSecretPath(path: readonly (string | number)[]): boolean {
  return path.some((part) => typeof part === 'string' && secretWord.test(part))
}

/** The words of a command hold tokens and passwords in forms of which we know but some, wherever its section went wrong. */
export function isCommandPath(path: readonly (string | number)[]): boolean {
  return path[0] === 'notify'
}

/** The path without what may be a value that slipped in as a key below a secret. */
export function safePath(path: readonly (string | number)[]): readonly (string | number)[] {
  const secret = path.findIndex((part) => isSecretPath([part]))
  const next = path[secret + 1]
  return secret === -1 || next === 'env' || next === 'file' ? path : path.slice(0, secret + 1)
}

/**
 * What of a text can be repeated in a message. People paste connection strings into `host` and
 * `external`, and a missing colon pulls the next line into a value, so a place that is not secret
 * can still hold a password.
 */
export function showable(text: string): string | undefined {
  if (text.includes('\n')) return undefined
  if (secretWord.test(text) && /[\s=:]/u.test(text)) return undefined
  const at = text.lastIndexOf('@')
  const bare = at > 0 && text.slice(0, at).includes(':') ? `***${text.slice(at)}` : text
  return bare.slice(0, 200)
}
