import type { Reader, Writer } from '../access.ts'
import type { Step } from '../step.ts'
import { announcePlan, plannedOf } from './agreement.ts'
import type { Emit } from './events.ts'
import { examineAll } from './examine.ts'
import { announce } from './step-run.ts'

export interface RehearsalDeps {
  steps: readonly Step[]
  config: unknown
  look: () => Reader
  /** A Writer whose commands are told and not run. */
  writer(signal: AbortSignal): Writer
  emit: Emit
  signal: AbortSignal
}

/**
 * What a run would do first, without doing it: one real look, and for each change the commands that
 * would make it. Nothing is waited for, since nothing happens. True where something would change.
 */
export async function rehearse(chosen: readonly Step[], deps: RehearsalDeps): Promise<boolean> {
  const { steps, config, emit, signal } = deps
  const seen = await examineAll(chosen, steps, config, deps.look())
  const plan = plannedOf(chosen, seen)
  announcePlan(plan, emit)
  for (const step of chosen) {
    const check = seen.get(step.name)?.check
    emit({ type: 'step-started', step: step.name })
    if (check?.state === 'drifted' && plan.some((planned) => planned.step === step.name)) {
      announce(step, check.changes, emit)
      await step.apply(check.changes, deps.writer(signal))
    } else if (check?.state === 'blocked') {
      for (const finding of check.findings) emit({ type: 'warning', step: step.name, finding })
    } else if (check?.state !== 'satisfied') {
      emit({ type: 'step-skipped', step: step.name, why: 'what it would change can be told when the steps before it are in place' })
    }
  }
  return plan.length > 0
}
