import { lockFile } from '../adapters/files.ts'
import { holderAlive } from '../cluster/machine.ts'
import { createRedactor } from '../cluster/redact.ts'
import type { Emit, Event } from '../engine/events.ts'
import { takeLock } from '../engine/lock.ts'
import { resumePoint, runPipeline } from '../engine/pipeline.ts'
import { selectSteps } from '../engine/selection.ts'
import { loadState, type State } from '../engine/state.ts'
import { AirstripError } from '../errors.ts'
import { eventLines } from '../report/lines.ts'
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

async function runApply(flags: Flags, deps: Deps): Promise<number> {
  const chosen = selectSteps(steps, flags)
  const redactor = createRedactor()
  const emit: Emit = (event) => {
    print(event, flags, deps, redactor.redact)
  }
  const session = openSession(flags, deps, redactor, emit)
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const started = deps.clock.now()
  const mine = { holder: deps.holder, since: started.toISOString(), command: deps.commandLine }
  const unlock = takeLock(lockFile(`${flags.state}.lock`), mine, holderAlive, note)
  try {
    const state = loadState(session.file, started, note)
    return await runLocked(chosen, state, session, flags, deps, emit)
  } finally {
    unlock()
  }
}

async function runLocked(chosen: typeof steps, state: State, session: Session, flags: Flags, deps: Deps, emit: Emit): Promise<number> {
  const { config, file, look, writer, redactor } = session
  const started = deps.clock.now()
  const save = async (current: State): Promise<void> => {
    current.updatedAt = deps.clock.now().toISOString()
    await file.write(redactor.redact(`${JSON.stringify(current, undefined, 2)}\n`))
  }
  const finish = async (result: 'done' | 'failed' | 'interrupted', changed: number): Promise<void> => {
    const endedAt = deps.clock.now()
    state.run = { id: started.toISOString(), command: deps.commandLine, holder: deps.holder, startedAt: started.toISOString(), endedAt: endedAt.toISOString(), result }
    await save(state)
    await file.append(redactor.redact(JSON.stringify({ ...state.run, changed, steps: Object.fromEntries(chosen.map(({ name }) => [name, state.steps[name]?.status])) })))
    emit({ type: 'run-ended', result, changed, ms: endedAt.getTime() - started.getTime() })
  }
  emit({ type: 'run-started', command: 'apply', cluster: flags.context ?? flags.kubeconfig ?? 'the cluster of your kubeconfig', steps: chosen.map(({ name }) => name), resumesAt: resumePoint(chosen, state) })
  try {
    const { changed } = await runPipeline(chosen, { steps, config, state, save, look, writer, clock: deps.clock, emit, signal: deps.signal, pollMs, timeoutMs: flags.timeout, statePath: file.path })
    await finish('done', changed)
    if (chosen.some(({ name }) => name === 'ingress')) goodbye(session, flags, deps)
    return changed > 0 && flags.detailedExitcode === true ? 2 : 0
  } catch (error) {
    const interrupted = error instanceof AirstripError && error.code === 'INTERRUPTED'
    // A selection or a state file that was refused touched nothing, so there is nothing to record.
    if (!(error instanceof AirstripError && ['SELECTION', 'STATE_FOREIGN'].includes(error.code))) await finish(interrupted ? 'interrupted' : 'failed', 0)
    throw error
  }
}

function print(event: Event, flags: Flags, deps: Deps, redact: (text: string) => string): void {
  if (flags.json === true) {
    deps.out(redact(JSON.stringify({ at: deps.clock.now().toISOString(), ...event })))
    return
  }
  for (const line of eventLines(event, { colors: deps.colors && flags.color, quiet: flags.quiet === true })) deps.err(redact(line))
}

/** Where Airflow is and how to get in; the password itself is not printed. */
function goodbye({ config }: Session, flags: Flags, deps: Deps): void {
  if (flags.quiet === true || flags.json === true) return
  const { namespace, release, admin } = config.airflow
  deps.out(`https://${config.ingress.host}${config.ingress.path}  user ${admin.username}, password:`)
  deps.out(`kubectl -n ${namespace} get secret ${release}-airstrip-admin -o jsonpath='{.data.password}' | base64 -d`)
}
