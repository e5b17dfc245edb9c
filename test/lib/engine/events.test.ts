import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { eventSchema, lineOf, lineSchema } from '../../../lib/engine/events.ts'
import { problemOf } from '../../../lib/engine/finding.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { every, finding } from '../report/every.ts'

const at = new Date('2023-08-02T10:30:00.123Z')
const schema = JSON.parse(readFileSync(new URL('../../../lib/engine/events.schema.json', import.meta.url), 'utf8')) as object
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema)

const ended = { ...every['run-ended'], result: 'failed' as const, problem: problemOf(new AirstripError('FAILED', 'helm cannot become ready', { seen: ['a log'], findings: [finding] })) }

void t.test('a line of every kind of event is what the JSON Schema says', (t) => {
  for (const event of [...Object.values(every), ended]) t.ok(validate(JSON.parse(JSON.stringify(lineOf(event, at)))), `${event.type}: ${JSON.stringify(validate.errors)}`)
  t.end()
})

void t.test('no event has a key that is not described', (t) => {
  for (const event of [...Object.values(every), ended]) t.strictSame(lineSchema.parse(lineOf(event, at)), { version: 1, at: '2023-08-02T10:30:00.123Z', ...event }, event.type)
  t.end()
})

void t.test('what is no event is refused', (t) => {
  const wrong: unknown[] = [{ type: 'landed' }, { ...every.change, op: 'fly' }, { ...every['step-started'], step: 'seven' }, { ...every.plan, counts: { fly: 1 } }, { ...every['step-failed'], code: 'BROKEN' }, { type: 'note' }]
  for (const one of wrong) {
    t.notOk(eventSchema.safeParse(one).success, JSON.stringify(one))
    t.notOk(validate({ version: 1, at: at.toISOString(), ...(one as object) }), JSON.stringify(one))
  }
  t.notOk(validate(every.note), 'nor is one without time and version')
  t.end()
})
