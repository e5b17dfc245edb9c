/** What is wrong with a file other than a single value, each at its exact place. */
import t, { type Test } from 'tap'
import { printable } from '../../../lib/config/mistakes.ts'
import { errorOf, file, mistakesIn, placesIn, smallest } from './fixtures.ts'

void t.test('the sentence has file, line, column, path, text, message and what to write', (t) => {
  const error = errorOf('ingress:\n  host: Home Example\n  certResolver: le\nstorage: {path: /srv/airflow}\n')
  t.strictSame(error?.seen, [`${file}:2:9 ingress.host: "Home Example" is not a DNS name; write for example home.example.org`])
  t.equal(error?.place, `${file}:2:9`)
  t.equal(error?.exitCode, 64)
  t.end()
})

const broken: Record<string, readonly [text: string, places: string[], said?: RegExp]> = {
  'empty file': ['', ['1:1 storage.path', '1:1 ingress.host', '1:1 ingress.certResolver'], /is missing/u],
  'only comments': ['# nothing yet\n', ['1:1 storage.path', '1:1 ingress.host', '1:1 ingress.certResolver']],
  'missing section': ['ingress:\n  host: a.example\n  certResolver: le\n', ['1:1 storage.path']],
  'missing key': ['storage: {path: /srv/a}\n\ningress:\n  host: a.example\n', ['3:1 ingress.certResolver'], /write for example certResolver: letsencrypt/u],
  'empty section': ['storage: {path: /srv/a}\ningress:\n', ['2:1 ingress.host', '2:1 ingress.certResolver']],
  'empty required key': ['storage:\n  path:\ningress: {host: a.example, certResolver: le}\n', ['2:3 storage.path'], /is empty/u],
  'empty key with a default': [`airflow:\n  version:\n${smallest}`, ['2:3 airflow.version'], /leave the key out/u],
  'empty list item': [`airflow:\n  candidates:\n    -\n${smallest}`, ['3:6 airflow.candidates[0]']],
  'null': [`airflow:\n  release: null\n${smallest}`, ['2:12 airflow.release'], /is null; leave the key out/u],
  'tilde': [`provisioner:\n  manifest: ~\n${smallest}`, ['2:13 provisioner.manifest'], /is null/u],
  'unknown key': [`airflow:\n  exectuor: x\n${smallest}`, ['2:3 airflow.exectuor'], /did you mean executor\?/u],
  'unknown key, other spelling': [`airflow:\n  image_tag: x\n  data-base: 1\n${smallest}`, ['2:3 airflow.image_tag', '3:3 airflow.data-base'], /did you mean database\?/u],
  'unknown key of another section': [`host: a\n${smallest}`, ['1:1 host'], /belongs under ingress/u],
  'unknown key, nothing near': [`airflow:\n  zzzzzz: x\n${smallest}`, ['2:3 airflow.zzzzzz'], /the keys here are chart, version/u],
  'unknown key without value': [`airflow:\n  exectuor:\n${smallest}`, ['2:3 airflow.exectuor']],
  'notify without a program': [`notify: {command: []}\n${smallest}`, ['1:19 notify.command'], /names no program; write for example \["\/usr/u],
  'notify without anything': [`notify: {}\n${smallest}`, ['1:1 notify.command']],
  'notify as a shell would have it': [`notify: {command: "mail -s airstrip joe"}\n${smallest}`, ['1:19 notify.command'], /a list is wanted/u],
  'notify with a line break': [`notify: {command: ["a\\nb"]}\n${smallest}`, ['1:20 notify.command[0]'], /control character/u],
  'notify with a password': [`notify: {command: [curl, "https://joe:canary@example.org/hook"]}\n${smallest}`, ['1:26 notify.command[1]'], /mode 0700/u],
  'unknown top key': [`ingres: {}\n${smallest}`, ['1:1 ingres'], /did you mean ingress\?/u],
  'unknown key three deep': [`airflow:\n  admin:\n    usrname: joe\n${smallest}`, ['3:5 airflow.admin.usrname'], /did you mean username\?/u],
  'version that YAML reads as a number': [`airflow:\n  version: 1.10\n${smallest}`, ['2:12 airflow.version'], /"1.10" is a number to YAML; write it in quotes: "1.10", in the form 1.10.0/u],
  'quoting is enough': [`require:\n  kubernetes: 1.22\n${smallest}`, ['2:15 require.kubernetes'], /write it in quotes: "1.22"$/u],
  'number in a list': [`airflow:\n  candidates: [1.9]\n${smallest}`, ['2:16 airflow.candidates[0]']],
  'true where text is wanted': [`airflow:\n  namespace: true\n${smallest}`, ['2:14 airflow.namespace'], /"true" is true or false to YAML; write it in quotes/u],
  'text where a number is wanted': [`airflow:\n  database:\n    port: "5432"\n${smallest}`, ['3:11 airflow.database.port'], /whole number/u],
  'number out of range': [`airflow:\n  database: {port: 70000}\n${smallest}`, ['2:20 airflow.database.port'], /between 1 and 65535/u],
  'fraction': [`airflow:\n  database: {port: 1.5}\n${smallest}`, ['2:20 airflow.database.port']],
  'list where text is wanted': ['storage:\n  path: [/srv/a]\ningress: {host: a.example, certResolver: le}\n', ['2:9 storage.path'], /is a list where text is wanted/u],
  'text where a section is wanted': ['storage: /srv/a\ningress: {host: a.example, certResolver: le}\n', ['1:10 storage'], /for example path: \/srv\/airflow/u],
  'text where a list is wanted': [`airflow:\n  candidates: 1.9.0\n${smallest}`, ['2:15 airflow.candidates'], /where a list is wanted/u],
  'list where values are wanted': [`airflow:\n  values: [a]\n${smallest}`, ['2:11 airflow.values']],
  'too long a list': [`airflow:\n  candidates: [${'1.0.0,'.repeat(51)}]\n${smallest}`, ['2:15 airflow.candidates']],
  'root is a list': ['- storage\n', ['1:1'], /not a map/u],
  'root is text': ['\nstorage', ['2:1'], /not a map/u],
  'root is null': ['null', ['1:1'], /not a map/u],
  'duplicate key': [`${smallest}ingress:\n  host: b.example\n`, ['6:1 ingress'], /second time/u],
  'duplicate key in values': [`airflow:\n  values:\n    a: 1\n    a: 2\n${smallest}`, ['4:5 airflow.values.a']],
  'tab': ['storage:\n\tpath: /srv/a\n', ['2:1'], /tab/u],
  'no colon': ['storage:\n  path /srv/a\n  x: 1\n', ['2:3']],
  'second colon': ['storage:\n  path: a: b\n', ['2:9'], /"path:" there is a second colon/u],
  'unclosed quote': ['storage:\n  path: "/srv/a\ningress:\n  host: a.example\n', ['2:9'], /"path:" this quote is never closed/u],
  'wrong indentation': ['storage:\n    path: /srv/a\n  image: b\n', ['3:1']],
  'reserved character': ['ingress:\n  host: @home\n', ['2:9'], /in quotes/u],
  'backtick': ['ingress:\n  host: `home`\n', ['2:9'], /in quotes/u],
  'unknown tag': [`airflow:\n  version: !auto x\n${smallest}`, ['2:12'], /tag/u],
  'second document': [`${smallest}---\n${smallest}`, ['6:1'], /second document/u],
  'two syntax errors': ['storage:\n  path: @a\ningress:\n  host: `b`\n', ['2:9', '4:9']],
  'anchor that is not there': [`airflow:\n  version: *v\n${smallest}`, ['2:12 airflow.version'], /anchor/u],
  'alias inside itself': [`airflow:\n  values:\n    a: &a [*a]\n${smallest}`, ['3:12 airflow.values.a[0]'], /contains itself/u],
  'merge key': [`airflow:\n  values: {a: &a {b: 1}, c: {<<: *a}}\n${smallest}`, ['2:30 airflow.values.c.<<'], /write the keys out/u],
  'prototype in values': [`airflow:\n  values:\n    __proto__: {polluted: true}\n${smallest}`, ['3:5 airflow.values.__proto__']],
  'constructor at the top': [`constructor: {prototype: {a: 1}}\n${smallest}`, ['1:1 constructor']],
  'key that is a list': [`? [a]\n: b\n${smallest}`, ['1:3']],
  'number that loses digits': [`airflow:\n  values: {id: 12345678901234567890, b: .inf}\n${smallest}`, ['2:16 airflow.values.id', '2:41 airflow.values.b'], /in quotes/u],
  'too deep': [`airflow:\n  values:\n    a: ${'['.repeat(50)}${']'.repeat(50)}\n${smallest}`, [`3:46 airflow.values.a${'[0]'.repeat(38)}`], /deeper/u],
  'NUL': [`${smallest}\0`, ['6:1'], /U\+0000/u],
  'not UTF-8': ['storage:\n  path: /srv/\uFFFD\n', ['2:14'], /UTF-8/u],
  'too large': [`${smallest}# ${'x'.repeat(300_000)}\n`, ['1:1'], /larger than 256 KiB/u],
}

for (const [name, [text, places, said]] of Object.entries(broken)) {
  void t.test(name, (t) => {
    t.strictSame(placesIn(text), places)
    if (said !== undefined) t.match(errorOf(text)?.seen.join('\n'), new RegExp(said.source, 'mu'))
    t.ok(mistakesIn(text).every(({ write }) => write.trim() !== ''))
    t.end()
  })
}

void t.test('all mistakes at once, in the order of the lines, one per place', (t) => {
  const text = 'ingress:\n  path: x/\n  host: A B\nairflow:\n  version: 1.1\n  executor: x\nprovisioner: 5\nfoo: 1\n'
  t.strictSame(placesIn(text), [
    '1:1 storage.path',
    '1:1 ingress.certResolver',
    '2:9 ingress.path',
    '3:9 ingress.host',
    '5:12 airflow.version',
    '6:13 airflow.executor',
    '7:14 provisioner',
    '8:1 foo',
  ])
  t.end()
})

const hostileLength = 20_000

/** Of this process alone, so that a machine that has more to do changes nothing. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const ordinary = Array.from({ length: hostileLength / 10 }, (_, n) => `k${String(n).padStart(5, '0')}: 1\n`).join('')
mistakesIn(ordinary)
const ordinaryMs = cpuMs(() => mistakesIn(ordinary))

/** It costs a few times an ordinary file of that length and not some hundred times, as what grows with the square of it would. */
function endsSoon(test: Test, what: string, work: () => void): void {
  const ms = cpuMs(work)
  test.ok(ms < 10 * ordinaryMs, `${what}: ${ms} ms, an ordinary file ${ordinaryMs} ms`)
}

void t.test('a small file does not grow into a huge one', (t) => {
  const bomb = ['a0: &a0 [x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`)]
  const text = `airflow:\n  values:\n${bomb.map((line) => `    ${line}\n`).join('')}${smallest}`
  endsSoon(t, 'an alias of aliases', () => {
    t.match(errorOf(text)?.seen.join('\n'), /alias too many/u)
  })
  t.end()
})

void t.test('a file of nothing but mistakes does not drown the terminal', (t) => {
  const error = errorOf(smallest + Array.from({ length: 5000 }, (_, n) => `key${n}: 1\n`).join(''))
  t.equal(error?.seen.length, 201)
  t.equal(mistakesIn(smallest + Array.from({ length: 5000 }, (_, n) => `key${n}: 1\n`).join('')).length, 5000)
  t.end()
})

void t.test('hostile shapes end soon, with mistakes only', (t) => {
  const shapes = ['[', '{a: ', '- ', '? ', '"', '&a ', '*a ', '!a ', '%', 'a\n', 'a: b: ', ' a:\n ', '{a,', '\r', '| ', '>\n']
  for (const shape of shapes) {
    endsSoon(t, JSON.stringify(shape), () => {
      t.ok(mistakesIn(shape.repeat(Math.floor(hostileLength / shape.length))).length > 0, JSON.stringify(shape))
    })
  }
  t.end()
})

void t.test('printable', (t) => {
  t.equal(printable('a\u001b[2J\u202e\ud800b'), String.raw`a\u{1b}[2J\u{202e}\u{d800}b`)
  t.equal(printable('x'.repeat(100)), `${'x'.repeat(80)}…`)
  t.end()
})
