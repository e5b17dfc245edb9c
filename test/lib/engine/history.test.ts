import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { lineSchema, type Event } from '../../../lib/engine/events.ts'
import { createHistory, parseHistory, runId, statusesOf, type History, type HistoryFiles, type Outcome } from '../../../lib/engine/history.ts'
import { emptyState, type RunRecord, type State } from '../../../lib/engine/state.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { every } from '../report/every.ts'
import { now, real } from './recorded.ts'

interface Memory extends HistoryFiles {
  text: string
  transcripts: Map<string, string[]>
}

function memory(fail?: { begin?: Error; append?: Error }): Memory {
  return {
    text: '',
    transcripts: new Map(),
    read() {
      return this.text
    },
    append(line) {
      if (fail?.append !== undefined) throw fail.append
      this.text += `${line}\n`
    },
    begin(id) {
      if (fail?.begin !== undefined) throw fail.begin
      const lines: string[] = []
      this.transcripts.set(id, lines)
      return (line) => lines.push(line)
    },
  }
}

const run: RunRecord = { id: runId(now, 'home/4242/1a2b-77'), command: 'airstrip apply', holder: 'home/4242/1a2b-77', startedAt: now.toISOString(), result: 'running' }
const outcome: Outcome = { endedAt: now.toISOString(), result: 'done', exitCode: 0, changed: 0, steps: { helm: 'done' } }
const clean: Event[] = [every['run-started'], every['step-started'], every.warning, { ...every['step-done'], changed: 0 }, every['step-skipped'], { ...every['run-ended'], changed: 0 }]

function historyOf(files: HistoryFiles, redact = (text: string): string => text): { history: History; notes: string[]; tell: (...events: Event[]) => void } {
  const notes: string[] = []
  const history: History = createHistory(files, run, redact, (text) => {
    notes.push(text)
    // As in a run: what is noted is an event, too.
    history.record({ type: 'note', text }, now)
  })
  const tell = (...events: Event[]): void => {
    for (const event of events) history.record(event, now)
  }
  return { history, notes, tell }
}

void t.test('the name of a run is safe anywhere, tells two apart, and sorts by time', (t) => {
  t.equal(run.id, '20230802T103000000Z-4242')
  t.equal(runId(now, 'a/../../etc/x'), '20230802T103000000Z-', 'whatever a holder says')
  t.ok(runId(new Date(now.getTime() + 1), 'home/1/x') > run.id)
  t.end()
})

void t.test('a run that found everything as wanted leaves a line and no transcript', (t) => {
  const files = memory()
  const { history, tell } = historyOf(files)
  tell(...clean)
  history.end(outcome)
  t.equal(files.transcripts.size, 0)
  t.match(parseHistory(files.text), [{ id: run.id, result: 'done', exitCode: 0, changed: 0, steps: { helm: 'done' } }])
  t.end()
})

void t.test('a run that did something leaves all of what it said, from the first word on, at once', (t) => {
  const files = memory()
  const { tell } = historyOf(files)
  tell(every['run-started'], every['step-started'])
  t.equal(files.transcripts.size, 0)
  tell(every.change)
  t.same(files.transcripts.get(run.id)?.map((line) => lineSchema.parse(JSON.parse(line)).type), ['run-started', 'step-started', 'change'])
  tell(every.waiting, every['run-ended'])
  t.equal(files.transcripts.get(run.id)?.length, 5)
  t.end()
})

void t.test('each of what tells more than that all is well makes a transcript', (t) => {
  const kept = Object.values(every).filter((event) => {
    const files = memory()
    historyOf(files).tell(event)
    return files.transcripts.size > 0
  })
  t.same(kept.map(({ type }) => type), ['note', 'asked', 'change', 'waiting', 'retry', 'step-failed'])
  t.end()
})

void t.test('a run that was killed gets its line from the next one, once', (t) => {
  const files = memory()
  const { history } = historyOf(files)
  const state: State = { ...real, run: { ...run, id: '20230802T100000000Z-1' } }
  history.settle(state)
  historyOf(files).history.settle(state)
  t.strictSame(parseHistory(files.text), [{ id: '20230802T100000000Z-1', command: run.command, holder: run.holder, startedAt: run.startedAt, result: 'killed', steps: { prereq: 'done', storage: 'started', helm: 'failed' } }])
  historyOf(files).history.settle(real)
  historyOf(files).history.settle(emptyState(now))
  t.equal(parseHistory(files.text).length, 1, 'and one that ended gets none')
  t.end()
})

void t.test('that nothing can be kept is said once for each, and ends nothing', (t) => {
  const files = memory({ begin: new Error('EACCES: runs'), append: new Error('ENOSPC: history') })
  const { history, notes, tell } = historyOf(files)
  tell(every.change, every.change)
  history.settle({ ...real, run: { ...run, id: 'another' } })
  history.end(outcome)
  t.same(notes, ['this run will have no transcript: EACCES: runs', 'this run will have no line in the history: ENOSPC: history'])
  t.end()
})

void t.test('a disk that fills up half-way leaves what was written before', (t) => {
  const disk = memory()
  const files: HistoryFiles = {
    read: () => disk.read(),
    append: (line) => {
      disk.append(line)
    },
    begin: (id) => {
      const write = disk.begin(id)
      return (line) => {
        if (disk.transcripts.get(id)?.length === 2) throw new Error('ENOSPC')
        write(line)
      }
    },
  }
  const { notes, tell } = historyOf(files)
  tell(every.change, every.waiting, every.ready, every['run-ended'])
  t.equal(disk.transcripts.get(run.id)?.length, 2)
  t.equal(notes.length, 1)
  t.end()
})

void t.test('no secret that the run knows is in the history or a transcript, in whatever form and field', (t) => {
  const files = memory()
  const redactor = createRedactor()
  const canaries = ['canary"with\\quotes', 'canary of words', 'failed', 'storage']
  for (const canary of canaries) redactor.add(canary)
  const { history, tell } = historyOf(files, (text) => redactor.redact(text))
  for (const canary of [...canaries, Buffer.from('canary of words').toString('base64')]) {
    tell({ ...every.waiting, reason: `cannot log in with ${canary}` }, { ...every.warning, finding: { ...every.warning.finding, evidence: [`seen ${canary}`], causes: [{ ...every.warning.finding, title: canary }] } }, { ...every.asked, answer: canary })
  }
  tell({ ...every['step-failed'], step: 'storage' })
  history.end({ ...outcome, result: 'failed', steps: { storage: 'failed' }, sentence: 'canary of words' })
  const lines = files.transcripts.get(run.id) ?? []
  for (const canary of ['canary', Buffer.from('canary of words').toString('base64')]) t.notMatch(lines.join('\n') + files.text, canary)
  for (const line of lines) t.ok(lineSchema.safeParse(JSON.parse(line)).success, 'and a secret that is one of our own words breaks no line')
  t.match(parseHistory(files.text), [{ result: 'failed', steps: { storage: 'failed' } }])
  t.end()
})

void t.test('a line of the history is what the JSON Schema says', (t) => {
  const schema = JSON.parse(readFileSync(new URL('../../../lib/engine/history.schema.json', import.meta.url), 'utf8')) as object
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  const files = memory()
  const { history } = historyOf(files)
  history.settle({ ...real, run })
  history.end({ ...outcome, steps: statusesOf(real, ['helm', 'ingress']), sentence: 'x' })
  for (const line of files.text.trim().split('\n')) t.ok(validate(JSON.parse(line)), JSON.stringify(validate.errors))
  t.match(parseHistory(files.text)[1], { steps: { helm: 'failed', ingress: 'pending' } })
  t.end()
})
