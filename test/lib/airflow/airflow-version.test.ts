import t from 'tap'
import { airflowOf, differs, isOlder, versionOf } from '../../../lib/airflow/airflow-version.ts'

void t.test('the Airflow of a release is its image\'s tag, else the chart\'s', (t) => {
  const chart = { appVersion: '2.6.2' }
  t.equal(airflowOf({}, chart), '2.6.2')
  t.equal(airflowOf({ defaultAirflowTag: '2.7.1', airflowVersion: '2.7.1' }, chart), '2.7.1')
  t.equal(airflowOf({ images: { airflow: { tag: '2.8.1' } }, defaultAirflowTag: '2.7.1' }, chart), '2.8.1')
  t.equal(airflowOf({ airflow: { image: { tag: '2.5.3-python3.8' } } }, chart), '2.5.3-python3.8', 'the community chart')
  t.equal(airflowOf({ images: { airflow: { tag: null } } }, chart), '2.6.2')
  t.end()
})

void t.test('versions are told from tags of one\'s own', (t) => {
  t.same(['2.6.2', '2.6.2-python3.10', 'v2.6.2', 'v7', 'latest', '2.6'].map(versionOf), ['2.6.2', '2.6.2', '2.6.2', undefined, undefined, undefined])
  t.notOk(differs('2.6.2', '2.6.2-python3.10'))
  t.ok(differs('2.6.2', '2.6.3') && differs('v7', 'v8') && differs('v7', '2.6.2'))
  t.ok(isOlder('2.6.2', '2.10.0') && !isOlder('2.10.0', '2.6.2') && !isOlder('v7', 'v8'))
  t.end()
})
