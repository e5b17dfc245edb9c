import t from 'tap'
import { run } from '../../scripts/lab/exec.ts'

const kind = ['-c', 'stat -L -c %F /dev/stdin']

void t.test('a program that is given nothing to read finds no socket there: a bash would take itself for a remote login', { skip: process.platform !== 'linux' }, async t => {
  t.same(await run('sh', kind), { code: 0, stdout: 'character special file\n', stderr: '' })
  t.same(await run('cat', []), { code: 0, stdout: '', stderr: '' })
  t.end()
})

void t.test('what a program is given to read arrives whole', async t => {
  const input = 'a line\n'.repeat(50_000)
  t.equal((await run('cat', [], { input })).stdout, input)
  t.equal((await run('true', [], { input })).code, 0, 'also where nobody reads it')
  t.end()
})
