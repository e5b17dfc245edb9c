/**
 * The steps backwards: what each of them made is shown, agreed to and taken away, and waited for
 * until it is gone, before the step that it stands on has its turn.
 */
import { makeChanges, objectsOf } from '../changes.ts'
import { isNonEmpty } from '../check.ts'
import { AirstripError } from '../errors.ts'
import type { Reader, Writer } from '../access.ts'
import type { Demolition, Look, Pending, Step, StepName, Takedown } from '../step.ts'
import { announcePlan, keysOfChange, unseen, type Planned } from './agreement.ts'
import type { Clock } from './clock.ts'
import type { Emit } from './events.ts'
import { problemOf } from './finding.ts'
import { leftOut } from './selection.ts'
import { announce, blocked } from './step-run.ts'
import type { State, StepRecord } from './state.ts'
import { waitUntilDone } from './wait.ts'

type Ready = Extract<Takedown, { state: 'ready' }>

/** What of one step goes, stays, and is on its way out. */
export interface Leaving extends Omit<Ready, 'state'> {
  step: Step
}

export interface TeardownDeps {
  /** All steps, in order. */
  steps: readonly Step[]
  config: unknown
  /** Also what a person's data and keys are in. */
  data: boolean
  look: () => Reader
  writer(signal: AbortSignal): Writer
  clock: Clock
  emit: Emit
  signal: AbortSignal
  pauseMs(waitedMs: number): number
  timeoutMs?: number | undefined
}

export interface RecordedTeardown extends TeardownDeps {
  state: State
  save: (state: State) => Promise<void>
}

/** One look at all of it, the last step first: each is told what goes before it. */
export async function planTeardown(chosen: readonly Step[], deps: TeardownDeps): Promise<Leaving[]> {
  const { steps, config, data } = deps
  const reader = deps.look()
  const plan: Leaving[] = []
  const standing: StepName[] = []
  for (const step of [...steps].reverse()) {
    const seen = await takedownOf(step, config, reader, { data, ...soFar(plan) })
    if (chosen.includes(step)) {
      if (seen.state === 'blocked') throw blocked(step, seen.findings)
      plan.push({ step, ...seen })
    } else if (seen.state === 'blocked' || seen.goes.length > 0) standing.push(step.name)
  }
  refuseStanding(plan, standing, deps)
  return plan
}

function soFar(plan: readonly Leaving[]): Pick<Demolition, 'goes' | 'stays'> {
  return { goes: plan.flatMap(({ goes }) => goes), stays: plan.flatMap(({ stays }) => stays) }
}

async function takedownOf(step: Step, config: unknown, reader: Reader, asked: Demolition): Promise<Takedown> {
  return (await step.takedown?.(step.spec(config), reader, asked)) ?? { state: 'ready', goes: [], stays: [], leaving: [] }
}

/** Nothing is taken from under what stays. */
function refuseStanding(plan: readonly Leaving[], standing: readonly StepName[], { steps }: TeardownDeps): void {
  const going = plan.filter(({ goes }) => goes.length > 0).map(({ step }) => step.name)
  const problems = steps.filter(({ name }) => standing.includes(name)).flatMap((step) =>
    leftOut(steps, [step]).filter(({ step: { name } }) => going.includes(name)).map(({ step: { name } }) => `${step.name} stands on ${name}, and is not selected`))
  if (problems.length > 0) throw new AirstripError('SELECTION', 'The selected steps cannot be taken down alone.', { seen: problems, next: 'Select those steps, too; without a selection all are taken down.' })
}

export function plannedIn(plan: readonly Leaving[]): Planned[] {
  return plan.flatMap(({ step, goes }) => (goes.length === 0 ? [] : [{ step: step.name, changes: goes }]))
}

export function announceTeardown(plan: readonly Leaving[], emit: Emit): void {
  announcePlan(plannedIn(plan), emit)
  for (const { step, stays } of plan) for (const { object, why } of stays) emit({ type: 'stays', step: step.name, object, why })
}

/** Tells every command, and runs none that changes something. */
export async function rehearseTeardown(plan: readonly Leaving[], deps: TeardownDeps): Promise<void> {
  const { emit, signal } = deps
  for (const { step, goes } of plan) {
    if (!isNonEmpty(goes)) continue
    emit({ type: 'step-started', step: step.name })
    announce(step, goes, emit)
    await makeChanges(goes, unwaiting(deps.writer(signal)))
  }
}

