import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, statfsSync, type Stats } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AirstripError } from '../errors.ts'
import type { FolderFacts, KubernetesObject, SecretSource } from '../access.ts'

/** Facts about the machine that airstrip runs on. */

export async function resolveHost(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    return []
  }
}

/** A secret's file must be the person's alone; its last newline is the editor's, not the secret's. */
export function readSecret(source: SecretSource, env: NodeJS.ProcessEnv): string {
  if ('env' in source) {
    const value = env[source.env]
    if (value !== undefined && value !== '') return value
    throw new AirstripError('SECRET_UNAVAILABLE', `The environment variable ${source.env} is not set.`, { place: source.env })
  }
  const stat = statSync(source.file, { throwIfNoEntry: false })
  if (stat === undefined) throw new AirstripError('SECRET_UNAVAILABLE', `There is no file ${source.file}.`, { place: source.file })
  if ((stat.mode & 0o077) !== 0) {
    throw new AirstripError('SECRET_UNAVAILABLE', `${source.file} can be read by others.`, { place: source.file, next: `chmod 600 ${source.file}` })
  }
  const value = stat.isFile() ? readFileSync(source.file, 'utf8').replace(/\r?\n$/, '') : ''
  if (value !== '') return value
  throw new AirstripError('SECRET_UNAVAILABLE', `${source.file} ${stat.isFile() ? 'is empty' : 'is not a file'}.`, { place: source.file })
}

/** The node's machine id tells whether its folders are ours to look at. */
export function isThisMachine({ status }: KubernetesObject): boolean {
  const { machineID } = (status as { nodeInfo?: { machineID?: string } } | undefined)?.nodeInfo ?? {}
  return machineID !== undefined && machineID === machineId()
}

export function folderFacts(path: string, node: KubernetesObject): FolderFacts | undefined {
  if (!isThisMachine(node)) return undefined
  const stat = statIfAllowed(path)
  if (stat === 'hidden') return undefined
  if (stat === undefined) return { exists: false }
  if (!stat.isDirectory()) return { exists: false, taken: true }
  return isUnmapped(stat.uid) ? undefined : { exists: true, uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o7777, ...roomIn(path) }
}

function roomIn(path: string): Pick<FolderFacts, 'freeBytes' | 'freeFiles'> {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(path)
    // A file system that makes inodes as it goes counts none at all.
    return { freeBytes: bavail * bsize, ...(files === 0 ? {} : { freeFiles: ffree }) }
  } catch {
    // It went away meanwhile, or a network's server does not answer: what else is known is told.
    return {}
  }
}

/** A timer's user, or a root without its capabilities, may not look behind every door. */
function statIfAllowed(path: string): Stats | 'hidden' | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return 'hidden'
    throw error
  }
}

/** In a user namespace, where a person's own systemd shuts a service in, everybody else looks like nobody. */
export function isUnmapped(uid: number): boolean {
  return uid === nobody && !/^\s*0\s+0\s+4294967295\s*$/.test(readIfThere('/proc/self/uid_map') ?? '0 0 4294967295')
}

const nobody = 65_534

function machineId(): string | undefined {
  return readIfThere('/etc/machine-id')?.trim()
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** `host/pid/start`: a pid alone may have been given to another process since. */
export function holderOf(pid: number): string {
  return `${hostname()}/${pid}/${startOf(pid) ?? ''}`
}

export function holderAlive(holder: string): boolean | undefined {
  const [host, pid, start] = holder.split('/')
  if (host !== hostname()) return undefined
  return start !== undefined && start !== '' && startOf(Number(pid)) === start
}

/** From /proc where there is one, since it costs no process; a boot id, because ticks begin anew at boot. */
function startOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name, in parentheses, may hold anything; field 22 is the 20th after it.
    return `${boot}-${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`
  } catch {
    return process.platform === 'linux' ? undefined : startByPs(pid)
  }
}

function startByPs(pid: number): string | undefined {
  const started = ps(['-o', 'lstart=', '-p', String(pid)]).trim()
  return started === '' ? undefined : String(Date.parse(started) / 1000)
}

function ps(args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

const graceMs = 30_000

/**
 * Helm processes that a dead run of this host left behind, told by the mark in their arguments.
 * TERM lets Helm write `failed` into its record; nothing is killed harder than that.
 */
export async function endOrphans(self: string, release: string): Promise<void> {
  const deadline = Date.now() + graceMs
  for (let orphans = orphansOf(self, release); orphans.length > 0 && Date.now() < deadline; orphans = orphansOf(self, release)) {
    for (const pid of orphans) signal(pid)
    await sleep(500)
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It ended by itself in the meantime.
  }
}

function orphansOf(self: string, release: string): number[] {
  const lines = ps(['-axww', '-o', 'pid=,args=']).split('\n')
  return lines.flatMap((line) => {
    const [, pid, name, by] = /^\s*(\d+)\s+\S*helm\s+(?:upgrade --install|uninstall) (\S+) .*--description=airstrip (?:chart=\S+|destroy) by=(\S+)/.exec(line) ?? []
    const ours = pid !== undefined && by !== undefined && by !== self && name === release && holderAlive(by) === false
    return ours ? [Number(pid)] : []
  })
}
