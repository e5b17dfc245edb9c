import type { Api } from '../cluster/api.ts'
import type { Exec } from '../cluster/exec.ts'
import type { Fetch } from '../cluster/fetch.ts'
import type { Web } from '../cluster/web.ts'
import type { Unattended } from '../config/schema.ts'
import type { Clock } from '../engine/clock.ts'
import type { RandomBytes } from '../access.ts'
import type { Screen } from '../report/terminal.ts'

/** All that a command may touch of the world; run.ts builds the real ones. */
export interface Deps {
  env: NodeJS.ProcessEnv
  exec: Exec
  api: Api
  /** Data, to stdout. */
  out: (line: string) => void
  /** Progress and problems, to stderr. */
  err: (line: string) => void
  /** Whether stderr is a terminal that shows colours. */
  colors: boolean
  /** Whether stdout is one: a diff that goes into a file has no colours. */
  outColors: boolean
  clock: Clock
  random: RandomBytes
  /** `host/pid/start` of this process. */
  holder: string
  /** The command line, for the lock's holder and the history. */
  commandLine: string
  cacheFolder: string
  /** To others than the cluster, for what is asked of registries; `fetchText` is one GET of it. */
  web: Web
  fetchText: Fetch
  readFile: (path: string) => string
  signal: AbortSignal
  /** The terminal that stderr is; left out where it is none. */
  screen?: Screen | undefined
  /** Puts a question to the person at the terminal; left out where there is none. */
  ask?: ((question: string) => Promise<string>) | undefined
  /** The same for what must not be seen. */
  askHidden?: ((question: string) => Promise<string>) | undefined
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
  unattended?: Unattended
  dryRun?: boolean
  /** apply: a step. doctor: a bundle. */
  from?: string
  bundle?: string
  /** The namespace, where it was written out. */
  dangerousDeleteData?: string | true
  to?: string
  only?: string[]
  skip?: string[]
  every?: string
  mode?: string
  fix?: boolean
  list?: boolean
  dangerousSkipBackup?: boolean
  system?: boolean
  user?: boolean
  cron?: boolean
  passphraseFile?: string
  chart?: string
}

/** A command is a record: help and completion are made of these too. */
export interface Command {
  name: string
  about: string
  /** Words that are no flags, in their order. The command itself says what is wrong with them, so that it is all said at once. */
  arguments?: readonly CommandArgument[]
  options: readonly CommandOption[]
  run: (flags: Flags, deps: Deps, words: readonly string[]) => Promise<number>
}

export interface CommandArgument {
  name: string
  about: string
  /** Where only these words will do. */
  choices?: readonly string[]
}

export interface CommandOption {
  flags: string
  about: string
  default?: string
  parse?: (text: string) => unknown
}
