import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { end, formatProcessId, identify, isAlive, parseProcessId, startTime } from '../../scripts/lab/process.ts'

void t.test('the start time is found behind a name with blanks and brackets', t => {
  const fields = Array.from({ length: 30 }, (_, index) => `f${index + 4}`)
  t.equal(startTime(`12 (a) b) S ${fields.join(' ')}`), 'f22')
  t.end()
})

void t.test('what a shell writes is read, and what is not whole is not', t => {
  const id = { pid: 7, started: '123', boot: 'abc' }
  t.same(parseProcessId(formatProcessId(id)), id)
  t.equal(parseProcessId('7 123'), undefined)
  t.equal(parseProcessId('x 123 abc'), undefined)
  t.end()
})

void t.test('a recycled pid is another process, and is never killed', { skip: process.platform !== 'linux' }, async t => {
  const child = spawn('sleep', ['60'])
  const id = identify(child.pid ?? 0)
  if (id === undefined) throw new Error('sleep did not start')
  const earlier = { ...id, started: String(Number(id.started) - 1) }
  t.equal(isAlive(earlier), false)
  t.equal(isAlive({ ...id, boot: 'another' }), false, 'nor is one of an earlier boot')
  t.equal(await end(earlier), true, 'it is gone, so there is nothing to do')
  t.equal(isAlive(id), true)
  const closed = once(child, 'close')
  t.equal(await end(id), true)
  await closed
  t.equal(isAlive(id), false)
})
