import t from 'tap'
import { emptyState, fingerprintOf, loadState, parseState, refuseForeign, stepOf, type State, type StateFile } from '../../../lib/engine/state.ts'
import { thrown } from '../../fakes/caught.ts'
import { finding } from './steps.ts'

const now = new Date('2023-08-02T10:30:00Z')

/** As a run leaves it that failed in step 4. */
const real: State = {
  version: 1,
  cluster: '5c7c2a7e-9f1b-4b53-8f1e-0f1d5e0f5c11',
  updatedAt: now.toISOString(),
  run: { id: '2023-08-02T10:20:00.000Z', command: 'airstrip apply --from storage', holder: 'home/4242/1a2b3c4d-991', startedAt: '2023-08-02T10:20:00.000Z', endedAt: now.toISOString(), result: 'failed' },
  steps: {
    prereq: { status: 'done', fingerprint: fingerprintOf({ a: 1 }), startedAt: now.toISOString(), endedAt: now.toISOString(), ms: 412, tries: 1, changed: 0, evidence: ['Kubernetes v1.22.8, kubectl v1.22.0, Helm v3.9.4'], warnings: [{ ...finding('os-not-verified'), severity: 'warning', link: 'https://example.org', causes: [finding('one')] }] },
    storage: { status: 'started', tries: 2 },
    helm: { status: 'failed', ms: 12_345.5, tries: 3, error: { code: 'FAILED', sentence: 'helm cannot become ready: „naïve“ – ✓', seen: ['Pod airflow/a: \u001b[31mbroken'], next: 'mend it', findings: [finding('crash-loop')] } },
  },
}
const text = `${JSON.stringify(real, undefined, 2)}\n`

function file(content: string | undefined): StateFile & { aside: number } {
  return {
    path: 'state/state.json',
    aside: 0,
    read: () => content,
    write: () => Promise.reject(new Error('unscripted: write')),
    append: () => Promise.reject(new Error('unscripted: append')),
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

void t.test('no file is an empty state, and nothing is said', (t) => {
  const notes: string[] = []
  t.same(loadState(file(undefined), now, (note) => notes.push(note)), emptyState(now))
  t.same(notes, [])
  t.same(stepOf(emptyState(now), 'helm'), { status: 'pending' })
  t.end()
})

void t.test('cut at any byte the file is kept under another name and the run goes on', (t) => {
  const bytes = Buffer.from(text)
  const wrong: number[] = []
  // The last byte is the newline, without which it is still whole.
  for (let length = 0; length < bytes.length - 1; length++) {
    const cut = file(bytes.subarray(0, length).toString())
    const notes: string[] = []
    const state = loadState(cut, now, (note) => notes.push(note))
    if (cut.aside !== 1 || notes.length !== 1 || Object.keys(state.steps).length !== 0) wrong.push(length)
  }
  t.same(wrong, [])
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
  t.not(fingerprintOf({ a: 1 }), fingerprintOf({ a: 2 }))
  t.match(fingerprintOf({}), /^[0-9a-f]{64}$/)
  t.end()
})
