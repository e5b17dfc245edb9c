import { cronKeeper } from '../adapters/crontab.ts'
import type { Host } from '../adapters/host.ts'
import { systemdKeeper } from '../adapters/systemd.ts'
import type { Timekeeper } from '../adapters/timekeeper.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { AirstripError } from '../errors.ts'
import { writtenFolders } from '../schedule/units.ts'
import type { Deps, Flags } from './deps.ts'
import { scheduleAction } from './options.ts'
import { secretVariables } from './notify.ts'
import { checkAccess, planOf, readFlags, runsAs, withLogins, type Asked, type Person } from './schedule-plan.ts'
import { runDue } from './schedule-run.ts'
import { showStatus } from './schedule-status.ts'

/** All that an action needs to know. */
interface Scheduling {
  asked: Asked
  flags: Flags
  deps: Deps
  host: Host
  /** The three that may hold a schedule of this person's, or the ones that were named. */
  keepers: Timekeeper[]
  person: Person
}

export async function runSchedule(words: readonly string[], flags: Flags, deps: Deps, host: Host): Promise<number> {
  const asked = readFlags(scheduleAction, words, flags, host)
  const person = await runsAs(asked.keeper, asked.target, host, deps.exec)
  const cronUser = host.uid === 0 && person.uid !== 0 ? person.name : undefined
  const all = keepersOf(host, deps, { systemd: host.systemd || asked.keeper !== 'cron', cronUser })
  const scheduling: Scheduling = { asked, flags, deps, host, person, keepers: all.filter(({ keeper }) => !asked.chosen || asked.action === 'install' || keeper === asked.keeper) }
  switch (asked.action) {
    case 'install':
      return install(scheduling)
    case 'remove':
      return remove(scheduling)
    case 'run':
      return runDue(planOf(asked, host, person, deps.env), deps)
    default:
      return showStatus(scheduling.keepers, flags, deps)
  }
}

/** Whatever may hold a schedule of this person's. */
export function keepersOf(host: Host, deps: Deps, { systemd, cronUser }: { systemd: boolean; cronUser?: string | undefined }): Timekeeper[] {
  return [
    ...(systemd ? [systemdKeeper('system', host, deps.exec), systemdKeeper('user', host, deps.exec)] : []),
    cronKeeper(host, deps.env, cronUser, () => deps.clock.now()),
  ]
}

async function install(scheduling: Scheduling): Promise<number> {
  const { asked, flags, deps, host, keepers, person } = scheduling
  const config = loadConfig(flags.config, deps.readFile)
  const plan = planOf(asked, host, person, deps.env)
  const keeper = keepers.find((one) => one.keeper === asked.keeper)
  if (keeper === undefined) throw new Error(`nobody keeps the time by ${asked.keeper}`)
  if (flags.dryRun === true) {
    const files = await keeper.preview(plan)
    if (flags.json === true) deps.out(JSON.stringify({ files }, undefined, 2))
    else for (const { path, text } of files) deps.out(`## ${path}\n${text}`)
    return 0
  }
  refuseSecond(asked, keepers)
  for (const folder of writtenFolders(plan)) host.makeFolder(folder, person)
  await checkAccess(plan, person, host, deps.exec)
  const written = await keeper.install(plan)
  tell(scheduling, { written }, written.length === 0 ? 'nothing to change' : `scheduled: ${asked.mode}, every ${asked.every.text}, by ${asked.keeper === 'cron' ? 'cron' : `systemd (${asked.keeper})`}${plan.runAs === undefined ? '' : ` as ${plan.runAs}`}`, written.map((path) => `wrote ${path}`))
  for (const note of flags.quiet === true || written.length === 0 ? [] : notesOf(scheduling, config)) deps.err(`note: ${note}`)
  return 0
}

/** Two schedules would get in each other's way, and the forgotten one would go on for ever. */
function refuseSecond({ keeper }: Asked, keepers: Timekeeper[]): void {
  const other = keepers.find((one) => one.keeper !== keeper && isThere(one))
  if (other === undefined) return
  throw new AirstripError('BLOCKED', `airstrip is scheduled already, by ${other.keeper === 'cron' ? 'cron' : `a ${other.keeper} timer`}.`, { next: `Take that away first: airstrip schedule remove --${other.keeper}` })
}

/** A unit of that name that is not ours is no schedule of airstrip's. */
export function isThere(keeper: Timekeeper): boolean {
  try {
    return keeper.found() !== undefined
  } catch {
    return false
  }
}

async function remove(scheduling: Scheduling): Promise<number> {
  const { keepers, asked } = scheduling
  const mine = asked.chosen ? keepers : keepers.filter(isThere)
  const removed: string[] = []
  for (const keeper of mine) removed.push(...(await keeper.remove()))
  tell(scheduling, { removed }, removed.length === 0 ? 'nothing to remove' : 'not scheduled any more', removed.map((path) => `removed ${path.startsWith('/') ? path : `airstrip's lines from the ${path}`}`))
  return 0
}

function tell({ flags, deps }: Scheduling, object: object, sentence: string, lines: string[]): void {
  if (flags.json === true) deps.out(JSON.stringify(object, undefined, 2))
  if (flags.json === true || flags.quiet === true) return
  for (const line of lines) deps.err(line)
  deps.out(sentence)
}

/** What will be otherwise than in a run by hand. */
function notesOf({ asked, host, deps }: Scheduling, config: Config): string[] {
  return [
    ...withLogins(deps.env).map((name) => `the login in ${name} is not written where others could read it, so the runs do not have that proxy; ${asked.keeper === 'cron' ? 'give cron one without a login' : `put the variable into a file of mode 0600 and name that as EnvironmentFile= in a drop-in: systemctl ${asked.keeper === 'user' ? '--user ' : ''}edit airstrip.service`}`),
    ...secretVariables(config).map((name) => `a timer does not have your variable ${name}; where it is needed, write { file: PATH } instead of { env: ${name} }`),
    ...(asked.keeper === 'user' && !host.lingers() ? ['your own timers run while you are logged in; always: loginctl enable-linger'] : []),
  ]
}
