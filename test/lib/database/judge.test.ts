import t from 'tap'
import { remarks, unfit } from '../../../lib/database/judge.ts'
import { dump } from './dump.ts'

const present = { namespace: 'airflow', release: 'airflow', airflow: '2.6.2', cluster: 'uid-1' }

void t.test('a dump of this release and this Airflow is restored without a word', (t) => {
  t.equal(unfit(dump, present), undefined)
  t.same(remarks(dump, present), [])
  t.end()
})

void t.test('one of a newer Airflow, or without tables, is not', (t) => {
  t.match(unfit({ ...dump, airflow: '2.7.1' }, present), { sentence: /older 2\.6\.2 runs/, next: /2\.7\.1 first/ })
  t.match(unfit({ ...dump, revision: undefined }, present), { sentence: /no tables/ })
  t.end()
})

void t.test('one of an older Airflow, of another release or cluster is, and that is said', (t) => {
  const older = { ...dump, airflow: '2.5.1' }
  t.equal(unfit(older, present), undefined)
  t.match(remarks(older, present), [/2\.5\.1 and 2\.6\.2 runs: Airflow stays stopped/])
  t.match(remarks(dump, { ...present, release: 'other', cluster: 'uid-2' }), [/release airflow\/airflow: .*Fernet key/, /another cluster/])
  t.end()
})
