import { plannedOf, warningsOf } from '../engine/agreement.ts'
import { examineAll } from '../engine/examine.ts'
import { selectSteps } from '../engine/selection.ts'
import type { Examined } from '../engine/step-run.ts'
import { AirstripError, errorCodes } from '../errors.ts'
import { eventLines } from '../report/lines.ts'
import { countsOf, diffLines, shownLine } from '../report/diff.ts'
import { findingsLines } from '../report/problem.ts'
import type { Reader } from '../access.ts'
import type { Finding, Step, StepName } from '../step.ts'
import { steps } from '../../steps/index.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'
import { notifying } from './notify.ts'
import { pastedWith } from './pasted.ts'
import type { Session } from './session.ts'
import { shownChanges, type Shown } from './shown.ts'

/** 0 nothing to change, or changes and no --detailed-exitcode; 2 changes with it; 1 where a step could not go on. */
export async function runDiff(flags: Flags, deps: Deps): Promise<number> {
  const chosen = selectSteps<Step>(steps, flags)
  const { session, redactor } = lookingSession(flags, deps)
  const watched = { config: session.config, flags, deps, redact: redactor.redact }
  const report = await notifying(watched, () => compare(chosen, session, redactor.redact), ({ open }) => refusalOf(open))
  const { open, warnings } = pastedWith(flags)({ open: report.open, warnings: report.warnings })
  const printer = { ...report, open, warnings, flags, deps: { ...deps, out: (line: string) => { deps.out(redactor.redact(line)) }, err: (line: string) => { deps.err(redactor.redact(line)) } } }
  if (flags.json === true) printJson(printer)
  else printText(printer)
  if (refusalOf(report.open) !== undefined) return errorCodes.BLOCKED.exit
  return flags.detailedExitcode === true && report.shown.length > 0 ? 2 : 0
}

async function compare(chosen: readonly Step[], session: Session, redact: (text: string) => string): Promise<Pick<Report, 'shown' | 'warnings' | 'open'>> {
  const reader = readOnly(session.look())
  const seen = await examineAll(chosen, steps, session.config, reader, 'check')
  const plan = plannedOf(chosen, seen)
  return { shown: await shownChanges(plan, reader, redact), warnings: warningsOf(plan), open: openSteps(chosen, seen) }
}

/** A step that waits is only not there yet; one that cannot go on, or could not be looked at, is a failure. */
function refusalOf(open: readonly Open[]): AirstripError | undefined {
  const stuck = open.filter(({ waiting }) => waiting === undefined)
  if (stuck.length === 0) return undefined
  return new AirstripError('BLOCKED', `${stuck.map(({ step }) => step).join(', ')} cannot go on.`, { findings: stuck.flatMap(({ findings }) => [...findings]) })
}

/** To ask what one may do is a request that creates something, if only for a moment; a diff does not even that. */
function readOnly(reader: Reader): Reader {
  return { ...reader, permissions: () => Promise.resolve({ rules: [], incomplete: true }) }
}

/** A step whose changes cannot be told yet. */
interface Open {
  step: StepName
  /** What it waits for; undefined where it could not be looked at, or cannot go on. */
  waiting?: string
  findings: readonly Finding[]
}

function openSteps(chosen: readonly Step[], seen: ReadonlyMap<StepName, Examined>): Open[] {
  return chosen.flatMap(({ name }): Open[] => {
    const check = seen.get(name)?.check
    if (check === undefined) return [{ step: name, findings: [] }]
    if (check.state === 'blocked') return [{ step: name, findings: check.findings }]
    return check.state === 'waiting' ? [{ step: name, waiting: check.on.map(({ object, reason }) => `${object} ${reason}`).join(', '), findings: [] }] : []
  })
}

interface Report {
  shown: readonly Shown[]
  /** What should be known of the changes before they are made. */
  warnings: ReturnType<typeof warningsOf>
  open: readonly Open[]
  flags: Flags
  deps: Deps
}

function printJson({ shown, warnings, open, deps }: Report): void {
  const changes = shown.map(({ step, op, kind, namespace, name, diff: text, why }) => ({ step, op, kind, namespace, name, diff: text, why }))
  deps.out(JSON.stringify({ changes, counts: countsOf(shown), warnings, open }, undefined, 2))
}

function printText({ shown, warnings, open, flags, deps }: Report): void {
  const colors = deps.colors && flags.color
  const quiet = flags.quiet === true
  for (const one of shown) for (const line of quiet ? [shownLine(one, deps.outColors && flags.color)] : diffLines(one, deps.outColors && flags.color)) deps.out(line)
  for (const line of warnings.flatMap((warning) => eventLines({ type: 'warning', ...warning }, { colors, quiet }))) deps.err(line)
  for (const { step, waiting, findings } of open) {
    if (findings.length > 0) deps.err(`${step} cannot go on:`)
    else if (waiting === undefined) deps.err(`${step} could not be looked at yet; its changes are told when the steps before it are in place`)
    else if (!quiet) deps.err(`${step} waits: ${waiting}; its changes cannot be told before that`)
    for (const line of findingsLines(findings, colors)) deps.err(line)
  }
  if (!quiet) deps.err(summary(shown))
}

function summary(shown: readonly Shown[]): string {
  const counts = Object.entries(countsOf(shown)).map(([op, count]) => `${count} ${op}`)
  return counts.length === 0 ? 'nothing to change' : `to change: ${counts.join(', ')}`
}
