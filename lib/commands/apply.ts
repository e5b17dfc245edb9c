import { createWitness } from '../doctor/collect/witness.ts'
import type { Witnessed } from '../doctor/evidence.ts'
import { resumePoint, runPipeline } from '../engine/pipeline.ts'
import { rehearse } from '../engine/rehearse.ts'
import { selectSteps } from '../engine/selection.ts'
import type { State } from '../engine/state.ts'
import { pauseAfter } from '../engine/wait.ts'
import { steps } from '../../steps/index.ts'
import { withoutBackups } from './without-backups.ts'
import { consent, isAttended } from './consent.ts'
import type { Deps, Flags } from './deps.ts'
import { notifying } from './notify.ts'
import { clusterOf, recorded, running, save, type Run } from './run.ts'
import { shownChanges } from './shown.ts'

/** `held`: whoever calls has the lock of the state file already. */
export async function runApply(flags: Flags, deps: Deps, held = false): Promise<number> {
  const chosen = selectSteps(flags.dangerousSkipBackup === true ? withoutBackups(steps) : steps, flags)
  return running(chosen, flags, deps, async (run) => {
    if (flags.dryRun === true) return runDry(run)
    const { config, redactor: { redact } } = run.session
    return notifying({ config, flags, deps, redact }, () => runLocked(run, held))
  })
}

async function runLocked(run: Run, held: boolean): Promise<number> {
  const exitCode = await recorded(run, held, (state) => pipeline(run, state))
  if (run.chosen.some(({ name }) => name === 'ingress')) goodbye(run)
  return exitCode
}

async function pipeline(run: Run, state: State): Promise<number> {
  const { chosen, session, flags, deps, emit } = run
  const { config, look, writer, file, redactor } = session
  emit({ type: 'run-started', command: 'apply', cluster: clusterOf(flags), steps: chosen.map(({ name }) => name), resumesAt: resumePoint(chosen, state) })
  const witness = createWitness()
  let witnessed: Witnessed[] | undefined
  await runPipeline(chosen, {
    steps, config, state, writer, emit, pauseMs: pauseAfter,
    look: () => witness.watching(look()),
    save: (current) => save(run, current),
    statePath: file.path,
    clock: deps.clock,
    signal: deps.signal,
    timeoutMs: flags.timeout,
    // Read only where it is needed: most runs find nothing wrong.
    diagnose: async (error) => {
      const found = await (await import('./examination.ts')).lookBehind(error, session, deps.clock.now(), () => witness.seen())
      witnessed = found.witnessed
      return found.findings
    },
    witnessed: () => witnessed,
    edition: session.edition(),
    attended: flags.yes === true || isAttended(flags, deps),
    consent: (plan) => consent(plan, { flags, deps, session, emit, shownBy: 'diff' }),
    show: async (planned) => (await shownChanges([planned], look(), redactor.redact)).flatMap(({ op, kind, name, why, diff }) => [`${op} ${kind} ${name} (${why})`, ...diff.split('\n')]),
  })
  return run.changed > 0 && flags.detailedExitcode === true ? 2 : 0
}

/** Neither lock nor state: nothing happens that would have to be kept apart or remembered. */
async function runDry({ chosen, session, flags, deps, emit }: Run): Promise<number> {
  emit({ type: 'run-started', command: 'apply --dry-run', cluster: clusterOf(flags), steps: chosen.map(({ name }) => name) })
  const differs = await rehearse(chosen, { steps, config: session.config, look: session.look, writer: session.writer, emit, signal: deps.signal })
  return differs && flags.detailedExitcode === true ? 2 : 0
}

/** Where Airflow is and how to get in; the password itself is not printed. */
function goodbye({ session: { config }, flags, deps }: Run): void {
  if (flags.quiet === true || flags.json === true) return
  const { namespace, release, admin } = config.airflow
  deps.out(`https://${config.ingress.host}${config.ingress.path}  user ${admin.username}, password:`)
  deps.out(`kubectl -n ${namespace} get secret ${release}-airstrip-admin -o jsonpath='{.data.password}' | base64 -d`)
}
