import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import type { Event } from '../engine/events.ts'
import { eachString } from '../engine/redacted.ts'
import { shellWord } from '../shell-word.ts'
import type { Finding, StepName } from '../step.ts'
import { seconds } from './time.ts'

type Colors = ReturnType<typeof pc.createColors>

export interface LineOptions {
  colors: boolean
  /** Only what changed or went wrong. */
  quiet: boolean
}

type Formatters = { [Type in Event['type']]: (event: Extract<Event, { type: Type }>, colors: Colors) => string[] }

const mark = (step: StepName | ''): string => step.padEnd(12)

/** One line each; a new kind of event without a line here does not compile. */
const formatters: Formatters = {
  'run-started': ({ command, cluster, resumesAt }, { bold }) => [
    `${bold('airstrip')} ${command} on ${cluster}${resumesAt === undefined ? '' : `, resuming at ${resumesAt}`}`,
  ],
  note: ({ text }, { dim }) => [dim(text)],
  plan: ({ counts }, { bold }) => [`${bold('plan:')} ${Object.entries(counts).map(([op, count]) => `${count} ${op}`).join(', ') || 'nothing to change'}`],
  stays: ({ step, object, why }, { dim }) => [`${mark(step ?? '')} ${'stays'.padEnd(8)} ${object} ${dim(`(${why})`)}`],
  asked: ({ question, answer }, { bold }) => [`${question} ${bold(answer)}`],
  command: ({ tool, args, would }, { dim }) => [`${dim(would ? 'would run' : 'ran')} ${[tool, ...args].map(shellWord).join(' ')}`],
  'step-started': () => [],
  change: ({ step, op, object, why }, { cyan, dim }) => [`${mark(step)} ${cyan(op.padEnd(8))} ${object} ${dim(`(${why})`)}`],
  waiting: ({ step, object, reason, ms }, { dim }) => [`${mark(step)} ${dim('ongoing ')} ${object}: ${reason} ${dim(seconds(ms))}`],
  ready: ({ step, object, ms }, { green, dim }) => [`${mark(step)} ${green('ok')}       ${object} ${dim(seconds(ms))}`],
  warning: ({ step, finding }, colors) => [`${mark(step)} ${colors.yellow('warning')}  ${finding.title}`, ...adviceOf(finding, colors)],
  retry: ({ what, reason, attempt }, { yellow }) => [`${yellow('again')} ${what} (try ${attempt + 1}): ${reason}`],
  'step-done': ({ step, changed, evidence, ms }, { green, dim }) => [
    `${mark(step)} ${green('done')}     ${evidence[0] ?? 'as wanted'} ${dim(`(${changed === 0 ? 'nothing to change' : `${changed} changed`}, ${seconds(ms)})`)}`,
  ],
  'step-failed': ({ step, sentence, ms }, { red, dim }) => [`${mark(step)} ${red('failed')}   ${sentence} ${dim(`(${seconds(ms)})`)}`],
  'step-skipped': ({ step, why }, { dim }) => [dim(`${mark(step)} skipped  ${why}`)],
  'run-ended': ({ result, changed, ms }, { bold, dim }) => [`${bold(result)} ${dim(`${changed} changed in ${seconds(ms)}`)}`],
}

const quietTypes: Event['type'][] = ['note', 'change', 'retry', 'step-failed']

/** One line of advice; `doctor` says why and everything that can be done. */
function adviceOf({ fix }: Finding, { dim }: Colors): string[] {
  return [`${' '.repeat(22)}${dim('fix:')} ${fix[0]}`]
}

/** The lines of an event for a person: on a terminal with colours, in a log without. */
export function eventLines(event: Event, { colors, quiet }: LineOptions): string[] {
  if (quiet && !quietTypes.includes(event.type)) return []
  const format = formatters[event.type] as (event: Event, colors: Colors) => string[]
  return format(eachString(event, inOneLine), pc.createColors(colors))
}

/**
 * What a pod printed is quoted, and may hold colours, line breaks, or a bell: in a line of ours it can
 * neither begin another line nor move the cursor.
 */
export function inOneLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
