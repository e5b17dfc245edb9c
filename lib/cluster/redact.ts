/**
 * Knows the secret values that passed through this run and takes them out of any text. Fields that
 * are known to be secret are masked where they are shown; this is the second net, for what a tool
 * or a log says unasked.
 */
import { isEveryday } from '../doctor/learn.ts'
import { passwordInAddress } from '../doctor/looks/addresses.ts'
import { mask, redactWith } from '../doctor/redact.ts'

export interface Redactor {
  add: (value: string) => void
  /** `admit` is asked about each hit, and may decline it. */
  redact: (text: string, admit?: (form: string) => boolean) => string
  /** What a tool said, which quotes values, templates and objects: also what only looks like a secret. */
  said: (text: string) => string
}

/** Shorter values would hit innocent words; a secret that short is no secret. */
const shortest = 6

export function createRedactor(): Redactor {
  const values = new Set<string>()
  const forms = new Set<string>()
  let pattern: RegExp | undefined
  const redactor: Redactor = {
    add(value) {
      if (values.has(value) || isEveryday(value)) return
      values.add(value)
      for (const form of formsOf(value)) {
        if (form.length >= shortest && !forms.has(form)) {
          forms.add(form)
          pattern = undefined
        }
      }
    },
    redact(said, admit) {
      // Of a person's own repository, for example, as Helm names it. Whoever counts what was taken out has an eye on addresses himself.
      const text = admit === undefined ? said.replace(passwordInAddress, `$<before>${mask}$<after>`) : said
      if (forms.size === 0) return text
      pattern ??= new RegExp([...forms].sort((a, b) => b.length - a.length).map(escapeRegExp).join('|'), 'g')
      return text.replace(pattern, (form) => (admit?.(form) === false ? form : mask))
    },
    said: redactWith((text) => redactor.redact(text)),
  }
  return redactor
}

/**
 * A value as it may turn up: plain, in base64 once (Secret data) and twice (a Secret in a Helm record), in a
 * URL, in a JSON string, and each of its long lines, for a log begins anywhere in a private key.
 */
function formsOf(value: string): string[] {
  const trimmed = value.trim()
  const base64 = Buffer.from(value).toString('base64')
  const lines = trimmed.includes('\n') ? trimmed.split('\n').filter((line) => /^[\w+/=-]{32,}$/.test(line)) : []
  return [
    value, trimmed, ...lines, ...inUrl(trimmed), inJson(value), inJson(inJson(value)),
    base64, base64.replace(/=+$/, ''), Buffer.from(value).toString('base64url'), Buffer.from(base64).toString('base64'), encodeURIComponent(base64),
    ...withinBase64(trimmed),
  ]
}

function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

/** Programs disagree on the blank, the slash and the case of digits. */
function inUrl(value: string): string[] {
  const encoded = encodeURIComponent(value)
  const lower = encoded.replace(/%../g, (code) => code.toLowerCase())
  return [encoded, lower, encoded.replaceAll('%20', '+'), encoded.replaceAll('%2F', '/'), encodeURI(value), encodeURIComponent(encoded)]
}

/** Within something longer, `user:password` for example: what does not depend on the text around it. */
function withinBase64(value: string): string[] {
  const bytes = Buffer.from(value)
  if (bytes.length < 8) return []
  return [0, 1, 2].map((before) => {
    const whole = bytes.subarray((3 - before) % 3)
    return whole.subarray(0, whole.length - (whole.length % 3)).toString('base64')
  })
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
