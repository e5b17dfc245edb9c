import t from 'tap'
import { chartMark, operationLease } from '../../../lib/airflow/operation.ts'
import { forget, markedLease, readMark, restoredReason, startAgain, writersOf } from '../../../lib/airflow/restored.ts'
import { patched } from '../../../lib/diff/patch.ts'
import { deployment, release } from '../observe/objects.ts'

const name = { name: 'airflow', namespace: 'airflow' }
const now = new Date('2026-11-24T19:30:00Z')
const live = operationLease(name, '', 1, now, 'f00d'.repeat(16))
const mark = { stopped: { 'Deployment/airflow-scheduler': 2 }, airflow: '2.6.2' }

void t.test('the Lease keeps what was stopped and of which Airflow the database is, beside the chart\'s mark', (t) => {
  const lease = markedLease(name, live, mark, now)
  t.same(readMark(lease), mark)
  t.match(chartMark('f00d'.repeat(16), ''), lease.metadata.annotations?.['airstrip/chart'])
  t.same(readMark(markedLease(name, lease, { stopped: {} }, now)), { stopped: {}, airflow: undefined })
  t.same(readMark(undefined), { stopped: {}, airflow: undefined })
  t.same(readMark({ ...lease, metadata: { ...lease.metadata, annotations: { 'airstrip/stopped': '{"a":"b",' } } }), { stopped: {}, airflow: undefined }, 'what a person made of it is no error')
  t.end()
})

void t.test('what was stopped is started again, as many as there were, and nothing else', (t) => {
  const [scheduler, webserver] = ['airflow-scheduler', 'airflow-webserver'].map((one) => ({ ...deployment(one, 0), spec: { replicas: 0 } }))
  const { changes, live: after } = startAgain([scheduler, webserver, undefined], mark)
  t.match(changes, [{ op: 'patch', live: { metadata: { name: 'airflow-scheduler' } }, patch: [{ op: 'test', value: 0 }, { op: 'replace', path: '/spec/replicas', value: 2 }] }])
  t.equal(changes.length, 1)
  t.match(after, [{ spec: { replicas: 2 } }, { spec: { replicas: 0 } }, undefined])
  t.same(startAgain([{ ...deployment('airflow-scheduler', 1), spec: { replicas: 1 } }], mark).changes, [], 'what runs is left alone')
  t.end()
})

void t.test('the marks go by a patch that takes away only them', (t) => {
  const lease = markedLease(name, live, mark, now)
  const [change] = forget(lease)
  t.same(readMark(change?.op === 'patch' ? patched(lease, change.patch) : lease), { stopped: {}, airflow: undefined })
  t.same([forget(undefined), forget(live)], [[], []])
  t.end()
})

void t.test('a database of another Airflow is brought to the wanted one', (t) => {
  t.match(restoredReason(mark, '2.7.1'), { why: /restored to that of Airflow 2\.6\.2/, sameWish: true })
  t.equal(restoredReason(mark, '2.6.2'), undefined)
  t.equal(restoredReason({ stopped: {} }, '2.7.1'), undefined)
  t.end()
})

void t.test('all but the database and its like writes to the database', (t) => {
  const set = (one: string) => ({ ...deployment(one, 1), kind: 'StatefulSet' })
  const found = writersOf(release({ objects: [deployment('airflow-scheduler', 1), deployment('airflow-statsd', 1), set('airflow-postgresql'), set('airflow-redis'), set('airflow-worker'), { apiVersion: 'v1', kind: 'Service', metadata: { name: 'airflow-x' } }] }))
  t.same(found.map(({ metadata }) => metadata.name), ['airflow-scheduler', 'airflow-worker'])
  t.end()
})
