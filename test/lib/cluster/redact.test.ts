import t from 'tap'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { mask } from '../../../lib/doctor/redact.ts'

const canary = 'pä$$ "w0rd\\ & /+canary'

void t.test('a secret is masked in every form in which it turns up', (t) => {
  const { add, redact } = createRedactor()
  add(canary)
  const forms = [canary, Buffer.from(canary).toString('base64'), encodeURIComponent(canary), JSON.stringify(canary), JSON.stringify({ a: [canary] })]
  for (const form of forms) {
    t.notMatch(redact(`before ${form} after`), /canary/)
    t.ok(redact(`before ${form} after`).includes(mask), form)
  }
  t.end()
})

void t.test('a password in an address is masked also where nobody told of it', (t) => {
  const { redact } = createRedactor()
  t.equal(redact('Get "https://joe:canary@charts.example.org/index.yaml": 401'), `Get "https://joe:${mask}@charts.example.org/index.yaml": 401`)
  const json = '{"a":"http://home:8080","b":"joe@example.org","c":"quay.io/x@sha256:f00d"}'
  t.equal(redact(json), json, 'a port before somebody\'s mail is none')
  t.end()
})

void t.test('a secret with a newline at its end is masked without it too', (t) => {
  const { add, redact } = createRedactor()
  add('canary-value\n')
  t.equal(redact('password canary-value.'), `password ${mask}.`)
  t.end()
})

void t.test('of two secrets one inside the other the longer goes first', (t) => {
  const { add, redact } = createRedactor()
  add('canary')
  add('canary-and-more')
  t.equal(redact('canary-and-more canary'), `${mask} ${mask}`)
  t.end()
})

void t.test('what means something to a regular expression is meant as it is written', (t) => {
  const { add, redact } = createRedactor()
  add('a.*(b|c)+[d]$^')
  t.equal(redact('a.*(b|c)+[d]$^ aXXb'), `${mask} aXXb`)
  t.end()
})

void t.test('what is too short to be a secret does not hit innocent words', (t) => {
  const { add, redact } = createRedactor()
  for (const word of ['', 'a', 'admin', '     ']) add(word)
  t.equal(redact('admin runs a namespace     here'), 'admin runs a namespace     here')
  t.end()
})

void t.test('of what a tool said, what only looks like a secret is masked as well', (t) => {
  const { said, redact } = createRedactor()
  const words = 'execution error at (airflow/templates/x.yaml:3:4): no login with password: Sommer-2025-Orkan!'
  t.equal(said(words), words.replace('Sommer-2025-Orkan!', mask))
  t.equal(redact(words), words, 'where text is airstrip\'s own, that would hide its words')
  t.end()
})

void t.test('without a secret a text is itself', (t) => {
  t.equal(createRedactor().redact('nothing'), 'nothing')
  t.end()
})
