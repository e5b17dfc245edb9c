import { EventEmitter } from 'node:events'
import { mock } from 'node:test'
import xterm from '@xterm/headless'
import t from 'tap'
import { screenOf } from '../../../lib/adapters/screen.ts'
import type { Event } from '../../../lib/engine/events.ts'
import { createRenderer } from '../../../lib/report/renderer.ts'
import type { Renderer } from '../../../lib/report/terminal.ts'
import { every } from '../report/every.ts'

interface Real {
  renderer: Renderer
  tell: (...events: Event[]) => void
  resize: (columns: number, rows: number) => Promise<void>
  /** What a person sees, with what scrolled away above, lines that were broken in two joined again. */
  shown: () => Promise<string[]>
  sent: string[]
  stream: EventEmitter
}

const unforeseen = (text: string): void => {
  throw new Error(`data on a terminal: ${text}`)
}

/** A real terminal, without the glass. */
function terminal(columns = 60, rows = 12, colors = true): Real {
  const term = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true, scrollback: 1000 })
  const sent: string[] = []
  const stream = Object.assign(new EventEmitter(), {
    columns, rows, isTTY: true,
    write: (text: string, done?: () => void) => {
      sent.push(text)
      term.write(text, done)
      return true
    },
  })
  const flushed = (): Promise<void> => new Promise((resolve) => {
    term.write('', resolve)
  })
  const renderer = createRenderer({ json: false, quiet: false, colors, screen: screenOf(stream as unknown as Parameters<typeof screenOf>[0]), now: () => new Date(0), out: unforeseen, err: (line) => stream.write(`${line}\n`) })
  return {
    renderer, sent, stream,
    tell: (...events) => {
      for (const event of events) renderer.show(event)
    },
    resize: async (columns, rows) => {
      await flushed()
      term.resize(columns, rows)
      Object.assign(stream, { columns, rows })
      stream.emit('resize')
    },
    shown: async () => {
      await flushed()
      const lines: string[] = []
      for (let index = 0; index < term.buffer.active.length; index++) {
        const line = term.buffer.active.getLine(index)
        const text = line?.translateToString(true) ?? ''
        if (line?.isWrapped === true) lines.push(`${lines.pop() ?? ''}${text}`)
        else lines.push(text)
      }
      return lines.join('\n').trimEnd().split('\n')
    },
  }
}

const waitingFor = (object: string, reason: string): Event => ({ type: 'waiting', step: 'helm', object, reason, ms: 0 })
const lasting = (count: number): string[] => Array.from({ length: count }, (_, index) => `helm         ongoing  Pod a: reason ${index} 0.0 s`)

void t.test('what was said stays in its order, what goes on now is below it, and at the end only the first is there', async (t) => {
  const { tell, renderer, shown } = terminal()
  tell(every['step-started'])
  for (let index = 0; index < 40; index++) tell(waitingFor('Pod a', `reason ${index}`))
  t.same(await shown(), [...lasting(40), 'helm 0.0 s', '    0.0 s  Pod a: reason 39'])
  tell({ type: 'ready', step: 'helm', object: 'Pod a', ms: 0 }, every['step-done'])
  renderer.end()
  t.same(await shown(), [...lasting(40), 'helm         ok       Pod a 0.0 s', 'helm         done     airflow 1.10.0 (2 changed, 61 s)'])
})

void t.test('a terminal that changes its size in between keeps nothing of what was drawn, and loses nothing that was said', async (t) => {
  const { tell, renderer, resize, shown } = terminal(60, 12)
  tell(every['step-started'])
  const sizes = [[30, 12], [90, 30], [20, 6], [60, 4], [61, 24], [10, 9], [60, 12]] as const
  for (const [index, [columns, rows]] of sizes.entries()) {
    tell(waitingFor('Pod a', `reason ${index}`))
    await resize(columns, rows)
    renderer.show(every['step-started'])
  }
  renderer.end()
  t.same(await shown(), lasting(sizes.length))
})

void t.test('it is redrawn by itself while nothing is said, and not any more after the end', (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => {
    mock.timers.reset()
  })
  const { tell, renderer, sent, stream } = terminal()
  tell(every['step-started'])
  const before = sent.length
  mock.timers.tick(3000)
  t.ok(sent.length > before)
  renderer.end()
  const after = sent.length
  mock.timers.tick(10_000)
  stream.emit('resize')
  t.equal(sent.length, after)
  t.equal(stream.listenerCount('resize'), 0)
  t.end()
})

void t.test('each write has whole escape codes, none of them sets a mode, and without colours there is none of colour', (t) => {
  for (const colors of [true, false]) {
    const { tell, renderer, sent } = terminal(40, 10, colors)
    tell(...Object.values(every), every['step-started'], waitingFor('Pod a', '很'.repeat(50)))
    renderer.end()
    const codes = sent.flatMap((text) => text.split('\u001B').slice(1))
    t.same(codes.filter((code) => !/^\[\d*[AGJm]/.test(code)), [])
    t.equal(codes.some((code) => /^\[\d+m/.test(code)), colors)
  }
  t.end()
})

void t.test('a terminal that does not know its size is taken for the usual one', (t) => {
  const stream = Object.assign(new EventEmitter(), { columns: 0, rows: 0, write: () => true })
  t.match(screenOf(stream as unknown as Parameters<typeof screenOf>[0]).size(), { rows: 24, columns: 80 })
  t.end()
})
