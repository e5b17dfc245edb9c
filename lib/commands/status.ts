import type { Examined } from '../engine/step-run.ts'
import { examine } from '../engine/step-run.ts'
import { loadState, stepOf, type StepRecord } from '../engine/state.ts'
import { AirstripError } from '../errors.ts'
import { objectsOf } from '../changes.ts'
import { seconds } from '../report/time.ts'
import type { Step } from '../step.ts'
import { steps } from '../../steps/index.ts'
import type { Command, Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'
import { commonOptions } from './options.ts'

export const status: Command = {
  name: 'status',
  about: 'the record of the last run beside what is true now; changes nothing',
  options: commonOptions,
  run: runStatus,
}

interface Row {
  step: string
  status: StepRecord['status']
  when?: string | undefined
  ms?: number | undefined
  tries?: number | undefined
  /** What a look says now. */
  now: string
  saw: string[]
}

async function runStatus(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor } = lookingSession(flags, deps)
  const state = loadState(session.file, deps.clock.now(), (text) => {
    deps.err(text)
  })
  const reader = session.look()
  const rows = await Promise.all(steps.map(async (step): Promise<Row> => {
    const record = stepOf(state, step.name)
    const now = await lookNow(step, () => examine(step, step.spec(session.config), reader))
    const saw = record.error === undefined ? (record.evidence ?? []) : [`${record.error.code}: ${record.error.sentence}`]
    return { step: step.name, status: record.status, when: record.endedAt ?? record.startedAt, ms: record.ms, tries: record.tries, now, saw }
  }))
  const text = flags.json === true ? JSON.stringify({ run: state.run, steps: rows }, undefined, 2) : table(rows)
  deps.out(redactor.redact(text))
  return 0
}

/** In a word or two; a look that is refused is said and is no reason to show nothing. */
async function lookNow(step: Step<never>, look: () => Promise<Examined>): Promise<string> {
  try {
    return describe(await look())
  } catch (error) {
    if (error instanceof AirstripError && error.code !== 'CLUSTER_UNREACHABLE') return `${step.name} could not be looked at: ${error.message}`
    throw error
  }
}

function describe({ check, look }: Examined): string {
  switch (check.state) {
    case 'drifted':
      return `differs: ${check.changes.flatMap(objectsOf).slice(0, 3).join(', ')}`
    case 'blocked':
      return `blocked: ${check.findings[0].title}`
    case 'waiting':
      return `on its way: ${check.on[0].object}`
    case 'satisfied':
      if (look?.state === 'failed') return `failed: ${look.findings[0].title}`
      return look?.state === 'waiting' ? `on its way: ${look.on[0].object}: ${look.on[0].reason}` : 'as wanted'
  }
}

function table(rows: Row[]): string {
  return rows
    .map(({ step, status: result, when, ms, tries, now, saw }) => {
      const times = [when?.replace('T', ' ').slice(0, 19), ms === undefined ? undefined : seconds(ms), (tries ?? 1) > 1 ? `${tries ?? 1} tries` : undefined]
      const head = `${step.padEnd(12)} ${result.padEnd(8)} ${times.filter((part) => part !== undefined).join(', ').padEnd(30)} now: ${now}`
      return [head, ...saw.map((line) => `${' '.repeat(22)}${line}`)].join('\n')
    })
    .join('\n')
}
