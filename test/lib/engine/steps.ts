/** Steps, looks and findings to run an engine on. */
import type { Event } from '../../../lib/engine/events.ts'
import type { Patience } from '../../../lib/engine/wait.ts'
import type { Change, Check, Finding, Look, Pending, Step, StepName } from '../../../lib/step.ts'
import { fakeClock, type FakeClock } from '../../fakes/clock.ts'

export function finding(id: string, title = `${id} is wrong`): Finding {
  return { id, severity: 'error', title, evidence: [`seen ${id}`], why: 'because', fix: [`mend ${id}`] }
}

export const done: Look = { state: 'done', evidence: ['all is well'] }

export function waiting(...objects: string[]): Look {
  const [first = 'Pod airflow/a', ...rest] = objects
  const pending = (object: string): Pending => ({ object, reason: 'is not ready' })
  return { state: 'waiting', on: [pending(first), ...rest.map(pending)] }
}

export function failed(id: string, settleMs: number, title?: string): Look {
  return { state: 'failed', findings: [finding(id, title)], settleMs, on: [{ object: `Pod airflow/${id}`, reason: 'is broken' }] }
}

export function configMap(name: string): Change {
  return { op: 'create', want: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow' } }, why: 'it is not there' }
}

export const satisfied: Check = { state: 'satisfied', evidence: ['as wanted'] }
export const drifted: Check = { state: 'drifted', changes: [configMap('one'), configMap('two')] }

/** One answer after the other; the last one stays. */
export function inTurn<T>(...answers: readonly T[]): () => Promise<T> {
  let index = 0
  return () => {
    const answer = answers[Math.min(index++, answers.length - 1)]
    if (answer instanceof Error) return Promise.reject(answer)
    return answer === undefined ? Promise.reject(new Error('unscripted look')) : Promise.resolve(answer)
  }
}

export function step(fields: Partial<Step> & { name: StepName }): Step {
  return {
    number: 1, title: `what ${fields.name} wants`, about: '', needs: [], timeoutMs: 60_000,
    spec: () => ({ wants: fields.name }),
    check: () => Promise.reject(new Error(`unscripted: check of ${fields.name}`)),
    apply: () => Promise.reject(new Error(`unscripted: apply of ${fields.name}`)),
    verify: () => Promise.reject(new Error(`unscripted: verify of ${fields.name}`)),
    ...fields,
  }
}

export interface Told extends Patience {
  clock: FakeClock
  events: Event[]
  stop: AbortController
  /** `waiting Pod airflow/a`, one per event. */
  told: () => string[]
}

export function patience(fields: Partial<Patience> = {}): Told {
  const events: Event[] = []
  const stop = new AbortController()
  const told = (): string[] => events.map((event) => ('object' in event ? `${event.type} ${event.object}` : event.type))
  const emit = (event: Event): void => {
    events.push(event)
  }
  return { clock: fakeClock(), step: 'helm', timeoutMs: 600_000, pauseMs: () => 2000, signal: stop.signal, emit, events, stop, told, ...fields } as Told
}
