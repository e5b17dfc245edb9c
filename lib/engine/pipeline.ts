import { AirstripError } from '../errors.ts'
import type { Reader } from '../access.ts'
import type { Step, StepName } from '../step.ts'
import { leftOut } from './selection.ts'
import { fingerprintOf, refuseForeign, stepOf, type State, type StepRecord } from './state.ts'
import { examine, runStep, type Examined, type StepDeps } from './step-run.ts'

export interface PipelineDeps extends Omit<StepDeps, 'beforeEffect'> {
  /** All steps, in order. */
  steps: readonly Step[]
  config: unknown
  state: State
  save: (state: State) => Promise<void>
  /** Where the state lies, for when it is refused. */
  statePath: string
}

/** One look at all steps at once, then, in order, whatever each of them still needs. */
export async function runPipeline(chosen: readonly Step[], deps: PipelineDeps): Promise<void> {
  const { config, signal } = deps
  markOthers(chosen, deps)
  const reader = deps.look()
  const [first] = await Promise.all([examineAll(chosen, reader, deps), identify(reader, deps)])
  let changed = 0
  for (const step of chosen) {
    if (signal.aborted) throw new AirstripError('INTERRUPTED', `The run was interrupted before step ${step.name}.`)
    // What was seen before an earlier step changed something may no longer be so.
    changed += await recorded(step, step.spec(config), changed === 0 ? first.get(step.name) : undefined, deps)
  }
}

/** Steps that this run leaves out keep what is known of them. */
function markOthers(chosen: readonly Step[], { steps, state, emit }: PipelineDeps): void {
  for (const step of steps) {
    const before = stepOf(state, step.name).status
    if (chosen.includes(step)) state.steps[step.name] ??= { status: 'pending' }
    else emit({ type: 'step-skipped', step: step.name, why: `not selected; ${before} before` })
    if (!chosen.includes(step) && before === 'pending') state.steps[step.name] = { status: 'skipped' }
  }
}

/** A cluster is known by the UID of its kube-system; who may not read that cannot be told apart. */
async function identify(reader: Reader, { state, statePath }: PipelineDeps): Promise<void> {
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' }
  const [system] = await reader.get([ref]).catch(calmly)
  const uid = system?.metadata.uid
  if (uid === undefined) return
  refuseForeign(state, uid, statePath)
  state.cluster = uid
}

/** A refused call tells nothing here; everything else (no cluster, no kubectl) ends the run. */
function calmly(error: unknown): undefined[] {
  if (error instanceof AirstripError && error.code === 'CALL_FAILED') return []
  throw error
}

/** Side by side, and with them the steps that were left out: what is chosen may not work without. */
async function examineAll(chosen: readonly Step[], reader: Reader, deps: PipelineDeps): Promise<Map<StepName, Examined>> {
  const missing = leftOut(deps.steps, chosen)
  const [examined, refused] = await Promise.all([
    Promise.all(chosen.map(async (step) => [step.name, await examineCalmly(step, deps, reader)] as const)),
    Promise.all(missing.map(async ({ step, neededBy }) => ((await isThere(step, deps, reader)) ? undefined : `${neededBy} needs ${step.name} (${step.title}), which is not in place and not selected`))),
  ])
  const problems = refused.filter((problem) => problem !== undefined)
  if (problems.length > 0) throw new AirstripError('SELECTION', 'The selected steps cannot work on this cluster.', { seen: problems })
  return new Map(examined.filter((entry): entry is [StepName, Examined] => entry[1] !== undefined))
}

/**
 * A look that fails is not final here: an earlier step may mend what it stumbled over. It is made
 * again, and its error counted, when the step's turn comes. An unreachable cluster ends everything.
 */
async function examineCalmly(step: Step, { config }: PipelineDeps, reader: Reader): Promise<Examined | undefined> {
  try {
    return await examine(step, step.spec(config), reader)
  } catch (error) {
    if (error instanceof AirstripError && ['CALL_FAILED', 'CHART_UNAVAILABLE', 'MANIFEST_UNAVAILABLE'].includes(error.code)) return undefined
    throw error
  }
}

async function isThere(step: Step, { config }: PipelineDeps, reader: Reader): Promise<boolean> {
  return (await step.check(step.spec(config), reader)).state === 'satisfied'
}

async function recorded(step: Step, spec: unknown, first: Examined | undefined, deps: PipelineDeps): Promise<number> {
  const { clock, emit, state, save } = deps
  const started = clock.now()
  const base: StepRecord = { status: 'started', fingerprint: fingerprintOf(spec), startedAt: started.toISOString() }
  const put = async (record: StepRecord): Promise<void> => {
    state.steps[step.name] = record
    await save(state)
  }
  const elapsed = (): { endedAt: string; ms: number } => ({ endedAt: clock.now().toISOString(), ms: clock.now().getTime() - started.getTime() })
  emit({ type: 'step-started', step: step.name })
  let tries = 1
  try {
    const beforeEffect = (attempt: number): Promise<void> => put({ ...base, tries: (tries = attempt) })
    const result = await runStep(step, spec, first, { ...deps, beforeEffect })
    for (const finding of result.warnings) emit({ type: 'warning', step: step.name, finding })
    const record: StepRecord = { ...base, ...elapsed(), status: 'done', tries: result.tries, changed: result.changed, evidence: result.evidence, warnings: result.warnings }
    // A look that changed nothing is written with the end of the run, not on its own.
    if (result.changed > 0) await put(record)
    else state.steps[step.name] = record
    emit({ type: 'step-done', step: step.name, changed: result.changed, evidence: result.evidence, ms: record.ms ?? 0 })
    return result.changed
  } catch (error) {
    const known = asKnown(error, step.name)
    await put({ ...base, ...elapsed(), status: 'failed', tries, error: { code: known.code, sentence: known.message, seen: known.seen, next: known.next, findings: known.findings } })
    emit({ type: 'step-failed', step: step.name, code: known.code, sentence: known.message, ms: elapsed().ms })
    throw known
  }
}

function asKnown(error: unknown, step: StepName): AirstripError {
  if (error instanceof AirstripError) return error
  return new AirstripError('INTERNAL', `Step ${step} met something unforeseen: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

/** Where an earlier run stopped: the first chosen step that was begun and not finished. */
export function resumePoint(chosen: readonly Step[], state: State): StepName | undefined {
  return chosen.find(({ name }) => ['failed', 'started'].includes(stepOf(state, name).status))?.name
}
