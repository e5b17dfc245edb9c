/**
 * `doctor --fix`: what was found and can be mended safely is shown, agreed to and mended, under the
 * lock of the state file; then it is looked again. What a mend uncovers is asked about in its turn.
 */
import { lockFile } from '../adapters/files.ts'
import { objectsOf } from '../changes.ts'
import { holderAlive } from '../cluster/machine.ts'
import { takeLock } from '../engine/lock.ts'
import { redactedError } from '../engine/redacted.ts'
import { pauseAfter } from '../engine/wait.ts'
import { AirstripError, type ErrorCode } from '../errors.ts'
import { diagnosisLines } from '../report/diagnosis.ts'
import { problemLines } from '../report/problem.ts'
import { runApply } from './apply.ts'
import { isAttended } from './consent.ts'
import { examineAll, type Examination } from './examination.ts'
import { mendObjects } from './mend-objects.ts'
import { acts, planFor, type MendPlan, type Surgery } from './mend-plan.ts'
import { pastedWith } from './pasted.ts'

/** One mend may uncover the next: a class that is there now, and a claim that is older than it. */
const mostRounds = 4
/** For what was mended to show: a controller has seen it, a pod has been placed. */
const patienceMs = 60_000
/** After these nobody wants another look. */
const final: ErrorCode[] = ['CONSENT', 'INTERRUPTED', 'LOCKED', 'MOVED', 'STATE_FOREIGN', 'STATE_NEWER', 'STATE_UNUSABLE', 'SELECTION']

export async function mendAll(surgery: Surgery): Promise<Examination> {
  const { flags, deps, emit } = surgery
  const mine = { holder: deps.holder, since: deps.clock.now().toISOString(), command: deps.commandLine }
  const unlock = takeLock(lockFile(`${flags.state}.lock`), mine, holderAlive, (text) => {
    emit({ type: 'note', text })
  })
  try {
    return await rounds(surgery)
  } finally {
    unlock()
  }
}

async function rounds(surgery: Surgery): Promise<Examination> {
  const { session, deps } = surgery
  const done = new Set<string>()
  let seen = await examineAll(session)
  for (let round = 0; round < mostRounds; round++) {
    const plan = await planFor(seen, session, done)
    if (plan.ids.length === 0) {
      if (round === 0) sayNothingToDo(seen, surgery)
      return seen
    }
    tell(seen, plan, surgery)
    for (const act of acts(plan)) done.add(act)
    const mended = await mend(plan, surgery)
    seen = await lookUntilGone(plan, done, surgery)
    if (!mended || deps.signal.aborted) return seen
  }
  return seen
}

/** What it is about, before anybody is asked; on stderr, since the last look is the answer. */
function tell({ diagnosis }: Examination, plan: MendPlan, { flags, deps, session }: Surgery): void {
  if (flags.json === true || flags.quiet === true) return
  const lines = diagnosisLines(pastedWith(flags)(diagnosis), deps.colors && flags.color)
  for (const line of [...lines, `to be mended: ${plan.ids.join(', ')}`]) deps.err(session.redactor.redact(line))
}

function sayNothingToDo({ diagnosis }: Examination, { deps }: Surgery): void {
  if (diagnosis.findings.length > 0) deps.err('--fix can mend nothing of what was found; each finding says what a person can do.')
}

/** False where it did not go through: why is told, and what is then the case is for the next look to say. */
async function mend(plan: MendPlan, surgery: Surgery): Promise<boolean> {
  const { flags, deps, session } = surgery
  if (flags.yes !== true && !isAttended(flags, deps)) throw refusal(plan)
  try {
    await mendObjects(plan, surgery)
    // Its lines are progress here: the answer is the diagnosis.
    if (plan.steps.length > 0) await runApply({ ...flags, only: plan.steps, json: false }, { ...deps, out: deps.err }, true)
    return true
  } catch (error) {
    if (!(error instanceof AirstripError) || final.includes(error.code)) throw error
    for (const line of problemLines(redactedError(error, session.redactor.redact), deps.colors && flags.color)) deps.err(line)
    return false
  }
}

function refusal({ planned, ofSteps }: MendPlan): AirstripError {
  const seen = [...planned, ...ofSteps].flatMap(({ step, changes }) => changes.flatMap((change) => objectsOf(change).map((object) => `${step}: ${change.op} ${object} (${change.why})`)))
  return new AirstripError('CONSENT', 'Nobody can be asked here, so nothing was mended.', { seen, next: 'Run with --yes, or in a terminal.' })
}

/** Until nothing of it is found any more, or something else can be mended, or there was time enough. */
async function lookUntilGone({ ids }: MendPlan, done: ReadonlySet<string>, { session, deps: { clock, signal } }: Surgery): Promise<Examination> {
  const started = clock.elapsedMs()
  for (;;) {
    const seen = await examineAll(session)
    const waited = clock.elapsedMs() - started
    const isThere = seen.diagnosis.findings.some(({ id }) => ids.includes(id))
    if (!isThere || waited >= patienceMs || signal.aborted || (await planFor(seen, session, done)).ids.length > 0) return seen
    await clock.sleep(pauseAfter(waited), signal)
  }
}
