import { redactWith, visible } from '../doctor/redact.ts'
import { AirstripError, quotesItsInput } from '../errors.ts'
import { stepNames } from './events.ts'

/**
 * Strings under these keys are words and times of our own. A secret that happens to be one of them
 * ("storage", "failed") would make the record unreadable for the next run, and tells nothing there.
 */
const ourOwn = new Set(['type', 'step', 'steps', 'resumesAt', 'op', 'status', 'result', 'code', 'severity', 'id', 'at', 'startedAt', 'endedAt', 'updatedAt', ...Object.keys(stepNames)])

/** What lies under these quotes the kubelet, a controller, a log or Helm, who may say a secret that nobody told us of. */
const quoting = new Set(['reason', 'evidence', 'seen', 'sentence', 'title', 'saw', 'now', 'message', 'findings'])

/** The same value with the secrets taken out of every string, however deep it lies. */
export function redacted<T>(value: T, redact: (text: string) => string): T {
  const said = redactWith(redact)
  // What has none stays as it was said, colours included: whoever shows it takes those out.
  const quoted = (text: string): string => {
    const [plain, looked] = [redact(text), said(text)]
    return looked === visible(plain) ? plain : looked
  }
  const clean = (text: string, key: string): string => (ourOwn.has(key) ? text : quoting.has(key) ? quoted(text) : redact(text))
  return eachString(value, clean)
}

/** The same error without the secrets that its sentence, or what it quotes, may hold. */
export function redactedError(error: AirstripError, redact: (text: string) => string): AirstripError
export function redactedError(error: unknown, redact: (text: string) => string): unknown
export function redactedError(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof AirstripError)) return error instanceof Error && !quotesItsInput(error) ? new Error(redacted({ message: error.message }, redact).message, { cause: error }) : error
  const { code, transient, message: sentence, seen, next, findings } = error
  const { message, place, ...details } = redacted({ message: sentence, place: error.place, seen, next, findings }, redact)
  return new AirstripError(code, message, { ...details, transient, cause: error, ...(place === undefined ? {} : { place }) })
}

/** Maps every string, told the key that it, or the list that it is in, lies under. */
export function eachString<T>(value: T, act: (text: string, key: string) => string, key = ''): T {
  if (typeof value === 'string') return act(value, key) as T
  if (Array.isArray(value)) return value.map((one: unknown) => eachString(one, act, key)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]: [string, unknown]) => [name, eachString(one, act, name)])) as T
}
