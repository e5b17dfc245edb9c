import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { closedEntries } from '../../../lib/cluster/dag-entries.ts'

void t.test('what Airflow may not read is told with its owner and mode, and what is no DAG is not', (t) => {
  const dags = t.testdir({ 'open.py': '', 'closed.py': '', 'bundle.zip': '', 'notes.txt': '', '.git': { 'hook.py': '' }, '__pycache__': { 'a.py': '' }, 'lost+found': {}, 'team': { 'inner.py': '' } })
  const set = (name: string, mode: number): void => { chmodSync(join(dags, name), mode) }
  for (const [name, mode] of [['open.py', 0o644], ['closed.py', 0o600], ['bundle.zip', 0o444], ['notes.txt', 0o600], ['.git/hook.py', 0o600], ['__pycache__/a.py', 0o600], ['team/inner.py', 0o600], ['team', 0o700], ['lost+found', 0o700]] as const) set(name, mode)
  symlinkSync('closed.py', join(dags, 'link.py'))
  const found = closedEntries(dags).map(({ path, folder, mode }) => ({ name: path.slice(dags.length + 1), folder, mode })).sort((a, b) => a.name.localeCompare(b.name))
  t.same(found, [
    { name: 'closed.py', folder: false, mode: 0o600 },
    { name: 'team', folder: true, mode: 0o700 }, { name: 'team/inner.py', folder: false, mode: 0o600 },
  ])
  t.match(closedEntries(dags)[0], { uid: process.getuid?.() })
  set('team', 0o755)
  t.end()
})

void t.test('a folder that is not there has none, and of very many only so many are looked at and told', (t) => {
  const dags = t.testdir({ many: {} })
  t.same(closedEntries(join(dags, 'none')), [])
  for (let index = 0; index < 20; index += 1) {
    mkdirSync(join(dags, 'many', `d${index}`), { mode: 0o700 })
    writeFileSync(join(dags, 'many', `f${index}.py`), '', { mode: 0o600 })
  }
  t.equal(closedEntries(join(dags, 'many'), { entries: 5, told: 50 }).length, 5)
  t.equal(closedEntries(join(dags, 'many'), { entries: 100, told: 7 }).length, 7)
  t.end()
})
