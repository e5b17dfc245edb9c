/** Mends single objects: asked about as a run asks, made as they were shown, and kept in the history. */
import { historyFiles } from '../adapters/history.ts'
import { makeChanges, objectsOf } from '../changes.ts'
import { isNonEmpty } from '../check.ts'
import { announcePlan, unseen, type Planned } from '../engine/agreement.ts'
import type { Emit } from '../engine/events.ts'
import { createHistory, runId } from '../engine/history.ts'
import type { RunRecord } from '../engine/state.ts'
import { AirstripError, exitCodeOf } from '../errors.ts'
import { consent } from './consent.ts'
import { planned, type MendPlan, type Surgery } from './mend-plan.ts'

export async function mendObjects(plan: MendPlan, surgery: Surgery): Promise<void> {
  if (plan.planned.length === 0) return
  const { deps: { clock, holder, commandLine, signal }, flags, session } = surgery
  const startedAt = clock.now()
  const record: RunRecord = { id: runId(startedAt, holder), command: commandLine, holder, startedAt: startedAt.toISOString(), result: 'running' }
  const history = createHistory(historyFiles(flags.state), record, session.redactor.redact, (text) => {
    surgery.emit({ type: 'note', text })
  })
  let changed = 0
  const emit: Emit = (event) => {
    if (event.type === 'change') changed++
    history.record(event, clock.now())
    surgery.emit(event)
  }
  const ended = (error?: unknown): void => {
    const result = error === undefined ? 'done' : 'failed'
    history.end({ endedAt: clock.now().toISOString(), result, exitCode: error === undefined ? 0 : exitCodeOf(error, signal.reason), changed, steps: {}, sentence: error instanceof Error ? error.message : undefined })
  }
  try {
    await agreedAndMade(plan, { ...surgery, emit })
    ended()
  } catch (error) {
    ended(error)
    throw error
  }
}

async function agreedAndMade(plan: MendPlan, surgery: Surgery): Promise<void> {
  const { session, deps: { signal }, emit } = surgery
  announcePlan(plan.planned, emit)
  const asked = await consent(plan.planned.map((one) => ({ ...one, word: 'change' })), surgery)
  const now = asked ? await stillSo(plan, surgery) : plan.planned
  for (const { step, changes } of now) {
    if (signal.aborted) throw new AirstripError('INTERRUPTED', 'The run was interrupted before all was mended.')
    for (const change of changes) for (const object of objectsOf(change)) emit({ type: 'change', step, op: change.op, object, why: change.why })
    const list = [...changes]
    if (isNonEmpty(list)) await makeChanges(list, session.writer(signal))
  }
}

/** A person takes a while to answer: what was shown must still be so. What mended itself meanwhile is left out. */
async function stillSo(plan: MendPlan, { session }: Surgery): Promise<Planned[]> {
  const now = await planned(plan.touches, session.look())
  const news = unseen(plan.planned.flatMap(({ changes }) => changes), now.flatMap(({ changes }) => changes))
  if (news.length === 0) return now
  throw new AirstripError('MOVED', 'The cluster changed since this was shown, so nothing was mended.', { seen: news.flatMap(objectsOf) })
}
