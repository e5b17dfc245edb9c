/**
 * A rule for one piece of text: what it must look like, and what to write where it does not.
 *
 * zod's own checks carry a message but no advice, so a rule is one check that reports both. The
 * pattern goes into the JSON Schema as well; what a pattern cannot say is in `refuse`.
 */
import * as z from 'zod'

export interface Rule {
  /** With the u flag, as editors compile it. */
  pattern: RegExp
  /** Looked at before the pattern, so that no pattern meets endless input. */
  max: number
  /** Completes a sentence that starts with the text: `is not a DNS name`. */
  what: string
  example: string
  /** Makes of a near miss what was likely meant; offered only where the result is valid. */
  mend?: (value: string) => string
  /** What is wrong with a value that has the right form. */
  refuse?: (value: string) => string | undefined
}

export interface Verdict {
  message: string
  write: string
}

export function text(rule: Rule) {
  const { pattern, max, example } = rule
  return z
    .string()
    .check((context) => {
      const verdict = judge(rule, context.value)
      if (verdict === undefined) return
      const { message, write } = verdict
      context.issues.push({ code: 'custom', input: context.value, message, params: { write } })
    })
    .meta({ pattern: pattern.source, maxLength: max, examples: [example] })
}

export function judge(rule: Rule, value: string): Verdict | undefined {
  const message = fault(rule, value)
  return message === undefined ? undefined : { message, write: advice(rule, value) }
}

function fault({ pattern, max, what, refuse }: Rule, value: string): string | undefined {
  if (value === '') return 'is empty'
  if (value.length > max) return `is longer than ${max} characters`
  if (!pattern.test(value)) return what
  return refuse?.(value)
}

function advice(rule: Rule, value: string): string {
  const mended = value.length > rule.max ? undefined : rule.mend?.(value)
  const works = mended !== undefined && fault(rule, mended) === undefined
  return works ? `write ${mended}` : `write for example ${rule.example}`
}
