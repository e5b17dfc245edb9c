import t from 'tap'
import { lineSchema, type Event } from '../../../lib/engine/events.ts'
import { createRenderer, type Audience } from '../../../lib/report/renderer.ts'
import { stamped } from '../../../lib/report/stamped.ts'
import type { Screen } from '../../../lib/report/terminal.ts'
import { every } from './every.ts'

const now = new Date('2023-08-02T10:30:00.999Z')
const all = Object.values(every)
const painted = { ...every.waiting, reason: '\u001B[31mred\u001B[0m\nand another line' }

interface Heard {
  out: string[]
  err: string[]
  drawn: (readonly string[])[]
  /** Whether somebody still redraws. */
  live: () => boolean
}

function heard(fields: Partial<Audience>, events: readonly Event[]): Heard {
  const [out, err, drawn]: [string[], string[], (readonly string[])[]] = [[], [], []]
  let live = 0
  const screen: Screen = {
    size: () => ({ rows: 24, columns: 80, cut: (line: string) => line }),
    draw: (lines) => drawn.push(lines),
    whenStale: () => {
      live++
      return () => {
        live--
      }
    },
  }
  const renderer = createRenderer({ json: false, quiet: false, colors: true, now: () => now, out: (line) => out.push(line), err: (line) => err.push(line), ...fields, ...(fields.screen === undefined ? {} : { screen }) })
  for (const event of events) renderer.show(event)
  renderer.end()
  return { out, err, drawn, live: () => live > 0 }
}

const atTerminal = { screen: {} as Screen }

void t.test('for a program: an object a line on stdout, and nothing anywhere else, terminal or not', (t) => {
  for (const fields of [{}, atTerminal, { quiet: true }]) {
    const { out, err, drawn } = heard({ json: true, ...fields }, [...all, painted])
    t.equal(out.length, all.length + 1)
    for (const line of out) t.match(lineSchema.parse(JSON.parse(line)), { version: 1, at: '2023-08-02T10:30:00.999Z' })
    t.same([...err, ...drawn], [])
    t.notMatch(out.join(''), '\u001B')
  }
  t.end()
})

void t.test('for a log: every line begins with the time, none has an escape code, and stdout stays empty', (t) => {
  const { out, err } = heard({}, [...all, painted])
  t.same(out, [])
  t.same(err.filter((line) => !/^2023-08-02T10:30:00Z [^\p{Cc}]+$/u.test(line)), [])
  t.match(err[0], /^2023-08-02T10:30:00Z airstrip apply on home, resuming at helm$/)
  t.same(heard({ quiet: true }, [{ ...every['step-done'], changed: 0 }, every['run-ended']]).err, [])
  t.equal(stamped('x', now), '2023-08-02T10:30:00Z x')
  t.end()
})

void t.test('for a person: lines that stay without a time, and below them what goes on now, gone at the end', (t) => {
  const { out, err, drawn, live } = heard({ ...atTerminal, colors: false }, [every['step-started'], every.waiting])
  t.same(out, [])
  t.same(err, ['helm         ongoing  Pod airflow/x: ContainerCreating 1.5 s'])
  t.ok(drawn.some((lines) => lines.length === 2))
  t.same(drawn.at(-1), [])
  t.notOk(live(), 'and nobody redraws any more')
  t.end()
})

void t.test('whatever is said is said while nothing is drawn below it', (t) => {
  const order: string[] = []
  const screen: Screen = { size: () => ({ rows: 24, columns: 80, cut: (line: string) => line }), draw: (lines) => order.push(lines.length === 0 ? 'clear' : 'draw'), whenStale: () => () => undefined }
  const renderer = createRenderer({ json: false, quiet: false, colors: false, screen, now: () => now, out: () => order.push('data'), err: () => order.push('line') })
  for (const event of [every['step-started'], every.waiting, every.change]) renderer.show(event)
  renderer.end()
  t.same(order, ['clear', 'draw', 'clear', 'line', 'draw', 'clear', 'line', 'draw', 'clear'])
  t.end()
})

void t.test('at a terminal a question is not repeated, and quiet means that nothing moves', (t) => {
  t.same(heard(atTerminal, [every.asked]).err, [])
  t.match(heard({}, [every.asked]).err, [/Make these 3 changes\? yes/])
  const quiet = heard({ ...atTerminal, quiet: true }, all)
  t.same(quiet.drawn, [])
  t.equal(quiet.err.length, 4)
  t.end()
})
