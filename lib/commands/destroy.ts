import { dirname, resolve } from 'node:path'
import type { Host } from '../adapters/host.ts'
import { objectsOf } from '../changes.ts'
import { identify } from '../engine/identity.ts'
import { selectSteps } from '../engine/selection.ts'
import type { State } from '../engine/state.ts'
import { announceTeardown, plannedIn, planTeardown, rehearseTeardown, tearDown, type Leaving, type TeardownDeps } from '../engine/teardown.ts'
import { pauseAfter } from '../engine/wait.ts'
import { AirstripError } from '../errors.ts'
import { shownLine } from '../report/diff.ts'
import { stamped } from '../report/stamped.ts'
import type { Step } from '../step.ts'
import { steps } from '../../steps/index.ts'
import { agreeToDestroy, refuseOtherNamespace } from './destroy-consent.ts'
import { refuseWithoutRights } from './destroy-rights.ts'
import { schedulesFor, removeSchedules, type Schedules } from './destroy-schedule.ts'
import type { Deps, Flags } from './deps.ts'
import { clusterOf, recorded, running, save, type Run } from './run.ts'

/** All that is to go, in order: the schedule first, or it would bring the rest back. */
interface Destruction {
  plan: Leaving[]
  schedules: Schedules
}

export async function runDestroy(flags: Flags, deps: Deps, host: Host): Promise<number> {
  const chosen = selectSteps<Step>(steps, flags)
  return running(chosen, flags, deps, async (run) => {
    refuseOtherNamespace(flags, run.session.config)
    if (flags.dryRun === true) return rehearse(run, host)
    return recorded(run, false, (state) => destroy(run, state, host))
  })
}

async function destroy(run: Run, state: State, host: Host): Promise<number> {
  const { session, deps, emit } = run
  const teardown = { ...teardownDeps(run), state, save: (current: State) => save(run, current) }
  tellStart(run, 'destroy')
  await identify(session.look(), state, session.file.path)
  const destruction = await look(run, host, teardown)
  tell(run, destruction)
  await refuseWithoutRights(plannedIn(destruction.plan), session.look())
  if (!isNothing(destruction)) await agreeToDestroy(plannedIn(destruction.plan), run)
  for (const path of await removeSchedules(destruction.schedules)) emit({ type: 'note', text: `not scheduled any more: removed ${path}` })
  await tearDown(destruction.plan, teardown)
  if (deps.signal.aborted) throw new AirstripError('INTERRUPTED', 'The run was interrupted before all was taken down.')
  return 0
}

/** Neither lock nor state: nothing happens that would have to be kept apart or remembered. */
async function rehearse(run: Run, host: Host): Promise<number> {
  tellStart(run, 'destroy --dry-run')
  const teardown = teardownDeps(run)
  const destruction = await look(run, host, teardown)
  tell(run, destruction)
  await refuseWithoutRights(plannedIn(destruction.plan), run.session.look())
  await rehearseTeardown(destruction.plan, teardown)
  return 0
}

function tellStart({ chosen, flags, emit }: Run, command: string): void {
  emit({ type: 'run-started', command, cluster: clusterOf(flags), steps: chosen.map(({ name }) => name).reverse() })
}

async function look({ chosen, flags, deps }: Run, host: Host, teardown: TeardownDeps): Promise<Destruction> {
  return { plan: await planTeardown(chosen, teardown), schedules: schedulesFor(flags, deps, host) }
}

function teardownDeps({ session, flags, deps, emit }: Run): TeardownDeps {
  const { config, look: fresh, writer } = session
  return { steps, config, data: flags.dangerousDeleteData !== undefined, look: fresh, writer, clock: deps.clock, emit, signal: deps.signal, pauseMs: pauseAfter, timeoutMs: flags.timeout }
}

function isNothing({ plan, schedules }: Destruction): boolean {
  return schedules.own.length === 0 && plan.every(({ goes, leaving }) => goes.length === 0 && leaving.length === 0)
}

/** The whole list before anything: what goes, in order, and what stays, with why. */
function tell(run: Run, { plan, schedules }: Destruction): void {
  const { flags, deps, session, emit } = run
  const isShown = flags.json !== true && flags.quiet !== true
  const colors = deps.colors && flags.color
  const line = (step: string, op: string, object: string, why: string): void => {
    const [kind = '', name = ''] = object.split(/ (?=\S+$)/)
    const text = session.redactor.redact(shownLine({ step, op, kind, namespace: '', name, why }, colors && deps.screen !== undefined))
    if (isShown) deps.err(deps.screen === undefined ? stamped(text, deps.clock.now()) : text)
  }
  for (const { name, why } of schedules.own) line('schedule', 'remove', name, why)
  for (const { step, goes } of plan) for (const change of goes) for (const object of objectsOf(change)) line(step.name, change.op, object, change.why)
  announceTeardown(plan, emit)
  for (const { name, why } of schedules.others) emit({ type: 'stays', object: name, why })
  emit({ type: 'stays', object: resolve(dirname(flags.state)), why: 'state, history and backups on this machine' })
}

