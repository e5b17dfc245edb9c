import t from 'tap'
import { placeIn, placeOf, speakerIn, speakerOf } from '../../../lib/observe/place.ts'

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'airflow-worker-0', namespace: 'airflow' } }
const name = 'airflow-worker-0/worker'

void t.test('a container is found again in the line that names it, with what was seen', (t) => {
  t.strictSame(placeIn(`${placeOf(pod, 'worker')}: exit code 1, restarted 5 times`), { name, container: 'worker', words: 'exit code 1, restarted 5 times' })
  t.strictSame(placeIn(`${placeOf(pod, 'worker')} is not as it was`), { name, container: 'worker', words: undefined })
  t.end()
})

void t.test('and in a line of its log, of this run or of the one before', (t) => {
  for (const previous of [false, true]) {
    const line = `${speakerOf('airflow-worker-0', 'worker', previous)}: error: could not connect: refused`
    t.strictSame(speakerIn(line), { name, container: 'worker', words: 'error: could not connect: refused' })
    t.equal(placeIn(line), undefined)
  }
  t.end()
})

void t.test('no other line names one', (t) => {
  for (const line of ['Pod airflow/airflow-worker-0 is Pending', 'StatefulSet airflow/airflow-worker: 0 of 1 ready', 'https://example.test/a: 404', 'error: could not connect']) {
    t.equal(placeIn(line), undefined, line)
    t.equal(speakerIn(line), undefined, line)
  }
  t.end()
})
