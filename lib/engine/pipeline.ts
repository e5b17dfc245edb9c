import { objectsOf } from '../changes.ts'
import { AirstripError } from '../errors.ts'
import type { Finding, Step, StepName } from '../step.ts'
import { announcePlan, plannedOf, unseen, wordFor, type Planned } from './agreement.ts'
import { examineAll } from './examine.ts'
import { identify } from './identity.ts'
import { leftOut } from './selection.ts'
import { fingerprintOf, stepOf, type State, type StepRecord } from './state.ts'
import { runStep, type Examined, type StepDeps } from './step-run.ts'

export interface PipelineDeps extends Omit<StepDeps, 'beforeEffect' | 'agree'> {
  /** All steps, in order. */
  steps: readonly Step[]
  config: unknown
  state: State
  save: (state: State) => Promise<void>
  /** Where the state lies, for when it is refused. */
  statePath: string
  /** Throws where nobody agrees; true where a person was asked, so that time has passed. */
  consent(plan: readonly Consented[]): Promise<boolean>
  /** Told apart by it are two versions of airstrip, or of files beside the configuration, that make other things of the same words. */
  edition: string
  /** Somebody is there, or has agreed beforehand: what is found as wanted counts as agreed to. */
  attended: boolean
  /** The changes as a unified diff, for when they are not what was shown. */
  show(planned: Planned): Promise<string[]>
  /** What `diagnose` saw of pods that nobody may see any more; undefined where it was not asked. */
  witnessed?: () => StepRecord['witnessed']
}

/** What a step would change, and how much of a say that needs. */
export interface Consented extends Planned {
  word: ReturnType<typeof wordFor>
}

/** One look at all steps at once; what would change is shown and agreed to; then it is made, in order. */
export async function runPipeline(chosen: readonly Step[], deps: PipelineDeps): Promise<void> {
  const { config, signal } = deps
  markOthers(chosen, deps)
  const reader = deps.look()
  const [seen] = await Promise.all([examineAll(chosen, deps.steps, config, reader), identify(reader, deps.state, deps.statePath)])
  const shown = new Map<StepName, Planned>()
  const agree = async (plan: readonly Planned[]): Promise<boolean> => {
    for (const planned of plan) shown.set(planned.step, planned)
    return agreeTo(plan, chosen, deps)
  }
  const plan = plannedOf(chosen, seen)
  const asked = plan.length > 0 && (await agree(plan))
  // A person takes a while to answer: what was shown must still be so before anything is made of it.
  const first = asked ? await stillSo(chosen, shown, deps) : seen
  let changed = 0
  let changedAt: Date | undefined
  let upgraded = false
  for (const step of chosen) {
    if (signal.aborted) throw new AirstripError('INTERRUPTED', `The run was interrupted before step ${step.name}.`)
    const agreeNow: StepDeps['agree'] = async (_, { changes, warnings }, attempt) => {
      const before = shown.get(step.name)
      if (before === undefined) await agree([{ step: step.name, changes, warnings }])
      else {
        await refuseMoved(step, unseen(before.changes, changes, upgraded || attempt > 1), deps)
        shown.set(step.name, { ...before, warnings: warnToo(step.name, before.warnings, warnings, deps) })
      }
    }
    // What was seen before an earlier step changed something may no longer be so.
    const changes = await recorded(step, step.spec(config), changed === 0 ? first.get(step.name) : undefined, { ...deps, agree: agreeNow, changedAt, warned: () => shown.get(step.name)?.warnings ?? [] })
    changed += changes
    if (changes > 0) changedAt = deps.clock.now()
    // The release is then as an earlier step of this run left it.
    upgraded ||= shown.get(step.name)?.changes.some(({ op }) => op === 'release') === true
  }
}

async function agreeTo(plan: readonly Planned[], chosen: readonly Step[], deps: PipelineDeps): Promise<boolean> {
  const { config, state } = deps
  announcePlan(plan, deps.emit)
  return deps.consent(plan.map((planned) => {
    const step = chosen.find(({ name }) => name === planned.step)
    return { ...planned, word: wordFor(planned.changes, stepOf(state, planned.step), fingerprintOf([deps.edition, step?.spec(config)])) }
  }))
}

async function stillSo(chosen: readonly Step[], shown: ReadonlyMap<StepName, Planned>, deps: PipelineDeps): Promise<Map<StepName, Examined>> {
  const now = await examineAll(chosen, deps.steps, deps.config, deps.look())
  for (const { step: name, changes } of plannedOf(chosen, now)) {
    const step = chosen.find((one) => one.name === name)
    if (step !== undefined) await refuseMoved(step, unseen(shown.get(name)?.changes ?? [], changes), deps)
  }
  return now
}

