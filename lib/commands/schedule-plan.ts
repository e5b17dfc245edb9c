import { dirname, isAbsolute, join, resolve } from 'node:path'
import { baseFolder } from '../adapters/base-folder.ts'
import type { Host } from '../adapters/host.ts'
import type { Exec } from '../cluster/exec.ts'
import { nearest } from '../config/suggest.ts'
import { AirstripError } from '../errors.ts'
import { everyAdvice, parseEvery, type Every } from '../schedule/every.ts'
import { keepers, modes, type Keeper, type Mode, type Plan, type Target } from '../schedule/plan.ts'
import { unquotable } from '../schedule/quote.ts'
import type { CommandArgument, Flags } from './deps.ts'

/** What was asked for, before it is known who it would run as. */
export interface Asked {
  action: string
  keeper: Keeper
  /** Whether it was named, and not only what this machine suggests. */
  chosen: boolean
  mode: Mode
  every: Every
  target: Target
}

/** Reads the words and flags, or refuses all of their mistakes at once. */
export function readFlags(argument: CommandArgument, words: readonly string[], flags: Flags, host: Host): Asked {
  const [action] = words
  const target = absolute(flags)
  const named = keepers.filter((keeper) => flags[keeper] === true)
  const keeper = named[0] ?? keeperHere(host)
  const every = parseEvery(flags.every ?? '')
  const mode = modes.find((word) => word === flags.mode)
  const mistakes = [
    ...argumentMistakes(argument, action),
    ...(named.length > 1 ? [`${named.map((word) => `--${word}`).join(' and ')} exclude each other`] : []),
    ...(every === undefined ? [`--every ${JSON.stringify(flags.every)} is not a time that systemd and cron both know; ${everyAdvice}`] : []),
    ...(mode === undefined ? [notOneOf('--mode', flags.mode ?? '', modes)] : []),
    ...(action === 'install' ? installMistakes(keeper, flags, host, target) : []),
  ]
  if (mistakes.length > 0 || every === undefined || mode === undefined || action === undefined) throw refused(mistakes)
  return { action, keeper, chosen: named.length > 0, mode, every, target }
}

function argumentMistakes({ name, choices = [] }: CommandArgument, word: string | undefined): string[] {
  if (word === undefined) return [`${name} is missing; write one of ${choices.join(', ')}`]
  return choices.includes(word) ? [] : [notOneOf(name, word, choices)]
}

function notOneOf(what: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return `${what} ${JSON.stringify(word)} is not one of ${known.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`
}

function keeperHere({ systemd, uid }: Host): Keeper {
  if (!systemd) return 'cron'
  return uid === 0 ? 'system' : 'user'
}

function absolute({ config, state, kubeconfig, context }: Flags): Target {
  return { config: resolve(config), state: resolve(state), kubeconfig: kubeconfig === undefined ? undefined : resolve(kubeconfig), context }
}

function installMistakes(keeper: Keeper, flags: Flags, host: Host, { config, state, kubeconfig, context }: Target): string[] {
  const texts = { '--config': config, '--state': state, '--kubeconfig': kubeconfig, '--context': context, 'the folder of airstrip': host.program.checkout, 'the path of node': host.program.node }
  const forms = Object.entries(texts).flatMap(([name, text]) => {
    const fault = text === undefined ? undefined : unquotable(text, keeper === 'cron')
    return fault === undefined ? [] : [`${name} ${JSON.stringify(text)} ${fault}; ${keeper === 'cron' ? 'no crontab' : 'no unit file'} can name it`]
  })
  const missing = kubeconfig !== undefined && host.ownerOf(kubeconfig) === undefined ? [`--kubeconfig ${JSON.stringify(kubeconfig)} is not there`] : []
  if (flags.dryRun === true) return [...forms, ...missing]
  const noSystemd = keeper !== 'cron' && !host.systemd ? [`systemd does not run this machine; leave --${keeper} out, and cron takes its place`] : []
  const notRoot = keeper === 'system' && host.uid !== 0 ? ['--system writes to /etc/systemd/system; run it with sudo, or write --user'] : []
  const noCron = keeper === 'cron' && !host.has('crontab') ? [`there is no crontab on the PATH${host.systemd ? '' : ', and systemd does not run this machine'}; install cron`] : []
  return [...forms, ...missing, ...noSystemd, ...notRoot, ...noCron]
}

/** Whose runs they are. */
export interface Person {
  uid: number
  /** Known of another than who asks. */
  gid?: number
  home: string
  /** Where it must be said, since root asks for another. */
  name?: string
}

