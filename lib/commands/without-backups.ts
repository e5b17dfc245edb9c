import { isNonEmpty } from '../check.ts'
import type { Step } from '../step.ts'

/** Who says so goes on without a dump of the database; then it is not shown either. */
export function withoutBackups(steps: readonly Step[]): Step[] {
  return steps.map((step) => ({
    ...step,
    check: async (spec, reader) => {
      const check = await step.check(spec, reader)
      if (check.state !== 'drifted') return check
      const changes = check.changes.filter(({ op }) => op !== 'backup')
      return isNonEmpty(changes) ? { ...check, changes } : { state: 'satisfied', evidence: [] }
    },
  }))
}
