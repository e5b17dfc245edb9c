import type { NonEmpty } from './access.ts'
import type { Change, Check, Finding } from './step.ts'

export function isNonEmpty<T>(list: T[]): list is NonEmpty<T> {
  return list.length > 0
}

/** Satisfied where there is nothing to change. */
export function checked(changes: Change[], evidence: string[], warnings: Finding[] = []): Check {
  return isNonEmpty(changes) ? { state: 'drifted', changes, warnings } : { state: 'satisfied', evidence, warnings }
}

/** Blocked by the errors among the findings, if there are any; the warnings are kept either way. */
export function blockedBy(findings: readonly Finding[]): { blocked?: Check; warnings: Finding[] } {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const warnings = findings.filter(({ severity }) => severity === 'warning')
  return isNonEmpty(errors) ? { blocked: { state: 'blocked', findings: errors, warnings }, warnings } : { warnings }
}
