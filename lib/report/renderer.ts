import { lineOf, type Event } from '../engine/events.ts'
import { eventLines } from './lines.ts'
import { stamped } from './stamped.ts'
import { terminalRenderer, type Renderer, type Screen } from './terminal.ts'

export interface Audience {
  json: boolean
  quiet: boolean
  colors: boolean
  /** Left out where stderr is no terminal. */
  screen?: Screen | undefined
  now: () => Date
  /** Data, to stdout. */
  out: (line: string) => void
  /** Progress, to stderr. */
  err: (line: string) => void
}

/** For whoever reads along: a program, a person at a terminal, or somebody who reads the log tomorrow. */
export function createRenderer({ json, quiet, colors, screen, now, out, err }: Audience): Renderer {
  if (json) return forEach((event) => [JSON.stringify(lineOf(event, now()))], out)
  if (screen === undefined) return forEach((event) => eventLines(event, { colors: false, quiet }).map((line) => stamped(line, now())), err)
  // Who wants to hear nothing does not want to see something move either.
  if (quiet) return forEach((event) => eventLines(event, { colors, quiet }), err)
  return terminalRenderer({ screen, colors, now, err })
}

function forEach(lines: (event: Event) => string[], say: (line: string) => void): Renderer {
  return {
    show: (event) => {
      for (const line of lines(event)) say(line)
    },
    end: () => undefined,
  }
}
