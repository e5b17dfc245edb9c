import { lockFile } from '../adapters/files.ts'
import { historyFiles } from '../adapters/history.ts'
import { holderAlive } from '../cluster/machine.ts'
import { createRedactor } from '../cluster/redact.ts'
import type { Emit } from '../engine/events.ts'
import { problemOf } from '../engine/finding.ts'
import { createHistory, runId, statusesOf, type History } from '../engine/history.ts'
import { takeLock } from '../engine/lock.ts'
import { resumePoint, runPipeline } from '../engine/pipeline.ts'
import { redacted } from '../engine/redacted.ts'
import { rehearse } from '../engine/rehearse.ts'
import { selectSteps } from '../engine/selection.ts'
import { fingerprintOf, loadState, stateText, type RunRecord, type State } from '../engine/state.ts'
import { pauseAfter } from '../engine/wait.ts'
import { AirstripError, exitCodeOf, masked } from '../errors.ts'
import { manifestsText } from '../manifest/load.ts'
import { createRenderer } from '../report/renderer.ts'
import type { Step } from '../step.ts'
import { steps } from '../../steps/index.ts'
import { withoutBackups } from './without-backups.ts'
import { consent, isAttended } from './consent.ts'
import type { Deps, Flags } from './deps.ts'
import { notifying } from './notify.ts'
import { pastedError, pastedWith } from './pasted.ts'
import { openSession, type Session } from './session.ts'
import { shownChanges } from './shown.ts'

/** One run: what was chosen, on what, and what came of it so far. */
interface Run {
  chosen: readonly Step[]
  session: Session
  flags: Flags
  deps: Deps
  emit: Emit
  record: RunRecord
  changed: number
}

/** `held`: whoever calls has the lock of the state file already. */
export async function runApply(flags: Flags, deps: Deps, held = false): Promise<number> {
  const chosen = selectSteps(flags.dangerousSkipBackup === true ? withoutBackups(steps) : steps, flags)
  const redactor = createRedactor()
  const { redact } = redactor
  const pasted = pastedWith(flags)
  const renderer = createRenderer({
    json: flags.json === true, quiet: flags.quiet === true, colors: deps.colors && flags.color, screen: deps.screen, now: () => deps.clock.now(),
    out: deps.out, err: deps.err,
  })
  let history: History | undefined
  const emit: Emit = (event) => {
    const clean = pasted(redacted(event, redact))
    if (clean.type === 'change') run.changed++
    history?.record(clean, deps.clock.now())
    renderer.show(clean)
  }
  const startedAt = deps.clock.now()
  const record: RunRecord = { id: runId(startedAt, deps.holder), command: deps.commandLine, holder: deps.holder, startedAt: startedAt.toISOString(), result: 'running' }
  const run: Run = { chosen, session: openSession(flags, deps, redactor, emit), flags, deps, emit, record, changed: 0 }
  try {
    if (flags.dryRun === true) return await runDry(run)
    return await notifying({ config: run.session.config, flags, deps, redact }, () => locked(run, held, (note) => {
      history = createHistory(historyFiles(flags.state), record, redact, note)
      return history
    }))
  } catch (error) {
    throw pastedError(masked(error, redact), pasted)
  } finally {
    renderer.end()
  }
}

/** Only who holds the lock writes a history: two runs would write into each other's. */
async function locked(run: Run, held: boolean, begin: (note: (text: string) => void) => History): Promise<number> {
  const { flags, deps, emit, record } = run
  const note = (text: string): void => {
    emit({ type: 'note', text })
  }
  const unlock = held ? () => undefined : takeLock(lockFile(`${flags.state}.lock`), { holder: deps.holder, since: record.startedAt, command: deps.commandLine }, holderAlive, note)
  try {
    const history = begin(note)
    const state = loadState(run.session.file, deps.clock.now(), note)
    history.settle(state)
    return await runLocked(run, state, history)
  } finally {
    unlock()
  }
}

