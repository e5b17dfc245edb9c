import { createRedactor, type Redactor } from '../cluster/redact.ts'
import type { Config } from '../config/schema.ts'
import type { Emit } from '../engine/events.ts'
import { eventLines } from '../report/lines.ts'
import type { Deps, Flags } from './deps.ts'
import { openSession, type Session } from './session.ts'

/** A session for a command that only looks: what it says goes to stderr as lines. */
export function lookingSession(flags: Flags, deps: Deps, config?: Config): { session: Session; redactor: Redactor; emit: Emit } {
  const redactor = createRedactor()
  const emit: Emit = (event) => {
    const lines = eventLines(event, { colors: deps.colors && flags.color, quiet: flags.quiet === true })
    for (const line of lines) deps.err(redactor.redact(line))
  }
  return { session: openSession(flags, deps, redactor, emit, config), redactor, emit }
}
