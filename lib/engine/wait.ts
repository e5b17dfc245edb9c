import { isTurnedAway } from '../cluster/transient.ts'
import { AirstripError } from '../errors.ts'
import type { Look, Pending, StepName } from '../step.ts'
import type { Clock } from './clock.ts'
import type { Emit } from './events.ts'

export interface Patience {
  clock: Clock
  step: StepName
  timeoutMs: number
  /** How long to pause after a look, when so much was waited already; both in ms. */
  pauseMs(waitedMs: number): number
  signal: AbortSignal
  emit: Emit
  /** When this run changed something last, if it did. */
  changedAt?: Date | undefined
}

export type Done = Extract<Look, { state: 'done' }>
export type Failed = Extract<Look, { state: 'failed' }>

/** The one loop that waits for a step: until done, failed for good, out of time, or interrupted. */
export async function waitUntilDone(look: () => Promise<Look>, patience: Patience, progress = createProgress(patience)): Promise<Done> {
  const { clock, signal, timeoutMs } = patience
  const started = clock.elapsedMs()
  const verdict = heldVerdict(clock, patience.changedAt)
  const reached = outOfReach(look, patience.changedAt !== undefined)
  for (;;) {
    if (signal.aborted) throw interruptedWhile(patience.step)
    const { seen, error } = await reached()
    if (seen.state === 'done') {
      progress.show([])
      return seen
    }
    progress.show(seen.on)
    const final = verdict(error === undefined ? seen : undefined)
    if (final !== undefined) throw hopeless(patience.step, final)
    if (clock.elapsedMs() - started >= timeoutMs) throw error ?? outOfTime(patience, seen)
    await clock.sleep(patience.pauseMs(clock.elapsedMs() - started), signal)
  }
}

/**
 * An API server that has answered before and does not now restarts, or has too much to do, and says nothing of what
 * is waited for: that stays pending as it was seen last. One that never answered is most often the wrong one, and one
 * that no longer takes the credentials does not come to its senses.
 */
function outOfReach(look: () => Promise<Look>, hasAnswered: boolean): () => Promise<{ seen: Look; error?: AirstripError }> {
  let answered = hasAnswered
  let on: readonly Pending[] = []
  return async () => {
    try {
      const seen = await look()
      answered = true
      on = seen.state === 'done' ? [] : seen.on
      return { seen }
    } catch (error) {
      if (!answered || !(error instanceof AirstripError) || error.code !== 'CLUSTER_UNREACHABLE' || isTurnedAway(error.seen.join('\n'))) throw error
      return { seen: { state: 'waiting', on: [{ object: 'cluster', reason: 'the cluster does not answer' }, ...on] }, error }
    }
  }
}

/** A tenth of what was waited already: what takes moments is seen at once, what takes minutes costs few looks. */
export function pauseAfter(waitedMs: number): number {
  return Math.min(2000, Math.max(400, waitedMs / 10))
}

/**
 * A failure is final only after it held for its time without interruption: much that looks broken while a cluster
 * starts is only not there yet. What was tried last before a change of this run may be mended by it: a crash loop
 * pauses for up to five minutes before it shows. A look that got no answer (undefined) tells nothing, and the time
 * until the next one does not count: what is wrong may have ended in it.
 */
export function heldVerdict(clock: Clock, changedAt?: Date): (seen: Look | undefined) => Failed | undefined {
  let held: { key: string; forMs: number; at: number } | undefined
  let answered = true
  return (seen) => {
    const isNext = answered
    answered = seen !== undefined
    if (seen === undefined) return undefined
    if (seen.state !== 'failed' || isOfBefore(seen, changedAt)) {
      held = undefined
      return undefined
    }
    const [key, at] = [keyOf(seen), clock.elapsedMs()]
    const before = held?.key === key ? held : { forMs: 0, at }
    held = { key, forMs: before.forMs + (isNext ? at - before.at : 0), at }
    return held.forMs >= seen.settleMs ? seen : undefined
  }
}

/** The cluster writes its times in whole seconds. */
function isOfBefore({ triedAt }: Failed, changedAt: Date | undefined): boolean {
  return triedAt !== undefined && changedAt !== undefined && Date.parse(triedAt) < Math.floor(changedAt.getTime() / 1000) * 1000
}

function keyOf(failed: Failed): string {
  const [first] = failed.findings
  return `${first.id} ${first.title}`
}

export function hopeless(step: StepName, failed: Failed): AirstripError {
  const [first] = failed.findings
  return new AirstripError('FAILED', `${step} cannot become ready: ${first.title}`, { findings: failed.findings, next: first.fix[0] })
}

export function interruptedWhile(step: StepName): AirstripError {
  return new AirstripError('INTERRUPTED', `The run was interrupted in step ${step}.`)
}

export function outOfTime({ step, timeoutMs }: Pick<Patience, 'step' | 'timeoutMs'>, seen: Look): AirstripError {
  const pending = seen.state === 'done' ? [] : seen.on
  const findings = seen.state === 'failed' ? seen.findings : []
  const names = pending.map(({ object }) => object).join(', ')
  return new AirstripError('TIMEOUT', `${step} was not ready after ${Math.round(timeoutMs / 1000)} s: still waiting for ${names === '' ? 'the change itself' : names}.`, {
    seen: pending.map(({ object, reason }) => `${object}: ${reason}`),
    findings,
  })
}

export interface Progress {
  show(on: readonly Pending[]): void
}

/** Says one line per object with its reason, again only when the reason changes, and when it is ready. */
export function createProgress({ clock, step, emit }: Pick<Patience, 'clock' | 'step' | 'emit'>): Progress {
  const started = clock.elapsedMs()
  let shown = new Map<string, string>()
  return {
    show(on) {
      const ms = Math.round(clock.elapsedMs() - started)
      const current = new Map(on.map(({ object, reason }) => [object, reason]))
      for (const object of shown.keys()) if (!current.has(object)) emit({ type: 'ready', step, object, ms })
      for (const [object, reason] of current) if (shown.get(object) !== reason) emit({ type: 'waiting', step, object, reason, ms })
      shown = current
    },
  }
}
