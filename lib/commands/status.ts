import { historyFiles } from '../adapters/history.ts'
import type { Reader } from '../access.ts'
import { objectsOf } from '../changes.ts'
import { holderAlive } from '../cluster/machine.ts'
import { parseHistory } from '../engine/history.ts'
import { clusterId } from '../observe/cluster-id.ts'
import { redacted, redactedError } from '../engine/redacted.ts'
import { examine, type Examined } from '../engine/step-run.ts'
import { emptyState, parseState, refuseForeign, stepOf, type State, type StateFile } from '../engine/state.ts'
import { AirstripError } from '../errors.ts'
import { problemLines } from '../report/problem.ts'
import { statusJson, statusLines, type Status, type StatusRow } from '../report/status.ts'
import type { Step } from '../step.ts'
import { steps } from '../../steps/index.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'

const shownRuns = 5

/** What could not be looked at, told once however many steps stumbled over it. */
type Complain = (error: unknown) => void

export async function runStatus(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor } = lookingSession(flags, deps)
  const { errors, complain } = complaints()
  const { state, condition } = recordOf(session.file, deps.clock.now(), complain)
  const reader = session.look()
  const [cluster, rows] = await Promise.all([
    clusterOf(state, session.file.path, reader, complain),
    Promise.all(steps.map((step) => rowOf(step, state, () => examine(step, step.spec(session.config), reader), complain))),
  ])
  const runs = earlierRuns(flags.state, complain)
  const problems = errors.map(({ code, message, next }) => ({ code, sentence: message, next }))
  const found = { state: { path: session.file.path, condition }, cluster, problems, run: lastRun(state), steps: rows, runs }
  const lines = flags.json === true ? [statusJson(redacted(found, redactor.redact))] : statusLines(redacted(found, redactor.redact))
  for (const line of lines) deps.out(line)
  for (const line of errors.flatMap((error) => problemLines(redactedError(error, redactor.redact), deps.colors && flags.color))) deps.err(line)
  return errors.length === 0 ? 0 : 1
}

function complaints(): { errors: AirstripError[]; complain: Complain } {
  const errors: AirstripError[] = []
  return {
    errors,
    complain: (error) => {
      const known = error instanceof AirstripError ? error : new AirstripError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error })
      if (!errors.some(({ message }) => message === known.message)) errors.push(known)
    },
  }
}

/** Status changes nothing, so a damaged file stays where it is; the next run sets it aside. */
function recordOf(file: StateFile, now: Date, complain: Complain): { state: State; condition: Status['state']['condition'] } {
  try {
    const text = file.read()
    if (text === undefined) return { state: emptyState(now), condition: 'none' }
    const state = parseState(text, file.path)
    if (state !== undefined) return { state, condition: 'ok' }
    complain(new AirstripError('STATE_DAMAGED', `${file.path} is damaged, so what happened before is not known.`, { next: 'Nothing has to be done: the next run keeps it under another name and looks at the cluster anew.' }))
    return { state: emptyState(now), condition: 'damaged' }
  } catch (error) {
    complain(error)
    return { state: emptyState(now), condition: error instanceof AirstripError && error.code === 'STATE_NEWER' ? 'newer' : 'unusable' }
  }
}

async function clusterOf(state: State, path: string, reader: Reader, complain: Complain): Promise<Status['cluster']> {
  const recorded = state.cluster
  let id: string | undefined
  try {
    id = await clusterId(reader)
    if (id !== undefined) refuseForeign(state, id, path)
    return { reachable: true, id, recorded, foreign: false }
  } catch (error) {
    complain(error)
    return { reachable: id !== undefined, id, recorded, foreign: id !== undefined }
  }
}

async function rowOf(step: Step<never>, state: State, look: () => Promise<Examined>, complain: Complain): Promise<StatusRow> {
  const { status: result, endedAt, startedAt, ms, tries, changed, error, evidence = [] } = stepOf(state, step.name)
  const seen = await look().then(judged, (cause: unknown) => {
    complain(cause)
    return { verdict: 'unknown' as const, now: `unknown: ${shortly(cause)}` }
  })
  const saw = error === undefined ? evidence : [`${error.code}: ${error.sentence}`, ...error.findings.filter(({ causes = [], title }) => causes.length === 0 && !error.sentence.includes(title)).map(({ id, title }) => `cause: ${title} [${id}]`)]
  return { step: step.name, status: result, when: endedAt ?? startedAt, ms, tries, changed, saw, differs: [], waitingFor: [], findings: [], ...seen }
}

function shortly(cause: unknown): string {
  if (cause instanceof AirstripError && cause.code === 'CLUSTER_UNREACHABLE') return 'the cluster cannot be reached'
  return cause instanceof Error ? cause.message : String(cause)
}

type Judged = Pick<StatusRow, 'verdict' | 'now'> & Partial<Pick<StatusRow, 'differs' | 'waitingFor' | 'findings'>>

function judged({ check, look }: Examined): Judged {
  switch (check.state) {
    case 'drifted': {
      const differs = check.changes.flatMap((change) => objectsOf(change).map((object) => ({ op: change.op, object, why: change.why })))
      return { verdict: 'differs', now: `differs (${differs.length} to change)`, differs }
    }
    case 'blocked':
      return { verdict: 'blocked', now: 'blocked', findings: check.findings }
    case 'waiting':
      return { verdict: 'on-its-way', now: 'on its way', waitingFor: check.on }
    case 'satisfied':
      if (look?.state === 'failed') return { verdict: 'failed', now: 'failed', waitingFor: look.on, findings: look.findings }
      if (look?.state === 'waiting') return { verdict: 'on-its-way', now: 'on its way', waitingFor: look.on }
      return { verdict: 'as-wanted', now: 'as wanted' }
  }
}

/** A run that says that it goes on, and whose process is gone, was killed. */
function lastRun({ run }: State): Status['run'] {
  return run?.result === 'running' && holderAlive(run.holder) === false ? { ...run, result: 'killed' } : run
}

function earlierRuns(statePath: string, complain: Complain): Status['runs'] {
  try {
    return parseHistory(historyFiles(statePath).read() ?? '').slice(-shownRuns).reverse()
  } catch (error) {
    complain(error)
    return []
  }
}