export async function tearDown(plan: readonly Leaving[], deps: RecordedTeardown): Promise<void> {
  for (const [index, leaving] of plan.entries()) {
    const { step } = leaving
    if (deps.signal.aborted) throw new AirstripError('INTERRUPTED', `The run was interrupted before step ${step.name} was taken down.`)
    if (leaving.goes.length === 0 && leaving.leaving.length === 0) {
      // Of a step that leaves nothing behind nothing is known any more; one that stays is as it was.
      if (leaving.stays.length === 0) deps.state.steps[step.name] = { status: 'pending' }
      continue
    }
    await recorded(leaving, soFar(plan.slice(0, index)), deps)
  }
}

async function recorded(leaving: Leaving, before: Pick<Demolition, 'goes' | 'stays'>, deps: RecordedTeardown): Promise<void> {
  const { clock, emit, state, save } = deps
  const { name } = leaving.step
  const [started, begun] = [clock.now(), clock.elapsedMs()]
  const put = async (record: StepRecord): Promise<void> => {
    state.steps[name] = { ...record, startedAt: started.toISOString() }
    await save(state)
  }
  const elapsed = (): { endedAt: string; ms: number } => ({ endedAt: clock.now().toISOString(), ms: Math.round(clock.elapsedMs() - begun) })
  emit({ type: 'step-started', step: name })
  // What was agreed to before is not wanted any more: nobody may put it back unasked.
  await put({ status: 'started' })
  try {
    const changed = await takeAway(leaving, before, deps)
    const evidence = [`${changed} taken down`]
    await put({ status: 'pending', ...elapsed(), changed, evidence })
    emit({ type: 'step-done', step: name, changed, evidence, ms: elapsed().ms })
  } catch (error) {
    const known = error instanceof AirstripError ? error : new AirstripError('INTERNAL', `Step ${name} met something unforeseen: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    await put({ status: 'failed', ...elapsed(), error: problemOf(known) })
    emit({ type: 'step-failed', step: name, code: known.code, sentence: known.message, ms: elapsed().ms })
    throw known
  }
}

/** Each object once, as it was shown; then until nothing of it is there. */
async function takeAway({ step, goes: shown, stays }: Leaving, before: Pick<Demolition, 'goes' | 'stays'>, deps: RecordedTeardown): Promise<number> {
  const { config, data, clock, emit, signal } = deps
  const made = new Set<string>()
  let changed = 0
  let left = stays
  const look = async (): Promise<Ready> => {
    const seen = await takedownOf(step, config, deps.look(), { data, ...before })
    if (seen.state === 'blocked') throw blocked(step, seen.findings)
    left = seen.stays
    return seen
  }
  await waitUntilDone(async () => {
    const now = await look()
    const news = unseen(shown, now.goes)
    if (news.length > 0) throw new AirstripError('MOVED', `The cluster changed since it was shown what of step ${step.name} goes, so that was left as it is.`, { place: step.name, seen: news.flatMap(objectsOf), next: 'Run destroy again and look at the new list.' })
    const fresh = now.goes.filter((change) => keysOfChange(change).some((key) => !made.has(key)))
    if (isNonEmpty(fresh)) {
      for (const change of fresh) for (const key of keysOfChange(change)) made.add(key)
      announce(step, fresh, emit)
      await makeChanges(fresh, unwaiting(deps.writer(signal)))
      changed += fresh.flatMap(objectsOf).length
    }
    // Most is gone by then, and is not waited for.
    return lookOf(isNonEmpty(fresh) ? await look() : now)
  }, { clock, emit, signal, pauseMs: (ms) => deps.pauseMs(ms), step: step.name, timeoutMs: deps.timeoutMs ?? step.timeoutMs })
  // Something came in between, and what was to go stands on it.
  for (const { object, why } of left) if (!stays.some((one) => one.object === object)) emit({ type: 'stays', step: step.name, object, why })
  return changed
}

function lookOf({ goes, leaving }: Ready): Look {
  const on: Pending[] = [...goes.flatMap((change) => objectsOf(change).map((object) => ({ object, reason: 'is being taken down' }))), ...leaving]
  return isNonEmpty(on) ? { state: 'waiting', on } : { state: 'done', evidence: [] }
}

/** What goes slowly is waited for here, where it can be told; kubectl would only be silent. */
function unwaiting(writer: Writer): Writer {
  return { ...writer, remove: (live, how) => writer.remove(live, { ...how, wait: false }) }
}
