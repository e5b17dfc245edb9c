import type { Exec } from '../cluster/exec.ts'
import type { Clock } from '../engine/clock.ts'
import type { RandomBytes } from '../access.ts'

/** All that a command may touch of the world; run.ts builds the real ones. */
export interface Deps {
  env: NodeJS.ProcessEnv
  exec: Exec
  /** Data, to stdout. */
  out: (line: string) => void
  /** Progress and problems, to stderr. */
  err: (line: string) => void
  /** Whether stderr is a terminal that shows colours. */
  colors: boolean
  clock: Clock
  random: RandomBytes
  /** `host/pid/start` of this process. */
  holder: string
  /** The command line, for the lock's holder and the history. */
  commandLine: string
  cacheFolder: string
  fetchText: (url: string) => Promise<string>
  readFile: (path: string) => string
  signal: AbortSignal
}

/** Flags as commander gives them; each command uses those it knows. */
export interface Flags {
  config: string
  state: string
  kubeconfig?: string
  context?: string
  yes?: boolean
  json?: boolean
  quiet?: boolean
  color: boolean
  timeout?: number
  detailedExitcode?: boolean
  from?: string
  to?: string
  only?: string[]
  skip?: string[]
}

/** A command is a record: help and completion are made of these too. */
export interface Command {
  name: string
  about: string
  options: readonly CommandOption[]
  run: (flags: Flags, deps: Deps) => Promise<number>
}

export interface CommandOption {
  flags: string
  about: string
  default?: string
  parse?: (text: string) => unknown
}
