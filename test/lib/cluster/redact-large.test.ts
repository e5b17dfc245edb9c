import { createHash } from 'node:crypto'
import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { mask } from '../../../lib/doctor/redact.ts'

/** Hexadecimal, the same each time. */
function chance(seed: string, length: number): string {
  let text = ''
  while (text.length < length) text += createHash('sha256').update(`${seed}${text.length}`).digest('hex')
  return text.slice(0, length)
}

void t.test('a Secret as large as there can be one is masked like any other', (t) => {
  const { add, redact } = createRedactor()
  const large = chance('one', 2 ** 20)
  add(large)
  add('small-canary')
  t.equal(redact(`a ${large} b ${Buffer.from(large).toString('base64')} c small-canary`), `a ${mask} b ${mask} c ${mask}`)
  t.equal(redact('nothing'), 'nothing')
  t.end()
})

void t.test('of a large Secret of many lines each long one is known by itself', (t) => {
  const { add, redact } = createRedactor()
  const lines = Array.from({ length: 5000 }, (_, index) => chance(`line ${index}`, 60))
  add(lines.join('\r\n'))
  t.equal(redact(`x ${lines[4711] ?? ''} y`), `x ${mask} y`)
  t.end()
})

void t.test('thousands of long values are masked, the longer one first', (t) => {
  const { add, redact } = createRedactor()
  const values = Array.from({ length: 3000 }, (_, index) => chance(`value ${index}`, 2000))
  for (const value of values) add(value)
  const longer = `${values[1500] ?? ''}-and-more`
  add(longer)
  t.equal(redact(`${longer} ${values[1500] ?? ''} ${values[2999] ?? ''}.`), `${mask} ${mask} ${mask}.`)
  redact('some text that is a log, for example. '.repeat(30_000))
  t.end()
})

// Where each is compared with each of them, the file does not end in its time.
void t.test('lines of one beginning are learned and found like others', (t) => {
  const { add, redact } = createRedactor()
  const lines = Array.from({ length: 22_000 }, (_, index) => `github_pat_${chance(`line ${index}`, 30 + index % 9)}`)
  add(lines.join('\n'))
  for (const line of lines) add(line)
  t.equal(redact(`x ${lines[4711] ?? ''} y`), `x ${mask} y`)
  redact('a github_pat_0 '.repeat(50_000))
  t.end()
})

void t.test('of values that begin one another the longest is taken, and a shorter one where it declines', (t) => {
  const { add, redact } = createRedactor()
  for (const one of ['abcdefg', 'abcdefg-h', 'abcdefg-hij', 'abcdefg-hiz', 'bcdefg-h']) add(one)
  t.equal(redact('abcdefg-hij abcdefg-hik abcdefg-x abcdef'), `${mask} ${mask}ik ${mask}-x abcdef`)
  t.equal(redact('abcdefg-hij', (form) => form !== 'abcdefg-hij'), `${mask}ij`)
  t.equal(redact('abcdefg-h', (form) => !form.startsWith('a')), `a${mask}`)
  t.end()
})

void t.test('who cannot look a text through gives nothing of it, and no error', (t) => {
  const { add, redact } = createRedactor()
  add('canary-value')
  t.equal(redact('canary-value', () => { throw new SyntaxError('canary-value') }), mask)
  t.end()
})

void t.test('half a pair of surrogates is no reason to fail', (t) => {
  const { add, redact } = createRedactor()
  add('canary-\ud83d-value')
  t.equal(redact('canary-\ud83d-value'), mask)
  t.end()
})