async function runLocked(run: Run, state: State, history: History): Promise<number> {
  const { chosen, session, flags, deps, emit, record } = run
  const { config, look, writer, file, redactor } = session
  emit({ type: 'run-started', command: 'apply', cluster: clusterOf(flags), steps: chosen.map(({ name }) => name), resumesAt: resumePoint(chosen, state) })
  try {
    state.run = record
    await runPipeline(chosen, {
      steps, config, state, look, writer, emit, pauseMs: pauseAfter,
      save: (current) => save(run, current),
      statePath: file.path,
      clock: deps.clock,
      signal: deps.signal,
      timeoutMs: flags.timeout,
      // Read only where it is needed: most runs find nothing wrong.
      diagnose: async (error) => (await import('./examination.ts')).findingsBehind(error, session, deps.clock.now()),
      edition: editionOf(config, deps),
      attended: flags.yes === true || isAttended(flags, deps),
      consent: (plan) => consent(plan, { flags, deps, session, emit, shownBy: 'diff' }),
      show: async (planned) => (await shownChanges([planned], look(), redactor.redact)).flatMap(({ op, kind, name, why, diff }) => [`${op} ${kind} ${name} (${why})`, ...diff.split('\n')]),
    })
  } catch (error) {
    // A selection or a state file that was refused touched nothing, so there is nothing to record.
    if (!isKnown(error, 'SELECTION', 'STATE_FOREIGN')) await finish(run, state, history, error)
    throw error
  }
  const exitCode = run.changed > 0 && flags.detailedExitcode === true ? 2 : 0
  await finish(run, state, history, undefined, exitCode)
  if (chosen.some(({ name }) => name === 'ingress')) goodbye(run)
  return exitCode
}

/** Neither lock nor state: nothing happens that would have to be kept apart or remembered. */
async function runDry({ chosen, session, flags, deps, emit }: Run): Promise<number> {
  emit({ type: 'run-started', command: 'apply --dry-run', cluster: clusterOf(flags), steps: chosen.map(({ name }) => name) })
  const differs = await rehearse(chosen, { steps, config: session.config, look: session.look, writer: session.writer, emit, signal: deps.signal })
  return differs && flags.detailedExitcode === true ? 2 : 0
}

/** What beside the configuration's own words tells what will be made: our manifests, and the one that a person brings. */
function editionOf({ provisioner: { manifest } }: Session['config'], deps: Deps): string {
  return fingerprintOf([manifestsText(), manifest === undefined ? '' : readOrNothing(manifest, deps)])
}

/** That a file is not there is told by the step that needs it. */
function readOrNothing(path: string, { readFile }: Deps): string {
  try {
    return readFile(path)
  } catch {
    return ''
  }
}

function clusterOf({ context, kubeconfig }: Flags): string {
  return context ?? kubeconfig ?? 'the cluster of your kubeconfig'
}

function isKnown(error: unknown, ...codes: AirstripError['code'][]): boolean {
  return error instanceof AirstripError && codes.includes(error.code)
}

async function save({ session: { file, redactor }, deps }: Run, state: State): Promise<void> {
  state.updatedAt = deps.clock.now().toISOString()
  await file.write(stateText(state, redactor.redact))
}

/** The run in the state, and a line of its own in the history. */
async function finish(run: Run, state: State, history: History, error: unknown, code = 0): Promise<void> {
  const { chosen, deps, emit, record, changed } = run
  const endedAt = deps.clock.now()
  const result = error === undefined ? 'done' : isKnown(error, 'INTERRUPTED') ? 'interrupted' : 'failed'
  const exitCode = error === undefined ? code : exitCodeOf(error, deps.signal.reason)
  state.run = { ...record, endedAt: endedAt.toISOString(), result }
  const sentence = error instanceof Error ? error.message : undefined
  const problem = error instanceof AirstripError ? problemOf(error) : undefined
  const findings = problem?.findings.map(({ id, title }) => `${id}: ${title}`)
  history.end({ endedAt: endedAt.toISOString(), result, exitCode, changed, steps: statusesOf(state, chosen.map(({ name }) => name)), sentence, findings })
  await save(run, state)
  emit({ type: 'run-ended', result, changed, ms: endedAt.getTime() - Date.parse(record.startedAt), problem })
}

/** Where Airflow is and how to get in; the password itself is not printed. */
function goodbye({ session: { config }, flags, deps }: Run): void {
  if (flags.quiet === true || flags.json === true) return
  const { namespace, release, admin } = config.airflow
  deps.out(`https://${config.ingress.host}${config.ingress.path}  user ${admin.username}, password:`)
  deps.out(`kubectl -n ${namespace} get secret ${release}-airstrip-admin -o jsonpath='{.data.password}' | base64 -d`)
}
