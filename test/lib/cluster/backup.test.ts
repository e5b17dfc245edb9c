import t from 'tap'
import { dumpDatabase, loadDump, swapDatabases, type DumpHands } from '../../../lib/cluster/backup.ts'
import type { Call, Outcome } from '../../../lib/cluster/exec.ts'
import type { DatabasePlace } from '../../../lib/access.ts'
import { recordedFolder } from '../../fakes/dumps.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf } from '../../fakes/exec.ts'
import { dump } from '../database/dump.ts'

const place: DatabasePlace = { namespace: 'airflow', release: 'airflow', database: 'airflow', pod: 'airflow-postgresql-0', container: 'postgresql' }
const wish = { place, airflow: '2.6.2', chart: 'airflow 1.10.0', why: 'by hand' }
const facts = 'server\t15.20\nbytes\t8000000\nrevision\t98ae\nrows\tdag\t2\n'
const look: Partial<Outcome> = { stdout: `${facts}database\tairflow\nfree\t/dev/vda 1 1 9000000 1% /\n` }
const good: Record<string, Partial<Outcome>> = { sweep: {}, look, dump: { stderr: `${facts}ended\t0\n` }, load: { stdout: `${facts}ended\t0\n` }, drop: {}, swap: {} }

/** Which script it is, by what only that one has. */
function scriptOf({ args }: Call): string {
  const text = args.find((word) => word.startsWith('set -eu')) ?? ''
  const marks: Record<string, string> = { dump: 'pg_dump', load: 'pg_restore', swap: 'RENAME', sweep: 'left_over', drop: 'DROP DATABASE IF EXISTS' }
  return Object.entries(marks).find(([, mark]) => text.includes(mark))?.[0] ?? (text === '' ? args.find((word) => !word.startsWith('-')) ?? '' : 'look')
}

function at(answers: Record<string, Partial<Outcome>>, more: Partial<DumpHands> = {}) {
  const calls: Call[] = []
  const folder = recordedFolder()
  const notes: string[] = []
  const connection = connectionOf((call) => {
    calls.push(call)
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ms: 1, ...(answers[scriptOf(call)] ?? {}) })
  })
  const hands: DumpHands = { folder, keep: 10, now: () => new Date('2026-11-24T19:30:00Z'), note: (text) => notes.push(text), ...more }
  return { connection, hands, folder, notes, scripts: () => calls.map(scriptOf), calls }
}

void t.test('a dump is kept when what was restored from it is the same', async (t) => {
  const { connection, hands, folder, scripts, calls, notes } = at(good)
  t.match(await dumpDatabase(connection, hands, wish), { file: '/backups/airflow-airflow-airflow-20261124T193000Z-Airflow2.6.2.dump', revision: '98ae', rows: { dag: 2 } })
  t.same(scripts(), ['sweep', 'look', 'dump', 'load', 'drop'])
  t.match(calls[2], { into: /Airflow2\.6\.2\.dump$/ })
  t.match(calls[3], { from: calls[2]?.into }, 'the file itself is what is proven')
  t.same(folder.acts.map((act) => act.split(' ')[0]), ['begin', 'seal', 'keep', 'discard'])
  t.match(notes.join('\n'), /8\.6 GiB free on its volume[^]*found the same/)
})

void t.test('one that is not as the database was is no dump, and its scratch goes', async (t) => {
  for (const [what, answers, code] of [
    ['a row too few', { load: { stdout: `${facts.replace('dag\t2', 'dag\t1')}ended\t0\n` } }, 'BACKUP_FAILED'],
    ['a restore that fails', { load: { exitCode: 1, stderr: 'pg_restore: error: unexpected end of file' } }, 'BACKUP_FAILED'],
    ['a restore whose end was not heard of', { load: { stdout: facts } }, 'BACKUP_FAILED'],
  ] as const) {
    const { connection, hands, folder, scripts } = at({ ...good, ...answers })
    t.match(await caught(dumpDatabase(connection, hands, wish)), { code }, what)
    t.same([scripts().at(-1), folder.acts.at(-1), folder.acts.some((act) => act.startsWith('keep'))], ['drop', 'discard', false], what)
  }
})

void t.test('a stream that broke is no dump, whatever its exit code says', async (t) => {
  for (const answer of [{ stderr: facts }, { stderr: `${facts}ended\t1\npg_dump: error: x` }, { exitCode: 1, stderr: 'error: unexpected EOF' }]) {
    const { connection, hands, folder, scripts } = at({ ...good, dump: answer })
    t.match(await caught(dumpDatabase(connection, hands, wish)), { code: /BACKUP_FAILED|CLUSTER_UNREACHABLE/ })
    t.notOk(scripts().includes('load'))
    t.same(folder.acts.map((act) => act.split(' ')[0]), ['begin', 'discard'])
  }
})

void t.test('without room for a copy nothing is begun', async (t) => {
  const { connection, hands, folder } = at({ ...good, look: { stdout: `${facts}free\t/dev/vda 1 1 9000 1% /\n` } })
  t.match(await caught(dumpDatabase(connection, hands, wish)), { code: 'BACKUP_FAILED', message: /no room/ })
  t.same(folder.acts, [])
})

void t.test('older ones than are to be kept go, after the new one is there', async (t) => {
  const folder = recordedFolder([{ dump: { version: 1, verified: true, ...dump, cluster: undefined, createdAt: '2020-01-01T00:00:00.000Z', file: '/backups/old.dump' }, whole: true }])
  const { connection, hands } = at(good, { folder, keep: 1 })
  await dumpDatabase(connection, hands, wish)
  t.same(folder.acts.map((act) => act.split(' ')[0]), ['begin', 'seal', 'keep', 'remove', 'discard'])
})

void t.test('a database elsewhere is reached from a pod that is taken away, also after a failure', async (t) => {
  const client = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'airstrip-database-airflow', namespace: 'airflow' } }
  const there = { ...place, pod: 'airstrip-database-airflow', container: 'client', client }
  const { connection, hands, scripts } = at({ ...good, dump: { exitCode: 1, stderr: 'pg_dump: error: aborting because of server version mismatch' } })
  t.match(await caught(dumpDatabase(connection, hands, { ...wish, place: there })), { code: 'BACKUP_FAILED', next: /airflow\.backups\.image/ })
  t.same(scripts(), ['delete', 'create', 'wait', 'sweep', 'look', 'dump', 'delete'])
})

void t.test('a restored one that is not right is dropped again', async (t) => {
  const { connection, scripts } = at({ ...good, load: { exitCode: 1 } })
  t.match(await caught(loadDump(connection, place, dump, 'airstrip_restore_1')), { code: 'BACKUP_FAILED' })
  t.same(scripts(), ['look', 'load', 'drop'])
})

void t.test('whether the swap was made is asked of the server where its answer was lost', async (t) => {
  const swapped = at({ ...good, swap: { exitCode: 1 }, look: { stdout: 'database\tairflow\ndatabase\tairflow_before_restore_1\n' } })
  await swapDatabases(swapped.connection, place, 'airstrip_restore_1', 'airflow_before_restore_1')
  const not = at({ ...good, swap: { exitCode: 1 }, look: { stdout: 'database\tairflow\ndatabase\tairstrip_restore_1\n' } })
  t.match(await caught(swapDatabases(not.connection, place, 'airstrip_restore_1', 'airflow_before_restore_1')), { code: 'BACKUP_FAILED', message: /is as it was/ })
})
