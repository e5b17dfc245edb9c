import * as fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lockFile, stateFile } from '../../../lib/adapters/files.ts'
import { emptyState, loadState, stateText } from '../../../lib/engine/state.ts'
import { caught, thrown } from '../../fakes/caught.ts'
import { now, real } from '../engine/recorded.ts'

type Files = typeof import('../../../lib/adapters/files.ts')

const whole = Buffer.from(stateText(real, (text) => text))
const unforeseen = (text: string): void => {
  throw new Error(`unforeseen note: ${text}`)
}
const asIs = (text: string): string => text

void t.test('cut at any byte, or lost behind it, the file is kept byte for byte and the next run goes on', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'state.json')
  const wrong: string[] = []
  const damages: [name: string, (length: number) => Buffer][] = [
    ['cut', (length) => whole.subarray(0, length)],
    ['zeros', (length) => Buffer.concat([whole.subarray(0, length), Buffer.alloc(whole.length - length)])],
  ]
  for (const [name, damaged] of damages) {
    // Without its last byte, the newline, a file that was cut is still whole.
    for (let length = 0; length < whole.length - (name === 'cut' ? 1 : 0); length++) {
      fs.writeFileSync(path, damaged(length))
      const notes: string[] = []
      const state = loadState(stateFile(path), now, (note) => notes.push(note))
      const kept = fs.readdirSync(folder)
      const same = kept.length === 1 && kept[0] === 'state.json.damaged' && fs.readFileSync(join(folder, kept[0])).equals(damaged(length))
      if (!same || notes.length !== 1 || notes[0]?.includes('state.json.damaged') !== true || Object.keys(state.steps).length > 0) wrong.push(`${name} ${length}`)
      for (const one of kept) fs.rmSync(join(folder, one))
    }
  }
  t.same(wrong, [])
  await stateFile(path).write(stateText(emptyState(now), asIs))
  t.same(loadState(stateFile(path), now, unforeseen), emptyState(now))
})

void t.test('a second damaged file does not take the place of the first', (t) => {
  const folder = t.testdir({ 'state.json': '{', 'state.json.damaged': 'the first' })
  loadState(stateFile(join(folder, 'state.json')), now, () => undefined)
  t.equal(fs.readFileSync(join(folder, 'state.json.damaged'), 'utf8'), 'the first')
  t.equal(fs.readFileSync(join(folder, 'state.json.damaged.2'), 'utf8'), '{')
  t.end()
})

void t.test('what is written is whole, for its owner alone, and can be read again', async (t) => {
  const path = join(t.testdir({}), 'deep', 'state.json')
  await stateFile(path).write(stateText(real, asIs))
  t.equal(fs.statSync(path).mode & 0o777, 0o600)
  t.strictSame(loadState(stateFile(path), now, unforeseen), real)
})

void t.test('what a killed write left beside it goes with the next one, and nothing else', async (t) => {
  const others = ['state.json.damaged', 'state.json.damaged.2', 'state.json.lock', 'state.json.lock.4711', 'other.json.2470518486']
  const folder = t.testdir({ 'state.json': stateText(real, asIs), 'state.json.2470518486': '{ half', ...Object.fromEntries(others.map((name) => [name, 'kept'])) })
  await stateFile(join(folder, 'state.json')).write(stateText(real, asIs))
  t.same(fs.readdirSync(folder).sort(), ['state.json', ...others].sort())
})

void t.test('a folder in the place of the file, or a file in that of the folder, is told with what to do', async (t) => {
  const folder = t.testdir({ 'state.json': {}, 'plain': 'a file' })
  const here = stateFile(join(folder, 'state.json'))
  t.match(thrown(() => here.read()), { code: 'STATE_UNUSABLE', message: /state\.json cannot be used: it is a folder/, next: /Move the folder away/ })
  t.match(await caught(here.write('{}')), { code: 'STATE_UNUSABLE' })
  const below = join(folder, 'plain', 'state.json')
  t.match(thrown(() => stateFile(below).read()), { code: 'STATE_UNUSABLE', message: /a part of its path is a file/ })
  t.match(await caught(stateFile(below).write('{}')), { code: 'STATE_UNUSABLE' })
  t.match(thrown(() => lockFile(`${below}.lock`).create('mine')), { code: 'STATE_UNUSABLE' }, 'nor can the lock be taken')
})

void t.test('whoever may not use the file, or has no room for it, is told so', async (t) => {
  for (const [code, says] of [['EACCES', /may not use it/], ['EPERM', /may not use it/], ['EROFS', /can only be read/], ['ENOSPC', /disk is full/], ['EIO', /EIO/]] as const) {
    const refuse = (): never => {
      throw Object.assign(new Error(`${code}: something`), { code })
    }
    const refusing = { ...fs, readFileSync: refuse, renameSync: refuse, mkdirSync: refuse, writeFileSync: refuse, linkSync: refuse }
    const { stateFile: state, lockFile: lock } = await t.mockImport<Files>('../../../lib/adapters/files.ts', { 'node:fs': refusing })
    for (const act of [() => state('state.json').read(), () => state('state.json').moveAside(), () => lock('state.json.lock').create('mine')]) {
      t.match(thrown(act), { code: 'STATE_UNUSABLE', exitCode: 1, message: says, place: /^state\.json/ }, code)
    }
    t.match(await caught(state('state.json').write('{}')), { code: 'STATE_UNUSABLE', message: says }, code)
  }
})