async function refuseMoved(step: Step, news: Planned['changes'], deps: PipelineDeps): Promise<void> {
  if (news.length === 0) return
  const seen = await deps.show({ step: step.name, changes: news }).catch(() => news.flatMap(objectsOf))
  throw new AirstripError('MOVED', `The cluster changed since the changes of step ${step.name} were shown, so they were not made.`, { place: step.name, seen })
}

/** Steps that this run leaves out keep what is known of them, but for one that never went well and that it goes past: nobody waits for that any more. */
function markOthers(chosen: readonly Step[], { steps, state, emit }: PipelineDeps): void {
  const needed = leftOut(steps, chosen).map(({ step }) => step)
  const isPassed = (step: Step): boolean => {
    const index = steps.indexOf(step)
    return !needed.includes(step) && steps.slice(0, index).some((one) => chosen.includes(one)) && steps.slice(index + 1).some((one) => chosen.includes(one))
  }
  for (const step of steps) {
    const { status: before, doneAt } = stepOf(state, step.name)
    const isGivenUp = before === 'failed' && doneAt === undefined && isPassed(step)
    if (chosen.includes(step)) state.steps[step.name] ??= { status: 'pending' }
    else emit({ type: 'step-skipped', step: step.name, why: `not selected; ${before} before` })
    if (!chosen.includes(step) && (before === 'pending' || isGivenUp)) state.steps[step.name] = { ...state.steps[step.name], status: 'skipped' }
  }
}

async function recorded(step: Step, spec: unknown, first: Examined | undefined, deps: PipelineDeps & Pick<StepDeps, 'agree'> & { warned: () => readonly Finding[] }): Promise<number> {
  const { clock, emit, state, save } = deps
  const [started, begun] = [clock.now(), clock.elapsedMs()]
  const { agreed, doneAt, witnessed } = stepOf(state, step.name)
  const fingerprint = fingerprintOf([deps.edition, spec])
  const base: StepRecord = { status: 'started', fingerprint, agreed, doneAt, startedAt: started.toISOString(), witnessed }
  const put = async (record: StepRecord): Promise<void> => {
    state.steps[step.name] = record
    await save(state)
  }
  const elapsed = (): { endedAt: string; ms: number } => ({ endedAt: clock.now().toISOString(), ms: Math.round(clock.elapsedMs() - begun) })
  emit({ type: 'step-started', step: step.name })
  let tries = 1
  try {
    const beforeEffect = (attempt: number): Promise<void> => {
      base.agreed = fingerprint
      return put({ ...base, tries: (tries = attempt) })
    }
    const result = await runStep(step, spec, first, { ...deps, beforeEffect })
    for (const finding of result.warnings) if (!isAmong(finding, deps.warned())) emit({ type: 'warning', step: step.name, finding })
    const record: StepRecord = { ...base, ...elapsed(), agreed: deps.attended ? fingerprint : base.agreed, doneAt: clock.now().toISOString(), status: 'done', tries: result.tries, changed: result.changed, evidence: result.evidence, warnings: result.warnings, witnessed: undefined }
    // A look that changed nothing is written with the end of the run, not on its own.
    if (result.changed > 0) await put(record)
    else state.steps[step.name] = record
    emit({ type: 'step-done', step: step.name, changed: result.changed, evidence: result.evidence, ms: record.ms ?? 0 })
    return result.changed
  } catch (error) {
    const known = asKnown(error, step.name)
    await put({ ...base, ...elapsed(), status: 'failed', tries, error: { code: known.code, sentence: known.message, seen: known.seen, next: known.next, findings: known.findings }, witnessed: deps.witnessed?.() ?? base.witnessed })
    emit({ type: 'step-failed', step: step.name, code: known.code, sentence: known.message, ms: elapsed().ms })
    throw known
  }
}

/** What came to light since the plan was told is told before the change, too; all that was told by then. */
function warnToo(step: StepName, before: readonly Finding[] = [], now: readonly Finding[] = [], { emit }: PipelineDeps): readonly Finding[] {
  const news = now.filter((finding) => !isAmong(finding, before))
  for (const finding of news) emit({ type: 'warning', step, finding })
  return [...before, ...news]
}

/** Those that were told with the plan are not told again. */
function isAmong({ id, title }: Finding, told: readonly Finding[]): boolean {
  return told.some((one) => one.id === id && one.title === title)
}

function asKnown(error: unknown, step: StepName): AirstripError {
  if (error instanceof AirstripError) return error
  return new AirstripError('INTERNAL', `Step ${step} met something unforeseen: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

/** Where an earlier run stopped: the first chosen step that was begun and not finished. */
export function resumePoint(chosen: readonly Step[], state: State): StepName | undefined {
  return chosen.find(({ name }) => ['failed', 'started'].includes(stepOf(state, name).status))?.name
}
