import t from 'tap'
import { dumpName, newestFirst, parseRecord, recordText, surplus, type Kept } from '../../../lib/database/record.ts'
import type { Dump } from '../../../lib/access.ts'
import { at, dump } from './dump.ts'

const kept = (minute: number, more: Partial<Dump> = {}, whole = true): Kept => ({ dump: { version: 1, verified: true, ...dump, file: `${minute}.dump`, createdAt: new Date(at.getTime() + minute * 60_000).toISOString(), ...more }, whole })
const gone = (list: Kept[], keep: number): string[] => surplus(list, dump, keep).map(({ file }) => file)

void t.test('a dump is called by whose it is, when it was made, and of which Airflow', (t) => {
  t.equal(dumpName(dump, at), 'airflow-airflow-airflow-20261124T193000Z-Airflow2.6.2.dump')
  t.equal(dumpName({ ...dump, airflow: '../v7 x' }, at), 'airflow-airflow-airflow-20261124T193000Z-Airflow..-v7-x.dump', 'a tag of somebody\'s own is no path')
  t.end()
})

void t.test('what is written beside it is read again, and nothing else', (t) => {
  t.match(parseRecord(recordText(dump)), { ...dump, verified: true })
  t.equal(parseRecord('{'), undefined)
  t.equal(parseRecord(JSON.stringify({ ...dump, version: 1 })), undefined, 'one that was not proven does not count')
  t.end()
})

void t.test('the newest stay, of each release for itself', (t) => {
  t.same(gone([kept(1), kept(3), kept(2)], 2), ['1.dump'])
  t.same(gone([kept(1), kept(2)], 10), [])
  t.same(gone([kept(1, { namespace: 'other' }), kept(2, { cluster: 'uid-2' }), kept(3)], 1), [])
  t.same(newestFirst([kept(1), kept(3), kept(2)]).map(({ dump: { file } }) => file), ['3.dump', '2.dump', '1.dump'])
  t.end()
})

void t.test('the last one that is whole never goes, and one that is not stands for none', (t) => {
  t.same(gone([kept(1), kept(2, {}, false), kept(3, {}, false)], 1), [], 'two broken ones are newer')
  t.same(gone([kept(1), kept(2), kept(3, {}, false)], 1), ['1.dump'])
  t.same(gone([kept(1)], 0), [])
  t.end()
})
