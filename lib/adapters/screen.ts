import { clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import type { WriteStream } from 'node:tty'
import cliTruncate from 'cli-truncate'
import stringWidth from 'string-width'
import type { Room } from '../report/footer.ts'
import type { Screen } from '../report/terminal.ts'

const staleMs = 1000

/** What a terminal is taken for that does not know its size (a serial line) or says that it is nothing. */
const usual = { rows: 24, columns: 80 }

type Stream = Pick<WriteStream, 'write' | 'on' | 'off'> & Partial<Pick<WriteStream, 'rows' | 'columns'>>

/** The cursor is never hidden and no mode is set, so whatever ends this process leaves a terminal that works. */
export function screenOf(stream: Stream): Screen {
  let drawn: readonly string[] = []
  const size = (): Room => ({ rows: known(stream.rows) ?? usual.rows, columns: known(stream.columns) ?? usual.columns, cut: cliTruncate })
  return {
    size,
    draw: (lines) => {
      if (drawn.length > 0) {
        // A terminal that became narrower has broken lines in two that were drawn as one.
        const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / size().columns)), 0)
        moveCursor(stream as WriteStream, 0, -rows)
        cursorTo(stream as WriteStream, 0)
        clearScreenDown(stream as WriteStream)
      }
      if (lines.length > 0) stream.write(`${lines.join('\n')}\n`)
      drawn = lines
    },
    whenStale: (redraw) => {
      const timer = setInterval(redraw, staleMs)
      stream.on('resize', redraw)
      return () => {
        clearInterval(timer)
        stream.off('resize', redraw)
      }
    },
  }
}

function known(count: number | undefined): number | undefined {
  return count === 0 ? undefined : count
}
