/** An act of its own, beside apply's runs: what it says is kept in the history, and how it ended. */
import { historyFiles } from '../adapters/history.ts'
import type { Emit } from '../engine/events.ts'
import { createHistory, runId } from '../engine/history.ts'
import type { RunRecord } from '../engine/state.ts'
import { AirstripError, exitCodeOf } from '../errors.ts'
import type { Deps, Flags } from './deps.ts'

export interface Acting {
  flags: Flags
  deps: Deps
  redact: (text: string) => string
  emit: Emit
}

export async function inHistory<T>({ flags, deps, redact, emit: tell }: Acting, act: (emit: Emit) => Promise<T>): Promise<T> {
  const { clock, holder, commandLine, signal } = deps
  const startedAt = clock.now()
  const record: RunRecord = { id: runId(startedAt, holder), command: commandLine, holder, startedAt: startedAt.toISOString(), result: 'running' }
  const history = createHistory(historyFiles(flags.state), record, redact, (text) => {
    tell({ type: 'note', text })
  })
  let changed = 0
  const emit: Emit = (event) => {
    if (event.type === 'change') changed++
    history.record(event, clock.now())
    tell(event)
  }
  const ended = (error?: unknown): void => {
    const result = error === undefined ? 'done' : error instanceof AirstripError && error.code === 'INTERRUPTED' ? 'interrupted' : 'failed'
    history.end({ endedAt: clock.now().toISOString(), result, exitCode: error === undefined ? 0 : exitCodeOf(error, signal.reason), changed, steps: {}, sentence: error instanceof Error ? error.message : undefined })
  }
  try {
    const result = await act(emit)
    ended()
    return result
  } catch (error) {
    ended(error)
    throw error
  }
}
