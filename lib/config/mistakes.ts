/** A mistake in the configuration: where, what stands there, what is wrong with it, what to write. */
import { AirstripError } from '../errors.ts'

export interface Mistake {
  line: number
  column: number
  /** `airflow.candidates[0]`; empty where it is about the file as a whole. */
  path: string
  /** What stands there; left out where there is nothing, or where it may be a secret. */
  text?: string | undefined
  message: string
  write: string
}

export type Path = readonly (string | number)[]

/** A mistake before its offset is turned into a line. */
export interface Found {
  offset: number
  path: Path
  text?: string | undefined
  message: string
  write: string
}

/** A file of nothing but mistakes must not drown the terminal; `cause` has them all. */
const shownAtMost = 200

export function invalid(file: string, mistakes: readonly Mistake[]): AirstripError {
  const [first] = mistakes
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  const lines = mistakes.slice(0, shownAtMost).map((mistake) => mistakeLine(file, mistake))
  const rest = mistakes.length - lines.length
  return new AirstripError('CONFIG_INVALID', `${printable(file)} has ${count}; nothing was touched`, {
    ...(first && { place: `${printable(file)}:${first.line}:${first.column}` }),
    seen: rest > 0 ? [...lines, `… and ${rest} more`] : lines,
    cause: mistakes,
  })
}

/** The structured list that `invalid` put on its error. */
export function mistakesOf(error: unknown): readonly Mistake[] {
  if (!(error instanceof AirstripError) || error.code !== 'CONFIG_INVALID') return []
  return Array.isArray(error.cause) ? (error.cause as readonly Mistake[]) : []
}

export function mistakeLine(file: string, { line, column, path, text, message, write }: Mistake): string {
  const about = path === '' ? '' : ` ${path}:`
  const seen = text === undefined ? '' : ` ${quoted(text)}`
  return `${printable(file)}:${line}:${column}${about}${seen} ${message}; ${write}`
}

export function pathText(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${printable(part, 60)}`))
  return printable(parts.join('').replace(/^\./u, ''), 160)
}

/** In quotes, with nothing in it that could move a cursor or hide what is there. */
export function quoted(text: string): string {
  return `"${printable(text.replaceAll('"', String.raw`\"`))}"`
}

export function printable(text: string, most = 80): string {
  const characters = Array.from(text.slice(0, 2 * most))
  const cut = characters.slice(0, most).join('') + (text.length > most ? '…' : '')
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
