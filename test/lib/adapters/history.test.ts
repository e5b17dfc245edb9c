import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { historyFiles, historyPaths } from '../../../lib/adapters/history.ts'
import { lineSchema } from '../../../lib/engine/events.ts'
import { parseHistory, type HistoryEntry } from '../../../lib/engine/history.ts'
import { thrown } from '../../fakes/caught.ts'

const entry = (number: number): HistoryEntry => ({ id: `20230802T103000${String(number).padStart(3, '0')}Z-42`, command: 'airstrip apply „naïve“', holder: 'home/42/1', startedAt: '2023-08-02T10:30:00.000Z', endedAt: '2023-08-02T10:31:00.000Z', result: 'done', exitCode: 0, changed: number, steps: { helm: 'done' } })
const idsOf = (text: string | undefined): string[] => parseHistory(text ?? '').map(({ id }) => id)

void t.test('a line that was cut at any byte swallows neither the one before it nor the next', (t) => {
  const state = join(t.testdir({}), 'state.json')
  const { history } = historyPaths(state)
  const files = historyFiles(state)
  const last = Buffer.from(`${JSON.stringify(entry(2))}\n`)
  const wrong: number[] = []
  for (let length = 0; length < last.length; length++) {
    for (const lost of [0, last.length - length]) {
      fs.writeFileSync(history, Buffer.concat([Buffer.from(`${JSON.stringify(entry(1))}\n`), last.subarray(0, length), Buffer.alloc(lost)]))
      files.append(JSON.stringify(entry(3)))
      const ids = idsOf(files.read())
      const half = length < last.length - 1 || lost > 0
      if (JSON.stringify(ids) !== JSON.stringify([entry(1), ...(half ? [] : [entry(2)]), entry(3)].map(({ id }) => id))) wrong.push(length)
    }
  }
  t.same(wrong, [])
  t.end()
})

void t.test('the newest thousand runs are kept, and no name but their own', (t) => {
  const state = join(t.testdir({}), 'state.json')
  const { history } = historyPaths(state)
  fs.writeFileSync(history, Array.from({ length: 1500 }, (_, index) => `${JSON.stringify(entry(index))}\n`).join(''))
  historyFiles(state).append(JSON.stringify(entry(1500)))
  const ids = idsOf(fs.readFileSync(history, 'utf8'))
  t.equal(ids.length, 1000)
  t.equal(ids[0], entry(501).id)
  t.equal(ids.at(-1), entry(1500).id)
  t.equal(fs.statSync(history).mode & 0o777, 0o600)
  t.end()
})

void t.test('the newest hundred transcripts are kept, and what is called otherwise is left alone', (t) => {
  const state = join(t.testdir({}), 'state.json')
  const { runs } = historyPaths(state)
  const files = historyFiles(state)
  fs.mkdirSync(runs)
  fs.writeFileSync(join(runs, 'notes.ndjson'), 'mine')
  for (let number = 0; number < 105; number++) files.begin(entry(number).id)('{}')
  const names = fs.readdirSync(runs).sort()
  t.equal(names.length, 101)
  t.equal(names[0], `${entry(5).id}.ndjson`)
  t.ok(names.includes('notes.ndjson'))
  t.end()
})

void t.test('history and transcripts are for their owner alone, and a transcript is never written over', (t) => {
  const state = join(t.testdir({}), 'state', 'state.json')
  const { history, runs } = historyPaths(state)
  const files = historyFiles(state)
  t.equal(files.read(), undefined)
  files.append(JSON.stringify(entry(1)))
  files.begin(entry(1).id)('{"a":1}')
  t.equal(fs.statSync(history).mode & 0o777, 0o600)
  t.equal(fs.statSync(runs).mode & 0o777, 0o700)
  t.equal(fs.statSync(join(runs, `${entry(1).id}.ndjson`)).mode & 0o777, 0o600)
  t.match(thrown(() => files.begin(entry(1).id)), { code: 'EEXIST' })
  t.equal(fs.readFileSync(join(runs, `${entry(1).id}.ndjson`), 'utf8'), '{"a":1}\n')
  t.end()
})

void t.test('two state files in one folder have a history each, since each has its own lock', (t) => {
  t.same(historyPaths('state/state.json'), { history: 'state/history.ndjson', runs: 'state/runs' })
  t.same(historyPaths('state/attic.json'), { history: 'state/attic.history.ndjson', runs: 'state/attic.runs' })
  t.end()
})

void t.test('what was said before a kill -9 is in the transcript, line by line', async (t) => {
  const folder = t.testdir({})
  const child = spawn(process.execPath, ['--import=tsx', new URL('transcribe.ts', import.meta.url).pathname, join(folder, 'state.json')], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } })
  for await (const line of createInterface({ input: child.stdout })) if (line === '25') child.kill('SIGKILL')
  const [name = ''] = fs.readdirSync(join(folder, 'runs'))
  const lines = fs.readFileSync(join(folder, 'runs', name), 'utf8').split('\n').filter((line) => line !== '').map((line) => lineSchema.parse(JSON.parse(line)))
  t.ok(lines.length >= 26, `${lines.length} lines`)
  t.match(lines[0], { type: 'run-started' })
  t.match(lines[25], { type: 'waiting', reason: 'reason 25' })
})
