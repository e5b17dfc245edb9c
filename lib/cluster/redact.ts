/**
 * Knows the secret values that passed through this run and takes them out of any text. Fields that
 * are known to be secret are masked where they are shown; this is the second net, for what a tool
 * or a log says unasked.
 */
import { isEverydayWord } from '../doctor/learn.ts'
import { passwordInAddress } from '../doctor/looks/addresses.ts'
import { mask, redactWith } from '../doctor/redact.ts'
import { createFinder } from './finder.ts'
import { spellingsOf } from './spellings.ts'

export interface Redactor {
  add: (value: string) => void
  /** `admit` is asked about each hit, and may decline it. */
  redact: (text: string, admit?: (form: string) => boolean) => string
  /** What a tool said, which quotes values, templates and objects: also what only looks like a secret. */
  said: (text: string) => string
}

export function createRedactor(): Redactor {
  const values = new Set<string>()
  const finder = createFinder()
  const redactor: Redactor = {
    add(value) {
      if (values.has(value) || isEverydayWord(value)) return
      values.add(value)
      for (const form of spellingsOf(value)) finder.add(form)
    },
    redact(said, admit) {
      try {
        // Of a person's own repository, for example, as Helm names it. Whoever counts what was taken out has an eye on addresses himself.
        const text = admit === undefined ? said.replace(passwordInAddress, `$<before>${mask}$<after>`) : said
        return finder.replace(text, (form) => (admit?.(form) === false ? undefined : mask))
      } catch {
        // Rather nothing of it than what nobody has looked through, or an error that quotes it.
        return mask
      }
    },
    said: redactWith((text) => redactor.redact(text)),
  }
  return redactor
}
