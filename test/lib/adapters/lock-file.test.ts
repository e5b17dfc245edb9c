import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockFile } from '../../../lib/adapters/files.ts'

type Files = typeof import('../../../lib/adapters/files.ts')

void t.test('a lock comes into being whole, once, readable by its owner alone', (t) => {
  const path = join(t.testdir(), 'state', 'lock')
  const file = lockFile(path)
  t.equal(file.read(), undefined)
  t.equal(file.create('mine'), true)
  t.equal(file.create('other'), false)
  t.equal(file.read(), 'mine')
  t.equal(fs.statSync(path).mode & 0o777, 0o600)
  t.equal(file.removeIf('other'), false)
  t.equal(file.read(), 'mine')
  t.equal(file.removeIf('mine'), true)
  t.equal(file.removeIf('mine'), false)
  t.same(fs.readdirSync(join(path, '..')), [], 'and nothing is left beside it')
  t.end()
})

void t.test('at no moment of a removal that comes too late is the lock of a second run out of its place', async (t) => {
  const path = join(t.testdir({ lock: 'of the second' }), 'lock')
  const free: string[] = []
  // A third run may get its turn after any act on the disk, and would take what looks free.
  const interrupted = Object.fromEntries(Object.entries(fs).map(([name, act]) => [name, typeof act !== 'function' || !name.endsWith('Sync') ? act : (...args: unknown[]): unknown => {
    try {
      return (act as (...all: unknown[]) => unknown)(...args)
    } finally {
      if (!fs.existsSync(path)) free.push(name)
    }
  }]))
  const { lockFile: first } = await t.mockImport<Files>('../../../lib/adapters/files.ts', { 'node:fs': interrupted })
  t.equal(first(path).removeIf('of the dead one'), false)
  t.same(free, [])
  t.equal(fs.readFileSync(path, 'utf8'), 'of the second')
  t.same(fs.readdirSync(join(path, '..')), ['lock'])
})

void t.test('only one of two that remove the same dead lock is told that it did', async (t) => {
  const path = join(t.testdir({ lock: 'dead' }), 'lock')
  const removed: boolean[] = []
  const second = lockFile(path)
  const interrupted = { ...fs, readFileSync: (...args: Parameters<typeof fs.readFileSync>) => {
    const text = fs.readFileSync(...args)
    removed.push(second.removeIf('dead'))
    return text
  } }
  const { lockFile: first } = await t.mockImport<Files>('../../../lib/adapters/files.ts', { 'node:fs': interrupted })
  removed.push(first(path).removeIf('dead'))
  t.equal(removed.filter((one) => one).length, 1)
  t.same(fs.readdirSync(join(path, '..')), [])
})

void t.test('a run that died while it removed a dead lock does not keep everybody out for ever', async (t) => {
  const folder = t.testdir({ lock: 'dead' })
  const path = join(folder, 'lock')
  const killed = { ...fs, rmSync: () => {
    throw new Error('killed')
  } }
  const { lockFile: first } = await t.mockImport<Files>('../../../lib/adapters/files.ts', { 'node:fs': killed })
  t.throws(() => first(path).removeIf('dead'), /killed/)
  const old = new Date(Date.now() - 60_000)
  for (const name of fs.readdirSync(folder)) fs.utimesSync(join(folder, name), old, old)
  const file = lockFile(path)
  // The first sees that the claim is old, the second makes its own.
  file.removeIf('dead')
  file.removeIf('dead')
  t.equal(file.create('mine'), true)
})
