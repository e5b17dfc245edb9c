import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { spellingsOf } from '../../../lib/cluster/spellings.ts'
import { mask, redactWith } from '../../../lib/doctor/redact.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function said(value: string, text: string): string {
  const { add, redact } = createRedactor()
  add(value)
  return redactWith(redact)(text)
}

/** As each program writes it. */
const written: [by: string, value: string, text: string][] = [
  ['Python\'s JSON', 'pässwörd-9x', 'p\\u00e4ssw\\u00f6rd-9x'],
  ['Go\'s JSON', 'Ab&cd<9xyz>', 'Ab\\u0026cd\\u003c9xyz\\u003e'],
  ['Go\'s JSON in JSON', 'Ab&cd<9xyz>', 'Ab\\\\u0026cd\\\\u003c9xyz\\\\u003e'],
  ['Go\'s page', 'Ab&cd<9xy"z\'', 'Ab&amp;cd&lt;9xy&#34;z&#39;'],
  ['Python\'s page', 'Ab&cd<9xy"z\'', 'Ab&amp;cd&lt;9xy&quot;z&#x27;'],
  ['a page', 'Ab"cd<9xyz>', 'Ab&quot;cd&lt;9xyz&gt;'],
  ['Python\'s bytes', 'pässwörd-9x', 'p\\xc3\\xa4ssw\\xc3\\xb6rd-9x'],
  ['Python', 'Ab\'c"d9xyz', 'Ab\\\'c"d9xyz'],
  ['SQL', 'Ab\'cd9xyz', 'Ab\'\'cd9xyz'],
  ['a shell', 'Ab\'cd9xyz', 'Ab\'\\\'\'cd9xyz'],
  ['bash\'s %q', 'Ab cd9xyz$k', 'Ab\\ cd9xyz\\$k'],
  ['airflow.cfg', 'Ab%cd9xyz', 'Ab%%cd9xyz'],
  ['RFC 3986', 'Hunter!9(x)*', 'Hunter%219%28x%29%2A'],
  ['hexadecimal', 'Hunter9xyz!', Buffer.from('Hunter9xyz!').toString('hex')],
  ['signs of no width', 'pw\u200BHunt\u00ADer9', 'pw\u200BHunt\u00ADer9'],
  ['marks apart', 'pässwörd-9x', 'pässwörd-9x'.normalize('NFD')],
  ['base64 after one', 'Ab9!xy', base64('a:Ab9!xy')],
  ['base64 after four', 'Ab9!xyz', base64('joe:Ab9!xyz')],
]

void t.test('a value is known as each program writes it', (t) => {
  // The signs of base64 beside a value belong to what stands beside it too.
  for (const [by, value, text] of written) t.match(said(value, `says ${text} here`), new RegExp(by.startsWith('base64') ? `^says \\S{0,6}${mask}\\S{0,2} here$` : `^says ${mask} here$`), by)
  t.end()
})

void t.test('of a private key each line is known, the last one too', (t) => {
  const key = '-----BEGIN PRIVATE KEY-----\r\nMIIEvQIBADANBgkqhkiG9w0BAQEFaa\r\nQm9yaW5n\r\n-----END PRIVATE KEY-----\r\n'
  t.equal(said(key, 'MIIEvQIBADANBgkqhkiG9w0BAQEFaa\nQm9yaW5n'), `${mask}\n${mask}`)
  t.end()
})

void t.test('a number is known where it stands alone, a short one not at all', (t) => {
  t.equal(said('12345678', 'says 12345678, 912345678 and 123456789'), `says ${mask}, 912345678 and 123456789`)
  t.equal(said('54320', 'port 54320'), 'port 54320')
  t.end()
})

void t.test('letters and digits have few forms', (t) => {
  t.ok(spellingsOf('Hunter9xyz').size < 16, String(spellingsOf('Hunter9xyz').size))
  t.end()
})
