import pc from 'picocolors'
import type { Event } from '../engine/events.ts'
import { inOneLine } from './lines.ts'
import { seconds } from './time.ts'

/** Of a terminal, in characters. What knows how wide they are is only read where there is one. */
export interface Room {
  rows: number
  columns: number
  /** The line's beginning, at most so many columns wide. */
  cut: (line: string, columns: number) => string
}

/** More would push out of sight what was said. */
const mostObjects = 8

export interface Footer {
  heed(event: Event, now: Date): void
  /** What goes on now, in no more room than there is. */
  lines(now: Date, room: Room): string[]
}

/** What a run does at this moment: its step, and each object that it waits for, with reason and time so far. */
export function createFooter(colors: boolean): Footer {
  const { dim, bold } = pc.createColors(colors)
  let doing: { what: string; since: number } | undefined
  const pending = new Map<string, { reason: string; since: number }>()
  return {
    heed: (event, now) => {
      const at = now.getTime()
      if (event.type === 'run-started') doing = { what: 'looking at the cluster', since: at }
      else if (event.type === 'step-started') doing = { what: event.step, since: at }
      else if (event.type === 'waiting') {
        doing ??= { what: event.step, since: at - event.ms }
        pending.set(event.object, { reason: event.reason, since: pending.get(event.object)?.since ?? at - event.ms })
      }
      else if (event.type === 'ready') pending.delete(event.object)
      else if (event.type === 'retry' && event.step !== undefined) pending.clear()
      else if (overWith.includes(event.type)) {
        pending.clear()
        doing = undefined
      }
    },
    lines: (now, { rows, columns, cut }) => {
      // The cursor has a line of its own, and what was said last stays in sight.
      const room = Math.min(mostObjects, rows - 4)
      if (doing === undefined || room < 0) return []
      const ago = (since: number): string => seconds(Math.max(0, now.getTime() - since))
      const fit = (line: string): string => cut(inOneLine(line), Math.max(1, columns - 1))
      const shown = [...pending].slice(0, pending.size > room ? Math.max(0, room - 1) : room)
      const more = pending.size - shown.length
      return [
        bold(fit(`${doing.what} ${ago(doing.since)}`)),
        ...shown.map(([object, { reason, since }]) => dim(fit(`${ago(since).padStart(9)}  ${object}: ${reason}`))),
        ...(more > 0 && room > 0 ? [dim(fit(`${' '.repeat(11)}and ${more} more`))] : []),
      ]
    },
  }
}

/** After these nothing is being done; a plan may be followed by a question, which needs the last line. */
const overWith: Event['type'][] = ['plan', 'step-done', 'step-failed', 'run-ended']
