import t from 'tap'
import type { Event } from '../../../lib/engine/events.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { eventLines } from '../../../lib/report/lines.ts'
import { findingsLines, problemLines } from '../../../lib/report/problem.ts'
import { seconds } from '../../../lib/report/time.ts'
import { every, finding } from './every.ts'

const says: Record<Event['type'], RegExp | undefined> = {
  'run-started': /^airstrip apply on home, resuming at helm$/,
  'note': /^the state file is damaged$/,
  'plan': /^plan: 2 create, 1 patch$/,
  'stays': /^storage +stays +PersistentVolume airflow-local-dags-pv \(your DAGs are in it\)$/,
  'asked': /^Make these 3 changes\? yes$/,
  'command': /^would run helm upgrade airflow --description 'it'\\''s me'$/,
  'step-started': undefined,
  'change': /^helm +create +ConfigMap airflow\/x \(it is not there\)$/,
  'waiting': /^helm +ongoing +Pod airflow\/x: ContainerCreating 1\.5 s$/,
  'ready': /^helm +ok +Pod airflow\/x 2\.0 s$/,
  'warning': /^prereq +warning +A container ends again and again\n +fix: kubectl logs x$/,
  'retry': /^again kubectl get pods \(try 2\): connection refused$/,
  'step-done': /^helm +done +airflow 1\.10\.0 \(2 changed, 61 s\)$/,
  'step-failed': /^helm +failed +helm cannot become ready \(0\.1 s\)$/,
  'step-skipped': /^ingress +skipped +not selected$/,
  'run-ended': /^done 2 changed in 3 min 20 s$/,
}

const plain = { colors: false, quiet: false }
const escape = '\u001B'

void t.test('every event says what it is for, in plain lines without colours', (t) => {
  for (const [type, event] of Object.entries(every)) {
    const text = eventLines(event, plain).join('\n')
    const wanted = says[type as Event['type']]
    if (wanted === undefined) t.equal(text, '', type)
    else t.match(text, wanted, type)
    t.notOk(text.includes(escape), type)
  }
  t.end()
})

void t.test('with colours the words are the same', (t) => {
  for (const [type, event] of Object.entries(every)) {
    const bare = eventLines(event, { colors: true, quiet: false }).join('\n').split(escape).map((part, index) => (index === 0 ? part : part.replace(/^\[\d+m/, ''))).join('')
    t.equal(bare, eventLines(event, plain).join('\n'), type)
  }
  t.ok(eventLines(every.change, { colors: true, quiet: false }).join('').includes(escape))
  t.end()
})

void t.test('a step that found nothing to change says so', (t) => {
  t.match(eventLines({ ...every['step-done'], changed: 0, evidence: [] }, plain), [/as wanted \(nothing to change, /])
  t.end()
})

void t.test('a plan without changes says so, and what was run is told from what would be', (t) => {
  t.same(eventLines({ type: 'plan', changes: [], counts: {} }, plain), ['plan: nothing to change'])
  t.same(eventLines({ ...every.command, args: ['list', '-n', 'airflow'], would: false }, plain), ['ran helm list -n airflow'])
  t.end()
})

void t.test('quiet says what changed and what went wrong, and nothing of a clean run', (t) => {
  const said = Object.values(every).filter((event) => eventLines(event, { colors: false, quiet: true }).length > 0).map(({ type }) => type)
  t.same(said, ['note', 'change', 'retry', 'step-failed'])
  const clean: Event[] = [every['run-started'], every['step-started'], every.warning, { ...every['step-done'], changed: 0 }, every['step-skipped'], { ...every['run-ended'], changed: 0 }]
  t.same(clean.flatMap((event) => eventLines(event, { colors: false, quiet: true })), [])
  t.end()
})

void t.test('a problem says the sentence, the causes, what was seen and what to do, in that order', (t) => {
  const error = new AirstripError('FAILED', 'helm cannot become ready.', { place: 'airstrip.yaml:3:1', findings: [finding], seen: ['last line of a log'], next: 'kubectl logs x' })
  t.same(problemLines(error, false), [
    'airstrip: helm cannot become ready. (airstrip.yaml:3:1) [FAILED]',
    '  error A container ends again and again [crash-loop]',
    '    seen: exit code 1',
    '    seen: back-off 5m',
    '    why:  It cannot reach its database.',
    '    fix:  kubectl logs x',
    '    fix:  mend it',
    '    more: https://example.org',
    '    warning The webserver waits [symptom]',
    '      seen: 0/1',
    '      why:  It needs the scheduler.',
    '      fix:  wait',
    '  last line of a log',
    'next: kubectl logs x',
  ])
  t.end()
})

void t.test('an error without advice of its own has that of its code', (t) => {
  t.match(problemLines(new AirstripError('LOCKED', 'x'), false).at(-1), /^next: Wait for the named process/)
  t.end()
})

void t.test('colours in what a pod printed do not come through where colours are off', (t) => {
  const painted = `${escape}[34m2023-08-02${escape}[0m ${escape}[31;1mERROR${escape}[0m${escape}]0;title\u0007`
  const error = new AirstripError('FAILED', 'x', { seen: [painted], findings: [{ ...finding, evidence: [painted] }] })
  const lines = [...problemLines(error, false), ...findingsLines([{ ...finding, evidence: [painted] }], false), ...eventLines({ ...every.waiting, reason: painted }, plain)]
  t.same(lines.filter((line) => line.includes(escape)), [])
  t.ok(lines.some((line) => line.includes('2023-08-02 ERROR')))
  const breaking = `one\r\ntwo${escape}[2J\u0007three\u2028four`
  t.same(eventLines({ ...every.waiting, reason: breaking }, plain), ['helm         ongoing  Pod airflow/x: one twothree four 1.5 s'], 'nor does it begin a line of its own')
  t.notOk(eventLines({ ...every.waiting, reason: breaking }, { colors: true, quiet: false }).join('').includes('[2J'), 'nor move the cursor where they are on')
  t.end()
})

void t.test('times are as long as a person needs them', (t) => {
  const table: [number, string][] = [[0, '0.0 s'], [449, '0.4 s'], [9949, '9.9 s'], [9951, '10 s'], [61_000, '61 s'], [99_400, '99 s'], [99_600, '1 min 40 s'], [185_000, '3 min 05 s'], [3_600_000, '60 min 00 s']]
  for (const [ms, text] of table) t.equal(seconds(ms), text)
  t.end()
})