/** Whoever owns the configuration, so that nothing runs as root without need. */
export async function runsAs(keeper: Keeper, { config }: Target, host: Host, exec: Exec): Promise<Person> {
  const { uid, home } = host
  const owner = host.ownerOf(config) ?? uid
  if (uid !== 0 || keeper === 'user') return { uid, home }
  if (owner === 0) return keeper === 'system' ? { uid, home, name: 'root' } : { uid, home }
  const { stdout } = await exec({ tool: 'getent', args: ['passwd', String(owner)] })
  const [name = '', , , gid, , itsHome = ''] = stdout.split('\n')[0]?.split(':') ?? []
  if (name !== '' && isAbsolute(itsHome)) return { uid: owner, gid: Number(gid), home: itsHome, name }
  throw refused([`${config} belongs to user ${owner}, whom this machine does not know`], 'Give it to who is to run it: chown.')
}

export function planOf({ keeper, mode, every, target }: Asked, { program }: Host, { name: runAs, home }: Person, env: NodeJS.ProcessEnv): Plan {
  const caches = baseFolder('XDG_CACHE_HOME', runAs === undefined ? env : {}, home)
  return { ...target, keeper, mode, every, program, runAs, caches, kubeCache: join(home, '.kube/cache'), environment: environmentOf(env, target) }
}

/** What leads to the web, for airstrip, kubectl and helm; each proxy in either spelling. */
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()])
const authorities = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'] as const

/** Where kubectl and helm were found, which cluster they meant, and how the web was reached. */
function environmentOf(env: NodeJS.ProcessEnv, { kubeconfig }: Target): Record<string, string> {
  const { PATH = '', KUBECONFIG = '' } = env
  // What npx puts in front is not the person's, and says where they stood.
  const folders = PATH.split(':').filter((folder) => isAbsolute(folder) && !folder.includes('/node_modules/'))
  const files = kubeconfig === undefined ? KUBECONFIG.split(':').filter((path) => path !== '').map((path) => resolve(path)) : []
  const kept = proxies.flatMap((name): [string, string][] => (env[name] && !holdsLogin(env[name]) ? [[name, env[name]]] : []))
  const trusted = authorities.flatMap((name): [string, string][] => (env[name] ? [[name, resolve(env[name])]] : []))
  return { PATH: [...new Set(folders)].join(':'), ...(files.length === 0 ? {} : { KUBECONFIG: files.join(':') }), ...Object.fromEntries([...kept, ...trusted].filter(([, value]) => unquotable(value, true) === undefined)) }
}

/** Everybody may read a unit file, and see a command of cron's while it runs. */
function holdsLogin(address: string): boolean {
  return address.includes('@')
}

/** Variables of the shell that the runs will not have, since there is a login in them. */
export function withLogins(env: NodeJS.ProcessEnv): string[] {
  return proxies.filter((name) => env[name] !== undefined && holdsLogin(env[name]))
}

/** What root can read and another cannot shows only when the timer fires; so it is tried as that one. */
export async function checkAccess(plan: Plan, { uid, gid, name }: Person, host: Host, exec: Exec): Promise<void> {
  const { config, state, kubeconfig, program } = plan
  if (gid === undefined || name === undefined) return
  const wanted = [['-x', program.node], ['-r', `${program.checkout}/run.ts`], ['-r', config], ['-r', kubeconfig], ['-w', dirname(state)], ['-w', host.ownerOf(state) === undefined ? undefined : state]] as const
  const verbs = { '-x': 'run', '-r': 'read', '-w': 'write' }
  const tried = await Promise.all(wanted.map(async ([test, path]) => {
    if (path === undefined) return []
    const { exitCode } = await exec({ tool: 'setpriv', args: [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--', 'test', test, path] })
    // Anything but `test`'s own no means that it could not be tried; then the run itself will tell.
    return exitCode === 1 ? [`${name} cannot ${verbs[test]} ${path}`] : []
  }))
  const mistakes = tried.flat()
  if (mistakes.length > 0) throw refused([`the runs would be those of ${name}, who owns ${config}`, ...mistakes], `Give ${name} access (chown, chmod), or give the configuration to who has it.`)
}

function refused(mistakes: string[], next?: string): AirstripError {
  const [first = '', ...rest] = mistakes
  const sentence = rest.length === 0 ? `${first.charAt(0).toUpperCase()}${first.slice(1)}.` : `${mistakes.length} things are in the way.`
  return new AirstripError('USAGE', sentence, { ...(rest.length === 0 ? {} : { seen: mistakes }), next: next ?? 'Correct that and run it again; `airstrip schedule --help` lists what can be written.' })
}
