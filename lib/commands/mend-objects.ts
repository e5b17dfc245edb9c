/** Mends single objects: asked about as a run asks, made as they were shown, and kept in the history. */
import { makeChanges, objectsOf } from '../changes.ts'
import { isNonEmpty } from '../check.ts'
import { announcePlan, unseen, type Planned } from '../engine/agreement.ts'
import { AirstripError } from '../errors.ts'
import { consent } from './consent.ts'
import { inHistory } from './history-run.ts'
import { planned, type MendPlan, type Surgery } from './mend-plan.ts'

export async function mendObjects(plan: MendPlan, surgery: Surgery): Promise<void> {
  if (plan.planned.length === 0) return
  const { deps, flags, session: { redactor } } = surgery
  await inHistory({ flags, deps, redact: redactor.redact, emit: surgery.emit }, (emit) => agreedAndMade(plan, { ...surgery, emit }))
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
