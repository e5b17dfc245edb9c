import { accessSync, chownSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, hostname, userInfo } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import writeFileAtomic from 'write-file-atomic'
import { AirstripError } from '../errors.ts'
import { baseFolder } from './base-folder.ts'
import type { Program } from '../schedule/plan.ts'

/** This machine, as a schedule needs it. */
export interface Host {
  name: string
  uid: number
  home: string
  /** Whether systemd runs it; that its tools are there says nothing. */
  systemd: boolean
  /** Whether the person's own systemd also runs while nobody is logged in. */
  lingers: () => boolean
  program: Program
  unitFolder: (scope: 'system' | 'user') => string
  has: (tool: string) => boolean
  ownerOf: (path: string) => number | undefined
  read: (path: string) => string | undefined
  write: (path: string, text: string) => Promise<void>
  remove: (path: string) => void
  /** With all above it; what is new belongs to that person. */
  makeFolder: (path: string, owner: { uid: number; gid?: number }) => void
}

/** A test lets another folder be the root. */
export function thisHost(env: NodeJS.ProcessEnv, root = '/', uid = process.getuid?.() ?? 0): Host {
  return {
    name: hostname(),
    uid,
    home: env.HOME ?? homedir(),
    systemd: existsSync(join(root, 'run/systemd/system')),
    lingers: () => existsSync(join(root, 'var/lib/systemd/linger', userInfo().username)),
    program: { node: process.execPath, loader: import.meta.resolve('tsx'), checkout: fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '') },
    unitFolder: (scope) => (scope === 'system' ? join(root, 'etc/systemd/system') : join(baseFolder('XDG_CONFIG_HOME', env, env.HOME ?? homedir()), 'systemd/user')),
    has: (tool) => (env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, tool))),
    ownerOf: (path) => statSync(path, { throwIfNoEntry: false })?.uid,
    read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    write: async (path, text) => {
      try {
        mkdirSync(dirname(path), { recursive: true })
        await writeFileAtomic(path, text, { mode: 0o644 })
      } catch (error) {
        throw notAllowed(path, error)
      }
    },
    remove: (path) => {
      try {
        rmSync(path, { force: true })
      } catch (error) {
        throw notAllowed(path, error)
      }
    },
    makeFolder,
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function makeFolder(path: string, owner: { uid: number; gid?: number }): void {
  if (existsSync(path)) return
  makeFolder(dirname(path), owner)
  mkdirSync(path)
  if (owner.gid !== undefined) chownSync(path, owner.uid, owner.gid)
}

function notAllowed(path: string, cause: unknown): AirstripError {
  return new AirstripError('BLOCKED', `${path} cannot be written or removed (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}).`, {
    place: path,
    next: 'Run it as the user whom it belongs to; for a timer of the whole machine that is root.',
    cause,
  })
}
