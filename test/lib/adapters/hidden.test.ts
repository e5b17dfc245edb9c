import { PassThrough } from 'node:stream'
import t from 'tap'
import { askHidden } from '../../../lib/adapters/hidden.ts'
import { caught } from '../../fakes/caught.ts'

function terminal() {
  const input = new PassThrough()
  const output = new PassThrough()
  const shown: string[] = []
  output.on('data', (data: Buffer) => shown.push(data.toString()))
  const stop = new AbortController()
  return { input, shown, stop, answer: askHidden('Passphrase: ', { input, output }, stop.signal) }
}

for (const TERM of ['xterm', 'dumb']) {
  void t.test(`what is typed is not shown, and can be corrected, on a terminal of type ${TERM}`, async (t) => {
    t.intercept(process, 'env', { value: { ...process.env, TERM } })
    const { input, shown, answer } = terminal()
    input.write('four wordz\u007Fs\r')
    t.equal(await answer, 'four words')
    t.equal(shown.join(''), 'Passphrase: \n')
  })
}

void t.test('Ctrl-C and a signal interrupt it, and the end of input is no answer', async (t) => {
  const typed = terminal()
  typed.input.write('abc\u0003')
  t.match(await caught(typed.answer), { code: 'INTERRUPTED', exitCode: 130 })
  const told = terminal()
  told.stop.abort('SIGTERM')
  t.match(await caught(told.answer), { code: 'INTERRUPTED' })
  const ended = terminal()
  ended.input.end()
  t.equal(await ended.answer, '')
})
