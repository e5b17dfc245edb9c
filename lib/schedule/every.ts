/** How often: only what systemd and cron can both say, so that either does the same. */

export interface Every {
  /** `15m`, `6h`, `daily`. */
  text: string
  minutes: number
}

const hour = 60
const day = 24 * hour

const words: Record<string, number> = { hourly: hour, daily: day, '1d': day }

export const everyAdvice = 'write minutes that divide an hour (5m, 10m, 15m, 30m), hours that divide a day (1h, 2h, 6h, 12h), or daily'

/** Undefined where it is none: 7m would drift against the hour, and cron cannot say it at all. */
export function parseEvery(text: string): Every | undefined {
  const [, digits, unit] = /^(\d{1,2})([mh])$/.exec(text) ?? []
  const minutes = words[text] ?? Number(digits) * (unit === 'h' ? hour : 1)
  const whole = minutes <= hour ? hour % minutes === 0 : minutes % hour === 0 && day % minutes === 0
  return minutes > 0 && whole ? { text: nameOf(minutes), minutes } : undefined
}

function nameOf(minutes: number): string {
  if (minutes === day) return 'daily'
  return minutes < hour ? `${minutes}m` : `${minutes / hour}h`
}

/** systemd's OnCalendar=; only that kind of timer catches up what was missed. */
export function calendarOf({ minutes }: Every): string {
  if (minutes === day) return 'daily'
  if (minutes === hour) return 'hourly'
  return minutes < hour ? `*:0/${minutes}` : `0/${minutes / hour}:00`
}

/** So that not every machine asks the same server at the same second; a tenth, and never over 15 min. */
export function jitterSeconds({ minutes }: Every): number {
  return Math.min(900, minutes * 6)
}

/**
 * When cron starts it. cron has no jitter, so the minute and second are this machine's own. What
 * runs less often than hourly is looked at every hour, and runs when it is due: cron itself
 * forgets what it missed.
 */
export function cronTimes(every: Every, seed: string): { fields: string; sleep: number } {
  const hash = hashOf(seed)
  const tick = Math.min(every.minutes, hour)
  const minute = hash % tick
  const sleep = Math.floor(hash / hour) % Math.min(60, jitterSeconds(every))
  if (tick === hour) return { fields: `${minute} * * * *`, sleep }
  return { fields: `${tick === 1 ? '*' : `${minute}-59/${tick}`} * * * *`, sleep }
}

/** djb2: the same number for the same text is all that is asked of it. */
function hashOf(text: string): number {
  let hash = 5381
  for (const character of text) hash = (hash * 33 + (character.codePointAt(0) ?? 0)) % 2 ** 32
  return hash
}

const slackMs = hour / 2 * 60_000

/** Whether a run that cron started has something to do. */
export function isDue(every: Every, last: Date | undefined, now: Date): boolean {
  if (every.minutes <= hour || last === undefined || last > now) return true
  return now.getTime() - last.getTime() >= every.minutes * 60_000 - slackMs
}

/** The next run that cron will start, to the minute. */
export function nextByCron(every: Every, seed: string, last: Date | undefined, now: Date): Date {
  const tick = Math.min(every.minutes, hour)
  const minute = hashOf(seed) % tick
  const next = new Date(now)
  next.setSeconds(0, 0)
  do next.setMinutes(next.getMinutes() + 1)
  while (next.getMinutes() % tick !== minute || !isDue(every, last, next))
  return next
}
