import { lockFile } from '../adapters/files.ts'
import { holderAlive } from '../cluster/machine.ts'
import { createRedactor } from '../cluster/redact.ts'
import type { Emit, Event } from '../engine/events.ts'
import { takeLock } from '../engine/lock.ts'
import { resumePoint, runPipeline } from '../engine/pipeline.ts'
import { selectSteps } from '../engine/selection.ts'
import { loadState, type State } from '../engine/state.ts'
import { AirstripError, masked } from '../errors.ts'
import { eventLines } from '../report/lines.ts'
import type { Step } from '../step.ts'
import { steps } from '../../steps/index.ts'
import type { Command, Deps, Flags } from './deps.ts'
import { applyOptions, commonOptions, selectionOptions } from './options.ts'
import { openSession, type Session } from './session.ts'

const pollMs = 2000

export const apply: Command = {
  name: 'apply',
  about: 'bring the cluster to what the configuration says, resuming after any failure (the default)',
  options: [...commonOptions, ...selectionOptions, ...applyOptions],
  run: runApply,
}

/** One run: what was chosen, on what, and what came of it so far. */
interface Run {
  chosen: readonly Step[]
  session: Session
  flags: Flags
  deps: Deps
  emit: Emit
  startedAt: Date
  changed: number
}

async function runApply(flags: Flags, deps: Deps): Promise<number> {
  const chosen = selectSteps(steps, flags)
  const redactor = createRedactor()
  const emit: Emit = (event) => {
    if (event.type === 'change') run.changed++
    print(event, flags, deps, redactor.redact)
  }
  const run: Run = { chosen, session: openSession(flags, deps, redactor, emit), flags, deps, emit, startedAt: deps.clock.now(), changed: 0 }
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const mine = { holder: deps.holder, since: run.startedAt.toISOString(), command: deps.commandLine }
  const unlock = takeLock(lockFile(`${flags.state}.lock`), mine, holderAlive, note)
  try {
    return await runLocked(run, loadState(run.session.file, run.startedAt, note))
  } catch (error) {
    throw masked(error, redactor.redact)
  } finally {
    unlock()
  }
}

async function runLocked(run: Run, state: State): Promise<number> {
  const { chosen, session, flags, deps, emit } = run
  const { config, look, writer, file } = session
  const cluster = flags.context ?? flags.kubeconfig ?? 'the cluster of your kubeconfig'
  emit({ type: 'run-started', command: 'apply', cluster, steps: chosen.map(({ name }) => name), resumesAt: resumePoint(chosen, state) })
  try {
    await runPipeline(chosen, {
      steps, config, state, look, writer, emit, pollMs,
      save: (current) => save(run, current),
      statePath: file.path,
      clock: deps.clock,
      signal: deps.signal,
      timeoutMs: flags.timeout,
    })
  } catch (error) {
    // A selection or a state file that was refused touched nothing, so there is nothing to record.
    if (!isKnown(error, 'SELECTION', 'STATE_FOREIGN')) await finish(run, state, isKnown(error, 'INTERRUPTED') ? 'interrupted' : 'failed')
    throw error
  }
  await finish(run, state, 'done')
  if (chosen.some(({ name }) => name === 'ingress')) goodbye(run)
  return run.changed > 0 && flags.detailedExitcode === true ? 2 : 0
}

function isKnown(error: unknown, ...codes: AirstripError['code'][]): boolean {
  return error instanceof AirstripError && codes.includes(error.code)
}

async function save({ session: { file, redactor }, deps }: Run, state: State): Promise<void> {
  state.updatedAt = deps.clock.now().toISOString()
  await file.write(redactor.redact(`${JSON.stringify(state, undefined, 2)}\n`))
}

/** The run in the state, and a line of its own in the history. */
async function finish(run: Run, state: State, result: 'done' | 'failed' | 'interrupted'): Promise<void> {
  const { chosen, session, deps, emit, startedAt, changed } = run
  const endedAt = deps.clock.now()
  state.run = { id: startedAt.toISOString(), command: deps.commandLine, holder: deps.holder, startedAt: startedAt.toISOString(), endedAt: endedAt.toISOString(), result }
  await save(run, state)
  const results = Object.fromEntries(chosen.map(({ name }) => [name, state.steps[name]?.status]))
  await session.file.append(session.redactor.redact(JSON.stringify({ ...state.run, changed, steps: results })))
  emit({ type: 'run-ended', result, changed, ms: endedAt.getTime() - startedAt.getTime() })
}

function print(event: Event, flags: Flags, deps: Deps, redact: (text: string) => string): void {
  if (flags.json === true) {
    deps.out(redact(JSON.stringify({ at: deps.clock.now().toISOString(), ...event })))
    return
  }
  for (const line of eventLines(event, { colors: deps.colors && flags.color, quiet: flags.quiet === true })) deps.err(redact(line))
}

/** Where Airflow is and how to get in; the password itself is not printed. */
function goodbye({ session: { config }, flags, deps }: Run): void {
  if (flags.quiet === true || flags.json === true) return
  const { namespace, release, admin } = config.airflow
  deps.out(`https://${config.ingress.host}${config.ingress.path}  user ${admin.username}, password:`)
  deps.out(`kubectl -n ${namespace} get secret ${release}-airstrip-admin -o jsonpath='{.data.password}' | base64 -d`)
}
