/** What every run has, whatever it does: an audience, a lock, a state that is kept, a line in the history. */
import { lockFile } from '../adapters/files.ts'
import { historyFiles } from '../adapters/history.ts'
import { holderAlive } from '../cluster/machine.ts'
import { createRedactor } from '../cluster/redact.ts'
import type { Emit } from '../engine/events.ts'
import { problemOf } from '../engine/finding.ts'
import { createHistory, runId, statusesOf, type History } from '../engine/history.ts'
import { takeLock } from '../engine/lock.ts'
import { redacted, redactedError } from '../engine/redacted.ts'
import { loadState, stateText, type RunRecord, type State } from '../engine/state.ts'
import { AirstripError, exitCodeOf } from '../errors.ts'
import { createRenderer } from '../report/renderer.ts'
import type { Step } from '../step.ts'
import type { Deps, Flags } from './deps.ts'
import { pastedError, pastedWith } from './pasted.ts'
import { openSession, type Session } from './session.ts'

/** One run: what was chosen, on what, and what came of it so far. */
export interface Run {
  chosen: readonly Step[]
  session: Session
  flags: Flags
  deps: Deps
  emit: Emit
  record: RunRecord
  /** Of the clock that only goes on. */
  begunMs: number
  changed: number
  history?: History | undefined
}

/** Nothing that the run says, and no error of it, has a secret in it. */
export async function running(chosen: readonly Step[], flags: Flags, deps: Deps, act: (run: Run) => Promise<number>): Promise<number> {
  const redactor = createRedactor()
  const { redact } = redactor
  const pasted = pastedWith(flags)
  const renderer = createRenderer({
    json: flags.json === true, quiet: flags.quiet === true, colors: deps.colors && flags.color, screen: deps.screen, now: () => deps.clock.now(),
    out: deps.out, err: deps.err,
  })
  const emit: Emit = (event) => {
    const clean = pasted(redacted(event, redact))
    if (clean.type === 'change') run.changed++
    run.history?.record(clean, deps.clock.now())
    renderer.show(clean)
  }
  const startedAt = deps.clock.now()
  const record: RunRecord = { id: runId(startedAt, deps.holder), command: deps.commandLine, holder: deps.holder, startedAt: startedAt.toISOString(), result: 'running' }
  const run: Run = { chosen, session: openSession(flags, deps, redactor, emit), flags, deps, emit, record, begunMs: deps.clock.elapsedMs(), changed: 0 }
  try {
    return await act(run)
  } catch (error) {
    throw pastedError(redactedError(error, redact), pasted)
  } finally {
    renderer.end()
  }
}

/** Only who holds the lock writes state and history: two runs would write into each other's. `held`: whoever calls has it already. */
export async function recorded(run: Run, held: boolean, act: (state: State) => Promise<number>): Promise<number> {
  const { flags, deps, emit, record, session } = run
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const unlock = held ? () => undefined : takeLock(lockFile(`${flags.state}.lock`), { holder: deps.holder, since: record.startedAt, command: deps.commandLine }, holderAlive, note)
  try {
    const history = createHistory(historyFiles(flags.state), record, session.redactor.redact, note)
    run.history = history
    const state = loadState(session.file, deps.clock.now(), note)
    history.settle(state)
    return await finished(run, state, history, act)
  } finally {
    unlock()
  }
}

async function finished(run: Run, state: State, history: History, act: (state: State) => Promise<number>): Promise<number> {
  state.run = run.record
  try {
    const exitCode = await act(state)
    await finish(run, state, history, undefined, exitCode)
    return exitCode
  } catch (error) {
    // A selection or a state file that was refused touched nothing, so there is nothing to record.
    if (!isKnown(error, 'SELECTION', 'STATE_FOREIGN')) await finish(run, state, history, error)
    throw error
  }
}

export function clusterOf({ context, kubeconfig }: Flags): string {
  return context ?? kubeconfig ?? 'the cluster of your kubeconfig'
}

export async function save({ session: { file, redactor }, deps }: Run, state: State): Promise<void> {
  state.updatedAt = deps.clock.now().toISOString()
  await file.write(stateText(state, redactor.redact))
}

function isKnown(error: unknown, ...codes: AirstripError['code'][]): boolean {
  return error instanceof AirstripError && codes.includes(error.code)
}

/** The run in the state, and a line of its own in the history. */
async function finish(run: Run, state: State, history: History, error: unknown, code = 0): Promise<void> {
  const { chosen, deps, emit, record, begunMs, changed } = run
  const endedAt = deps.clock.now()
  const result = error === undefined ? 'done' : isKnown(error, 'INTERRUPTED') ? 'interrupted' : 'failed'
  const exitCode = error === undefined ? code : exitCodeOf(error, deps.signal.reason)
  state.run = { ...record, endedAt: endedAt.toISOString(), result }
  const sentence = error instanceof Error ? error.message : undefined
  const problem = error instanceof AirstripError ? problemOf(error) : undefined
  const findings = problem?.findings.map(({ id, title }) => `${id}: ${title}`)
  history.end({ endedAt: endedAt.toISOString(), result, exitCode, changed, steps: statusesOf(state, chosen.map(({ name }) => name)), sentence, findings })
  await save(run, state)
  emit({ type: 'run-ended', result, changed, ms: Math.round(deps.clock.elapsedMs() - begunMs), problem })
}
