/** What is to be run, how often, and by whom; what unit files and crontab entries are made of. */
import { z } from 'zod'
import type { Every } from './every.ts'

export const modes = ['report', 'repair'] as const
export type Mode = (typeof modes)[number]

export const keepers = ['system', 'user', 'cron'] as const
/** Who keeps the time: systemd of the machine, of the person, or cron. */
export type Keeper = (typeof keepers)[number]

/** How to start this very checkout, without npx and whatever the PATH is. */
export interface Program {
  node: string
  /** tsx, as node's --import takes it. */
  loader: string
  checkout: string
}

/** What a run works on; every path absolute. */
export interface Target {
  config: string
  state: string
  kubeconfig?: string | undefined
  context?: string | undefined
}

export interface Plan extends Target {
  keeper: Keeper
  mode: Mode
  every: Every
  program: Program
  /** Who it runs as, where that is not the one who asks. */
  runAs?: string | undefined
  /** What airstrip downloads lies in `airstrip` below it: the same as in a run by hand, so that it works without a network, too. */
  caches: string
  /** Where kubectl and helm keep what the cluster can do: without it every call asks for all of that anew. */
  kubeCache: string
  /** As it was when it was installed. */
  environment: Record<string, string>
}

/** Report: say what differs and change nothing. Repair: bring back what was made and was changed or deleted. */
const modeWords: Record<Mode, string[]> = {
  report: ['diff', '--detailed-exitcode', '--quiet'],
  repair: ['apply', '--quiet', '--unattended', 'repair'],
}

export function programWords({ node, loader, checkout }: Program): string[] {
  return [node, `--import=${loader}`, `${checkout}/run.ts`]
}

export function targetWords({ config, state, kubeconfig, context }: Target): string[] {
  return [
    '--config', config,
    '--state', state,
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--context', context]),
  ]
}

/** The whole command of one run. */
export function runWords(plan: Plan): string[] {
  return [...programWords(plan.program), ...modeWords[plan.mode], ...targetWords(plan)]
}

/** Set in every run that was started by a timer: nobody is there to read what it says. */
export const scheduledVariable = 'AIRSTRIP_SCHEDULED'

const prefix = '# airstrip schedule '

const markerSchema = z.object({
  keeper: z.enum(keepers),
  mode: z.enum(modes),
  every: z.string(),
  config: z.string(),
  state: z.string(),
})

export type Marker = z.output<typeof markerSchema>

/** The line that says whose a file is, and what it is for. */
export function markerOf({ keeper, mode, every, config, state }: Plan): string {
  return prefix + JSON.stringify({ keeper, mode, every: every.text, config, state } satisfies Marker)
}

/** What the marker says; undefined for a line that is not ours. */
export function parseMarker(line: string | undefined): Marker | undefined {
  if (line?.startsWith(`${prefix}{`) !== true) return undefined
  try {
    return markerSchema.safeParse(JSON.parse(line.slice(prefix.length))).data
  } catch {
    return undefined
  }
}
