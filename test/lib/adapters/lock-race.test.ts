import { spawn } from 'node:child_process'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'

const contenders = 6
const script = new URL('contend.ts', import.meta.url).pathname

void t.test('of several processes that come to a dead lock in one moment exactly one wins', { timeout: 50_000 }, async (t) => {
  const path = join(t.testdir({ lock: JSON.stringify({ holder: `${hostname()}/1/gone`, since: '', command: '' }) }), 'lock')
  const runs = Array.from({ length: contenders }, () => {
    const child = spawn(process.execPath, ['--import=tsx', script, path], { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH } })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return { child, next: async () => String((await lines.next()).value) }
  })
  await Promise.all(runs.map(({ next }) => next()))
  for (const { child } of runs) child.stdin.write('go\n')
  const said = await Promise.all(runs.map(({ next }) => next()))
  t.same(said.sort(), [...Array.from({ length: contenders - 1 }, () => 'LOCKED'), 'won'])
  for (const { child } of runs) child.stdin.end()
})
