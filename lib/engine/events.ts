import type { ErrorCode } from '../errors.ts'
import type { Change, Finding, StepName } from '../step.ts'

/** Everything that a run says. Each audience has a renderer in lib/report. */
export type Event =
  | { type: 'run-started'; command: string; cluster: string; steps: StepName[]; resumesAt?: StepName | undefined }
  | { type: 'note'; text: string }
  | { type: 'step-started'; step: StepName }
  | { type: 'change'; step: StepName; op: Change['op']; object: string; why: string }
  | { type: 'waiting'; step: StepName; object: string; reason: string; ms: number }
  | { type: 'ready'; step: StepName; object: string; ms: number }
  | { type: 'warning'; step: StepName; finding: Finding }
  | { type: 'retry'; step?: StepName | undefined; what: string; reason: string; attempt: number }
  | { type: 'step-done'; step: StepName; changed: number; evidence: string[]; ms: number }
  | { type: 'step-failed'; step: StepName; code: ErrorCode; sentence: string; ms: number }
  | { type: 'step-skipped'; step: StepName; why: string }
  | { type: 'run-ended'; result: 'done' | 'failed' | 'interrupted'; changed: number; ms: number }

export type Emit = (event: Event) => void
