import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dumpFolder, isDump, readKept, sha256Of } from '../../../lib/adapters/dumps.ts'
import { dump } from '../database/dump.ts'

void t.test('a dump has its name only when it is whole, and is for its owner alone', async (t) => {
  const folder = dumpFolder(join(t.testdir(), 'state.json'))
  const path = folder.begin('airflow-a.dump')
  t.same(folder.list(), [])
  writeFileSync(path, 'PGDMP and more')
  const sealed = await folder.seal(path)
  t.match(sealed, { size: 14, sha256: await sha256Of(path) })
  const kept = await folder.keep(path, { ...dump, ...sealed }, 'airflow-a.dump')
  t.same(readdirSync(folder.path).sort(), ['airflow-a.dump', 'airflow-a.dump.json'])
  for (const name of readdirSync(folder.path)) t.equal(statSync(join(folder.path, name)).mode & 0o777, 0o600, name)
  t.match(folder.list(), [{ dump: { file: kept.file, airflow: '2.6.2' }, whole: true }])
  t.ok(isDump(kept.file))
  writeFileSync(kept.file, 'PGDMP')
  t.match(readKept(kept.file), { whole: false })
  folder.remove(kept.file)
  t.same(readdirSync(folder.path), [])
})

void t.test('what is not airstrip\'s is neither listed nor touched; what a killed run left goes', (t) => {
  const folder = dumpFolder(join(t.testdir({ backups: { 'airflow-mine.dump': 'x', '.airflow-x.dump.999999999': '', [`.airflow-y.dump.${process.ppid}`]: '', '.airflow-z.dump': '' } }), 'state.json'))
  t.same(folder.list(), [])
  folder.discard(folder.begin('airflow-b.dump'))
  t.same(readdirSync(folder.path).sort(), [`.airflow-y.dump.${process.ppid}`, '.airflow-z.dump', 'airflow-mine.dump'])
  t.notOk(existsSync(join(folder.path, 'airflow-b.dump')))
  t.equal(readFileSync(join(folder.path, 'airflow-mine.dump'), 'utf8'), 'x')
  t.end()
})
