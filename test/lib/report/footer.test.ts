import cliTruncate from 'cli-truncate'
import stringWidth from 'string-width'
import t from 'tap'
import type { Event } from '../../../lib/engine/events.ts'
import { createFooter } from '../../../lib/report/footer.ts'
import { every } from './every.ts'

const start = Date.parse('2023-08-02T10:30:00Z')
const after = (ms: number): Date => new Date(start + ms)
const size = { rows: 24, columns: 80, cut: cliTruncate }

function footer(...events: [ms: number, event: Event][]) {
  const made = createFooter(false)
  for (const [ms, event] of events) made.heed(event, after(ms))
  return made
}

const waitingFor = (object: string, reason = 'is not ready', ms = 0): Event => ({ type: 'waiting', step: 'helm', object, reason, ms })
const begun: [number, Event] = [0, every['step-started']]

void t.test('it says what is done now, and what is waited for, since when and why', (t) => {
  const made = footer([0, every['run-started']])
  t.same(made.lines(after(1500), size), ['looking at the cluster 1.5 s'])
  made.heed(every['step-started'], after(2000))
  t.same(made.lines(after(3000), size), ['helm 1.0 s'])
  made.heed(waitingFor('Pod airflow/a', 'ContainerCreating', 1000), after(3000))
  made.heed(waitingFor('Job airflow/b'), after(4000))
  made.heed(waitingFor('Pod airflow/a', 'PodInitializing', 21_000), after(23_000))
  t.same(made.lines(after(24_000), size), ['helm 22 s', '     22 s  Pod airflow/a: PodInitializing', '     20 s  Job airflow/b: is not ready'])
  made.heed({ type: 'ready', step: 'helm', object: 'Pod airflow/a', ms: 1 }, after(24_000))
  t.same(made.lines(after(185_000), size), ['helm 3 min 03 s', '3 min 01 s  Job airflow/b: is not ready'])
  t.end()
})

void t.test('when a step or the run is over, and while somebody may be asked, nothing is there', (t) => {
  for (const over of [every.plan, every['step-done'], every['step-failed'], every['run-ended']]) {
    t.same(footer(begun, [0, waitingFor('Pod a')], [1, over]).lines(after(2), size), [], over.type)
  }
  t.same(footer(begun, [0, waitingFor('Pod a')], [1, every.plan], [1, waitingFor('Pod b')]).lines(after(1), size).length, 2, 'what is waited for after an answer is there again')
  t.end()
})

void t.test('a step that is tried again waits for nothing yet; a call that is tried again changes nothing', (t) => {
  t.same(footer(begun, [0, waitingFor('Pod a')], [0, { ...every.retry, step: 'helm' }]).lines(after(0), size), ['helm 0.0 s'])
  t.equal(footer(begun, [0, waitingFor('Pod a')], [0, every.retry]).lines(after(0), size).length, 2)
  t.end()
})

void t.test('no line is wider than the terminal, whatever is quoted and however wide its letters are', (t) => {
  const made = footer(begun, [0, waitingFor('Pod airflow/a', `日本語の理由 👩‍👩‍👧‍👦 ${'很'.repeat(60)}`)], [0, waitingFor('Pod airflow/b', '\u001B[2J\u001B[31mred\r\nand more\u0007')])
  for (const columns of [1, 2, 10, 40, 80, 200]) {
    for (const line of made.lines(after(0), { ...size, rows: 24, columns })) t.ok(stringWidth(line) <= Math.max(1, columns - 1), `${columns}: ${line}`)
  }
  t.match(made.lines(after(0), { ...size, rows: 24, columns: 200 })[2], /Pod airflow\/b: red and more/)
  t.end()
})

void t.test('it is never higher than the terminal, and says how much is not shown', (t) => {
  const made = footer(begun, ...Array.from({ length: 30 }, (_, index): [number, Event] => [0, waitingFor(`Pod airflow/${index}`)]))
  for (let rows = 1; rows < 60; rows++) t.ok(made.lines(after(0), { ...size, rows, columns: 80 }).length <= Math.max(0, rows - 3), String(rows))
  t.same(made.lines(after(0), size).length, 9)
  t.match(made.lines(after(0), size).at(-1), /and 23 more$/)
  t.match(made.lines(after(0), { ...size, rows: 5, columns: 80 }), ['helm 0.0 s', /and 30 more$/])
  t.end()
})

void t.test('without colours there is no escape code in it, with them the words are the same', (t) => {
  const [bare, painted] = [createFooter(false), createFooter(true)]
  for (const one of [bare, painted]) for (const [ms, event] of [begun, [0, waitingFor('Pod a')] as [number, Event]]) one.heed(event, after(ms))
  t.notMatch(bare.lines(after(0), size).join(''), '\u001B')
  t.match(painted.lines(after(0), size).join(''), '\u001B[')
  t.same(painted.lines(after(0), size).map((line) => stringWidth(line)), bare.lines(after(0), size).map((line) => stringWidth(line)))
  t.end()
})
