import type { Event } from '../engine/events.ts'
import { createFooter, type Room } from './footer.ts'
import { eventLines } from './lines.ts'

/** Shows a run to somebody as it goes. */
export interface Renderer {
  show(event: Event): void
  /** Leaves nothing behind that would still move. */
  end(): void
}

/** The lower end of a terminal, below everything that was said. */
export interface Screen {
  /** How many lines and columns there are now. */
  size(): Room
  /** Puts these lines where the last ones were; none takes them away. */
  draw(lines: readonly string[]): void
  /** Calls now and then, and whenever the terminal has another size, until the function that it returns is called. */
  whenStale(redraw: () => void): () => void
}

export interface Terminal {
  screen: Screen
  colors: boolean
  now: () => Date
  err: (line: string) => void
}

/** Lines that stay, and below them, redrawn in place, what is being waited for now. */
export function terminalRenderer({ screen, colors, now, err }: Terminal): Renderer {
  const footer = createFooter(colors)
  const redraw = (): void => {
    screen.draw(footer.lines(now(), screen.size()))
  }
  let stop: (() => void) | undefined
  return {
    show: (event: Event) => {
      // What was asked here stands here, with its answer.
      const lines = event.type === 'asked' ? [] : eventLines(event, { colors, quiet: false })
      stop ??= screen.whenStale(redraw)
      screen.draw([])
      for (const line of lines) err(line)
      footer.heed(event, now())
      redraw()
    },
    end: () => {
      stop?.()
      stop = undefined
      screen.draw([])
    },
  }
}
