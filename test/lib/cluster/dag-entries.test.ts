import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { restrictedEntries } from '../../../lib/cluster/dag-entries.ts'

void t.test('what not everybody may read is told with its owner and mode, and what is no DAG is not', (t) => {
  const dags = t.testdir({ 'open.py': '', 'closed.py': '', 'bundle.zip': '', 'notes.txt': '', '.git': { 'hook.py': '' }, '__pycache__': { 'a.py': '' }, 'lost+found': {}, 'team': { 'inner.py': '' } })
  const set = (name: string, mode: number): void => { chmodSync(join(dags, name), mode) }
  for (const [name, mode] of [['open.py', 0o644], ['closed.py', 0o600], ['bundle.zip', 0o640], ['notes.txt', 0o600], ['.git/hook.py', 0o600], ['__pycache__/a.py', 0o600], ['team/inner.py', 0o600], ['team', 0o750], ['lost+found', 0o700]] as const) set(name, mode)
  symlinkSync('closed.py', join(dags, 'link.py'))
  const found = restrictedEntries(dags).map(({ path, folder, mode }) => ({ name: path.slice(dags.length + 1), folder, mode })).sort((a, b) => a.name.localeCompare(b.name))
  t.same(found, [
    { name: 'bundle.zip', folder: false, mode: 0o640 }, { name: 'closed.py', folder: false, mode: 0o600 },
    { name: 'team', folder: true, mode: 0o750 }, { name: 'team/inner.py', folder: false, mode: 0o600 },
  ])
  t.match(restrictedEntries(dags)[0], { uid: process.getuid?.() })
  set('team', 0o755)
  t.end()
})

void t.test('a folder that is not there has none, and of very many only so many are looked at and told', (t) => {
  const dags = t.testdir({ many: {} })
  t.same(restrictedEntries(join(dags, 'none')), [])
  for (let index = 0; index < 20; index += 1) {
    mkdirSync(join(dags, 'many', `d${index}`), { mode: 0o700 })
    writeFileSync(join(dags, 'many', `f${index}.py`), '', { mode: 0o600 })
  }
  t.equal(restrictedEntries(join(dags, 'many'), { entries: 5, told: 50 }).length, 5)
  t.equal(restrictedEntries(join(dags, 'many'), { entries: 100, told: 7 }).length, 7)
  t.end()
})
