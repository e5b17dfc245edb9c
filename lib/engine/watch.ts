import type { AirstripError } from '../errors.ts'
import type { Look } from '../step.ts'
import { createProgress, heldVerdict, hopeless, outOfTime, type Patience } from './wait.ts'

/** Quick changes are over before a look at them would be worth its processes. */
const quietMs = 2000

/**
 * Looks on while a change is being made (Helm may take many minutes) and ends it as soon as a cause
 * is certain that will not heal, or when the step's time is up. `end` must make `changing` settle.
 */
export async function changeWatched(
  changing: Promise<void>,
  look: () => Promise<Look>,
  end: (reason: AirstripError) => void,
  patience: Patience,
  progress = createProgress(patience),
): Promise<void> {
  const { clock, step, timeoutMs } = patience
  const started = clock.elapsedMs()
  const over = new AbortController()
  const settled = changing.finally(() => {
    over.abort()
  })
  // It may fail while a look is under way, long before anybody waits for it: that must not end the process.
  settled.catch(() => undefined)
  const verdict = heldVerdict(clock, patience.changedAt)
  let cause: AirstripError | undefined
  let last: Look = { state: 'done', evidence: [] }
  await clock.sleep(quietMs, over.signal)
  while (!over.signal.aborted && cause === undefined) {
    const seen = await look().catch(() => undefined)
    if (!over.signal.aborted) {
      last = seen ?? last
      if (seen !== undefined) progress.show(seen.state === 'done' ? [] : seen.on)
      const final = verdict(seen)
      cause = final === undefined ? undefined : hopeless(step, final)
    }
    // Helm has a patience of its own, but a person's --timeout is about the step, whoever is at work in it.
    if (cause === undefined && clock.elapsedMs() - started >= timeoutMs) cause = outOfTime(patience, last)
    if (cause === undefined) await clock.sleep(patience.pauseMs(clock.elapsedMs() - started), over.signal)
  }
  if (cause === undefined) return settled
  end(cause)
  await settled.catch(() => undefined)
  throw cause
}
