import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { emptyState, fingerprintOf, loadState, parseState, refuseForeign, stateText, stepOf, type StateFile } from '../../../lib/engine/state.ts'
import { thrown } from '../../fakes/caught.ts'
import { now, real } from './recorded.ts'

const text = `${JSON.stringify(real, undefined, 2)}\n`

function file(content: string | undefined): StateFile & { aside: number } {
  return {
    path: 'state/state.json',
    aside: 0,
    read: () => content,
    write: () => Promise.reject(new Error('unscripted: write')),
    moveAside() {
      this.aside += 1
      return 'state/state.json.damaged'
    },
  }
}

void t.test('what was written is what is read', (t) => {
  t.strictSame(parseState(text, 'state.json'), real)
  t.end()
})

void t.test('what is written is what the JSON Schema says, and masked it still is', (t) => {
  const schema = JSON.parse(readFileSync(new URL('../../../lib/engine/state.schema.json', import.meta.url), 'utf8')) as object
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)
  t.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors))
  const masked = stateText(real, (one) => one.replaceAll(/failed|storage|naïve/g, '••••••'))
  t.ok(validate(JSON.parse(masked)), JSON.stringify(validate.errors))
  t.match(parseState(masked, 'state.json'), { run: { result: 'failed', command: 'airstrip apply --from ••••••' }, steps: { helm: { status: 'failed', error: { sentence: 'helm cannot become ready: „••••••“ – ✓' } } } })
  t.end()
})

void t.test('no file is an empty state, and nothing is said', (t) => {
  const notes: string[] = []
  t.same(loadState(file(undefined), now, (note) => notes.push(note)), emptyState(now))
  t.same(notes, [])
  t.same(stepOf(emptyState(now), 'helm'), { status: 'pending' })
  t.end()
})

void t.test('what is JSON but not a state is damaged too', (t) => {
  const others = ['null', '[]', '0', '"text"', '{}', '{"version":"1"}', '{"version":0}', '{"version":1,"steps":{}}', '{"version":1,"updatedAt":"yesterday","steps":{}}', text.replace('"failed"', '"flying"'), text.replace('"tries": 3', '"tries": "3"'), text.replace(/"fix": \[[^\]]+\]/, '"fix": []'), '\u0000'.repeat(512)]
  for (const other of others) t.equal(parseState(other, 'state.json'), undefined, other.slice(0, 60))
  t.end()
})

void t.test('the note says where the damaged file is kept', (t) => {
  const notes: string[] = []
  loadState(file('{'), now, (note) => notes.push(note))
  t.match(notes, [/state\/state\.json is damaged and was kept as state\/state\.json\.damaged/])
  t.end()
})

void t.test('a state of a newer airstrip is refused and stays where it is', (t) => {
  const newer = file(JSON.stringify({ version: 2, entirely: 'different' }))
  t.match(thrown(() => loadState(newer, now, () => undefined)), { code: 'STATE_NEWER', place: 'state/state.json', message: /state version 2, this one reads 1/ })
  t.equal(newer.aside, 0)
  t.end()
})

void t.test('a state of another cluster is refused, one that names none is not', (t) => {
  t.match(thrown(() => {
    refuseForeign(real, 'another', 'state.json')
  }), { code: 'STATE_FOREIGN', message: /5c7c2a7e.*another/ })
  refuseForeign(real, real.cluster ?? '', 'state.json')
  refuseForeign(emptyState(now), 'another', 'state.json')
  t.end()
})

void t.test('a fingerprint tells two wishes apart and is the same for the same wish', (t) => {
  t.equal(fingerprintOf({ a: [1, { b: 2 }] }), fingerprintOf({ a: [1, { b: 2 }] }))
  t.equal(fingerprintOf({ a: { b: 1, c: 2 } }), fingerprintOf({ a: { c: 2, b: 1 } }), 'in whatever order it was written')
  t.not(fingerprintOf({ a: 1 }), fingerprintOf({ a: 2 }))
  t.not(fingerprintOf({ a: [1, 2] }), fingerprintOf({ a: [2, 1] }))
  t.match(fingerprintOf({}), /^[0-9a-f]{64}$/)
  t.end()
})
