import { objectsOf } from '../changes.ts'
import { AirstripError } from '../errors.ts'
import type { NonEmpty, Reader, Writer } from '../access.ts'
import type { Change, Check, Drifted, Finding, Look, Step } from '../step.ts'
import type { Clock } from './clock.ts'
import { diagnosed, type Diagnose } from './diagnosed.ts'
import type { Emit } from './events.ts'
import { createProgress, waitUntilDone, type Patience, type Progress } from './wait.ts'
import { changeWatched } from './watch.ts'

export interface StepDeps {
  /** A fresh look: nothing of an earlier one is remembered. */
  look: () => Reader
  writer(signal: AbortSignal): Writer
  clock: Clock
  emit: Emit
  signal: AbortSignal
  /** Overrides a step's own patience, in ms. */
  timeoutMs?: number | undefined
  /** How long to pause after a look, when so much was waited already; both in ms. */
  pauseMs(waitedMs: number): number
  /** Throws where the changes are not what was shown and agreed to. */
  agree(step: Step, found: Drifted, attempt: number): Promise<void>
  /** Called before the first effect of a try. */
  beforeEffect(attempt: number): Promise<void>
  /** When an earlier step of this run changed something. */
  changedAt?: Date | undefined
  /** The doctor's rules, for an error that ends the step. */
  diagnose?: Diagnose | undefined
}

/** What a look at a step saw before anything was changed. */
export interface Examined {
  check: Check
  /** Only where the check was satisfied: whether what is there also works. */
  look?: Look | undefined
}

export interface StepResult {
  changed: number
  tries: number
  evidence: string[]
  warnings: Finding[]
}

const mostTries = 3
/** Before the second try; before the third, twice that. */
const retryMs = 10_000

export async function examine(step: Step, spec: unknown, reader: Reader): Promise<Examined> {
  const check = await step.check(spec, reader)
  return check.state === 'satisfied' ? { check, look: await step.verify(spec, reader) } : { check }
}

/** Brings one step to done, or throws with the reason. Only what a retry can mend is tried again. */
export async function runStep(step: Step, spec: unknown, first: Examined | undefined, deps: StepDeps): Promise<StepResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryStep(step, spec, attempt === 1 ? first : undefined, attempt, deps)
    } catch (error) {
      const known = await explained(step, spec, error, deps)
      if (!known.transient || attempt >= mostTries || deps.signal.aborted) throw await diagnosed(step.name, known, deps)
      deps.emit({ type: 'retry', step: step.name, what: `step ${step.name}`, reason: known.message, attempt })
      await deps.clock.sleep(attempt * retryMs, deps.signal)
    }
  }
}

async function tryStep(step: Step, spec: unknown, first: Examined | undefined, attempt: number, deps: StepDeps): Promise<StepResult> {
  const { check, look } = first ?? (await examine(step, spec, deps.look()))
  const settled = check.state === 'waiting' ? await settledCheck(step, spec, check, deps) : check
  const warnings = settled.warnings ?? []
  if (settled.state === 'blocked') throw blocked(step, settled.findings)
  if (settled.state === 'satisfied') {
    const done = look?.state === 'done' ? look : await waitUntilDone(() => step.verify(spec, deps.look()), patienceOf(step, deps))
    return { changed: 0, tries: attempt, evidence: [...settled.evidence, ...done.evidence], warnings: [...warnings, ...(done.warnings ?? [])] }
  }
  if (settled.state !== 'drifted') throw new AirstripError('INTERNAL', `Step ${step.name} is still waiting after its wait.`)
  await deps.agree(step, settled, attempt)
  await deps.beforeEffect(attempt)
  announce(step, settled.changes, deps.emit)
  // One for both: what was waited for while Helm worked may be ready when it has ended, and is told so.
  const progress = createProgress(patienceOf(step, deps))
  const changedAt = await applyWatched(step, spec, settled.changes, deps, progress)
  const done = await waitUntilDone(() => step.verify(spec, deps.look()), patienceOf(step, { ...deps, changedAt }), progress)
  return { changed: settled.changes.flatMap(objectsOf).length, tries: attempt, evidence: done.evidence, warnings: [...warnings, ...(done.warnings ?? [])] }
}

/** A check that cannot say yet (a namespace that is still going) is asked again until it can. */
async function settledCheck(step: Step, spec: unknown, first: Check, deps: StepDeps): Promise<Check> {
  let check = first
  await waitUntilDone(async () => {
    check = await step.check(spec, deps.look())
    return check.state === 'waiting' ? check : { state: 'done', evidence: [] }
  }, patienceOf(step, deps))
  return check
}

export function announce(step: Step, changes: readonly Change[], emit: Emit): void {
  for (const change of changes) {
    for (const object of objectsOf(change)) emit({ type: 'change', step: step.name, op: change.op, object, why: change.why })
  }
}

/**
 * Only the release takes long enough to be worth watching, and only it can be waited for in vain. What Helm changes
 * it changes at once, and then it waits for its hooks; so of it the beginning counts, of all else the end.
 */
async function applyWatched(step: Step, spec: unknown, changes: NonEmpty<Change>, deps: StepDeps, progress: Progress): Promise<Date> {
  if (!changes.some(({ op }) => op === 'release')) {
    await step.apply(changes, deps.writer(deps.signal))
    return deps.clock.now()
  }
  const changedAt = deps.clock.now()
  const ending = new AbortController()
  const signal = AbortSignal.any([deps.signal, ending.signal])
  const end = (reason: AirstripError): void => {
    ending.abort(reason)
  }
  await changeWatched(step.apply(changes, deps.writer(signal)), () => step.verify(spec, deps.look(), changedAt), end, patienceOf(step, { ...deps, changedAt }), progress)
  return changedAt
}

function patienceOf(step: Step, deps: StepDeps): Patience {
  const { clock, emit, signal, timeoutMs, changedAt } = deps
  return { clock, emit, signal, changedAt, pauseMs: (waitedMs) => deps.pauseMs(waitedMs), step: step.name, timeoutMs: timeoutMs ?? step.timeoutMs }
}

export function blocked(step: Step, findings: NonEmpty<Finding>): AirstripError {
  const [first] = findings
  const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`
  return new AirstripError('BLOCKED', `${step.name} cannot go on: ${first.title}${more}`, { findings, next: first.fix[0] })
}

/** Adds what a person needs to see: the root cause where Helm only says that time ran out. */
async function explained(step: Step, spec: unknown, error: unknown, { look, signal }: StepDeps): Promise<AirstripError> {
  if (!(error instanceof AirstripError)) throw error
  if (signal.aborted || !['FAILED', 'TIMEOUT', 'HELM_FAILED'].includes(error.code) || step.explain === undefined) return error
  const reader = look()
  const [seen, found] = await Promise.all([step.explain(spec, reader).catch(() => []), step.verify(spec, reader).catch(() => undefined)])
  // When the time was up it was airstrip that ended Helm, so what Helm's record says of that explains nothing.
  const late = error.code === 'TIMEOUT'
  const findings = late || error.findings.length > 0 || found?.state !== 'failed' ? error.findings : found.findings
  return new AirstripError(error.code, error.message, {
    // The explanation names what was pending, too, and says more of each.
    seen: late && seen.length > 0 ? seen : [...error.seen, ...seen],
    findings,
    next: findings[0]?.fix[0] ?? error.next,
    transient: error.transient,
    cause: error,
  })
}
