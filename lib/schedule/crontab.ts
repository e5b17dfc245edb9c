/** Our lines in somebody's crontab: found, put in and taken out, with every other line left as it is. */
import { cronTimes } from './every.ts'
import { markerOf, parseMarker, programWords, scheduledVariable, targetWords, type Marker, type Plan } from './plan.ts'
import { shellWord } from '../shell-word.ts'
import { cronCommand } from './quote.ts'

const end = '# airstrip schedule end'
/** Longer commands are cut off, or refused, by Debian's cron. */
const longest = 990

export interface Entry {
  marker: Marker
  /** First line, and the one behind the last. */
  from: number
  to: number
  text: string
}

/**
 * Two lines: the times, and one at boot, for what was missed while the machine was off. `schedule
 * run` sees to the rest: that it is due, that no other is at work, that a clean run says nothing.
 */
export function cronEntry(plan: Plan, seed: string, logger: boolean): string {
  const { fields, sleep } = cronTimes(plan.every, seed)
  const words = [...programWords(plan.program), 'schedule', 'run', '--cron', '--mode', plan.mode, '--every', plan.every.text, ...targetWords(plan)]
  const variables = Object.entries({ ...plan.environment, [scheduledVariable]: plan.mode }).map(([name, value]) => `${name}=${shellWord(value)}`)
  const run = `cd ${shellWord(plan.program.checkout)} && ${[...variables, ...words.map(shellWord)].join(' ')}`
  // In a group, so that a checkout that is gone is told in the same place.
  const told = logger ? `{ ${run}; } 2>&1 | logger -t airstrip` : run
  const lines = [`${fields} sleep ${sleep}; ${cronCommand(told)}`, `@reboot sleep ${30 + sleep}; ${cronCommand(told)}`]
  return [markerOf(plan), ...lines, end, ''].join('\n')
}

export function isTooLong(entry: string): boolean {
  return entry.split('\n').some((line) => line.length > longest)
}

/** `broken` where our first line is there and what follows is not all ours. */
export function findEntry(crontab: string): Entry | 'broken' | undefined {
  const lines = linesOf(crontab)
  const starts = lines.flatMap((line, index) => (parseMarker(line.trimEnd()) === undefined ? [] : [index]))
  const ends = lines.flatMap((line, index) => (line.trimEnd() === end ? [index] : []))
  const [from] = starts
  const [last] = ends
  if (from === undefined && last === undefined) return undefined
  const marker = parseMarker(lines[from ?? 0]?.trimEnd())
  if (marker === undefined || from === undefined || last === undefined || starts.length > 1 || ends.length > 1 || last < from) return 'broken'
  const inside = lines.slice(from + 1, last)
  if (!inside.every((line) => line.includes(' schedule run --cron '))) return 'broken'
  return { marker, from, to: last + 1, text: lines.slice(from, last + 1).join('') }
}

/** With `entry` where ours was, or at the end. */
export function withEntry(crontab: string, entry: string, there: Entry | undefined): string {
  if (there === undefined) return `${crontab}${crontab === '' || crontab.endsWith('\n') ? '' : '\n'}${entry}`
  const lines = linesOf(crontab)
  return [...lines.slice(0, there.from), entry, ...lines.slice(there.to)].join('')
}

/** Each with its own end. */
function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/)
}
