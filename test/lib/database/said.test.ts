import t from 'tap'
import { lackOfRoom, inWords } from '../../../lib/database/room.ts'
import { complaints, readSaid, unlike } from '../../../lib/database/said.ts'

const said = [
  'Defaulted container "postgresql" out of: postgresql', 'server\t15.20 (Debian 15.20-0+deb12u1)', 'bytes\t8224103', 'revision\t98ae134e6fff', 'rows\tdag\t2', 'rows\tother.thing\t0',
  'database\tairflow', 'swept\tairstrip_scratch_1', 'free\t/dev/vda1  102626232  25705224  76904624  26% /bitnami', 'ended\t0',
].join('\n')

void t.test('what a script says is read line by line', (t) => {
  t.same(readSaid(said), { server: '15.20 (Debian 15.20-0+deb12u1)', bytes: 8224103, revision: '98ae134e6fff', rows: { dag: 2, 'other.thing': 0 }, databases: ['airflow'], swept: ['airstrip_scratch_1'], free: 76904624 * 1024, ended: 0 })
  t.same(readSaid(''), { server: '', bytes: 0, rows: {}, databases: [], swept: [] }, 'an end that was not said is no end')
  t.end()
})

void t.test('complaints are for a person, and quote no row: rows hold passwords', (t) => {
  const stderr = `${said}\npg_restore: error: COPY failed for table "connection": ERROR:  missing data\nCONTEXT:  COPY connection, line 1: "1 canary-password"\nDETAIL:  Key (password)=(canary-password)\nCommand was: COPY canary-password\ncommand terminated with exit code 1\n`
  t.same(complaints(stderr), ['pg_restore: error: COPY failed for table "connection": ERROR:  missing data'])
  t.end()
})

void t.test('a copy is the same only to the row and the migration', (t) => {
  const facts = { server: '15', revision: 'a', bytes: 1, rows: { dag: 2, job: 1 } }
  t.same(unlike(facts, { ...facts, server: '16', bytes: 2 }), [])
  t.same(unlike(facts, { ...facts, rows: { dag: 1 } }), ['table dag: 2 dumped, 1 restored', 'table job: 1 dumped, not restored'])
  t.same(unlike(facts, { ...facts, revision: undefined }), ['migrations: a was dumped, none restored'])
  t.same(unlike(facts, { ...facts, rows: { ...facts.rows, more: 1 } }), ['table more: not dumped, 1 restored'])
  t.end()
})

void t.test('a copy needs its room and some more; what cannot be seen stops nobody', (t) => {
  const gib = 1024 ** 3
  t.equal(lackOfRoom(gib, 2 * gib), undefined)
  t.equal(lackOfRoom(gib, undefined), undefined)
  t.equal(lackOfRoom(gib, gib), '1.3 GiB are needed for a copy of the database, 1.0 GiB are free')
  t.same([inWords(1), inWords(8_224_103), inWords(3.44 * gib)], ['1 KiB', '8 MiB', '3.4 GiB'])
  t.end()
})
