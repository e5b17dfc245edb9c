import { isWithin, warningsOf, words, type Word } from '../engine/agreement.ts'
import type { Emit } from '../engine/events.ts'
import type { Consented } from '../engine/pipeline.ts'
import { AirstripError } from '../errors.ts'
import { diffLines, shownLine } from '../report/diff.ts'
import { eventLines } from '../report/lines.ts'
import type { Session } from './session.ts'
import type { Deps, Flags } from './deps.ts'
import { shownChanges } from './shown.ts'
import { objectsOf } from '../changes.ts'

export interface Asking {
  flags: Flags
  deps: Deps
  session: Session
  emit: Emit
  /** What would show it again, for who did not agree. */
  shownBy?: 'diff' | undefined
}

/**
 * Whether the plan may be made. `--yes` agrees to everything; a person at a terminal is asked; with
 * nobody to ask only what the configuration leaves to airstrip is done, and all else refused before
 * anything is touched. True where a person took the time to answer.
 */
export async function consent(plan: readonly Consented[], asking: Asking): Promise<boolean> {
  const { flags, deps, session } = asking
  if (flags.yes === true) return false
  if (deps.ask !== undefined && isAttended(flags, deps)) return askPerson(plan, deps.ask, asking)
  const level = flags.unattended ?? session.config.unattended
  const beyond = plan.filter(({ word }) => !isWithin(word, level))
  if (beyond.length > 0) throw refusal(beyond, level)
  return false
}

/** Whether somebody is there. Who says what may be done unattended means that nobody is to be asked, terminal or not. */
export function isAttended(flags: Flags, { ask }: Deps): boolean {
  return ask !== undefined && flags.unattended === undefined && flags.json !== true
}

function refusal(beyond: readonly Consented[], level: Word): AirstripError {
  const seen = beyond.flatMap(({ step, word, changes }) => changes.flatMap((change) => objectsOf(change).map((object) => `${step}: ${change.op} ${object} (${change.why}) [${word}]`)))
  const needed = words[Math.max(...beyond.map(({ word }) => words.indexOf(word)))] ?? 'change'
  const unasked = needed === 'change' ? '' : `, or --unattended ${needed} to allow this much without being asked`
  return new AirstripError('CONSENT', `Nobody can be asked here, and what would be changed goes beyond "${level}", so it was left as it is.`, {
    seen,
    next: `Look at it with \`diff\`; then run with --yes, or in a terminal${unasked}.`,
  })
}

async function askPerson(plan: readonly Consented[], ask: (question: string) => Promise<string>, { flags, deps, session, emit, shownBy }: Asking): Promise<true> {
  const colors = deps.colors && flags.color
  const { redact } = session.redactor
  for (const { step, changes } of plan) {
    for (const { op, object, why } of changes.flatMap((change) => objectsOf(change).map((object) => ({ op: change.op, object, why: change.why })))) {
      const [kind = '', name = ''] = object.split(/ (?=\S+$)/)
      deps.err(redact(shownLine({ step, op, kind, namespace: '', name, why }, colors)))
    }
  }
  // Else they have been told already, with the plan.
  const untold = flags.quiet === true ? warningsOf(plan) : []
  for (const line of untold.flatMap((warning) => eventLines({ type: 'warning', ...warning }, { colors, quiet: false }))) deps.err(redact(line))
  const count = plan.flatMap(({ changes }) => changes.flatMap(objectsOf)).length
  const question = `Make ${count === 1 ? 'this change' : `these ${count} changes`}? [y]es, [N]o, show the [d]iff: `
  for (;;) {
    const answer = (await ask(question)).trim().toLowerCase()
    emit({ type: 'asked', question: question.trim(), answer })
    if (['y', 'yes'].includes(answer)) return true
    if (!['d', 'diff'].includes(answer)) throw new AirstripError('CONSENT', 'You did not agree, so it was left as it is.', { next: `Run again when you do${shownBy === undefined ? '' : `; \`${shownBy}\` shows every line`}.` })
    for (const one of await shownChanges(plan, session.look(), redact)) for (const line of diffLines(one, colors)) deps.err(redact(line))
  }
}
