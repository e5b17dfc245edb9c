import t from 'tap'
import { makeRoom, outOfTheWay } from '../../../lib/airflow/immutable.ts'
import { AirstripError } from '../../../lib/errors.ts'
import type { KubernetesObject } from '../../../lib/access.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { release } from '../observe/objects.ts'

const claim = (name: string, more = {}) => ({ metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } }, ...more } })
/** As the chart renders it, and (with `served`) as the API server returns it. */
const set = (name: string, claims: object[] | undefined, served = false, more = {}): KubernetesObject => ({
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'airflow' },
  spec: { serviceName: name, selector: { matchLabels: { component: 'worker' } }, template: { spec: { containers: [] } }, ...(claims === undefined ? {} : { volumeClaimTemplates: claims }), ...(served ? { podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10 } : {}), ...more },
})
const job = (image: string, condition?: string): KubernetesObject => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'airflow-create-user', namespace: 'airflow' },
  spec: { template: { spec: { containers: [{ name: 'create-user', image }] } } }, ...(condition === undefined ? {} : { status: { conditions: [{ type: condition, status: 'True' }] } }),
})

void t.test('a set whose claims change is made again, with its pods and claims left where they are', (t) => {
  t.match(outOfTheWay([set('airflow-worker', undefined)], [set('airflow-worker', [claim('logs')], true)]), [{ op: 'delete', freeing: true, keepsPods: true, live: { metadata: { name: 'airflow-worker' } }, why: /^volumeClaimTemplates cannot be changed in place/ }])
  t.match(outOfTheWay([set('airflow-redis', [claim('redis-db', { resources: { requests: { storage: '2Gi' } } })])], [set('airflow-redis', [claim('redis-db')], true)]), [{ keepsPods: true }])
  t.match(outOfTheWay([set('airflow-worker', [claim('logs')], false, { serviceName: 'other' })], [set('airflow-worker', [claim('logs')], true)]), [{ why: /^serviceName/ }])
  t.end()
})

void t.test('what the server filled in, and what may be changed, is no reason', (t) => {
  t.same(outOfTheWay([set('airflow-worker', [claim('logs')], false, { replicas: 3, template: { spec: { containers: [{ name: 'x', image: 'y' }] } } })], [set('airflow-worker', [claim('logs', { volumeMode: 'Filesystem' })], true)]), [])
  t.same(outOfTheWay([], [set('airflow-worker', [claim('logs')], true)]), [], 'a set that the chart does not have any more is Helm\'s to take away')
  t.same(outOfTheWay([set('airflow-worker', undefined)], [undefined]), [])
  t.end()
})

void t.test('a database is not given another claim: it would begin empty', (t) => {
  t.same(outOfTheWay([set('airflow-postgresql', [claim('other')])], [set('airflow-postgresql', [claim('data')], true)]), [])
  t.match(outOfTheWay([set('airflow-postgresql', [claim('data', { resources: { requests: { storage: '20Gi' } } })])], [set('airflow-postgresql', [claim('data')], true)]), [{ keepsPods: true }], 'a larger one is the same one')
  t.end()
})

void t.test('a Job that is over makes room for the next; one that runs does not', (t) => {
  t.match(outOfTheWay([job('new')], [job('old', 'Complete')]), [{ op: 'delete', freeing: true, why: /is over/ }])
  t.match(outOfTheWay([job('new')], [job('old', 'Failed')]), [{ op: 'delete' }])
  t.same(outOfTheWay([job('new')], [job('old')]), [])
  t.same(outOfTheWay([job('old')], [job('old', 'Complete')]), [])
  t.end()
})

const want = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, timeoutSeconds: 1, values: {} }
const worker = set('airflow-worker', [claim('logs')], true)
const others = { rendered: { objects: [set('airflow-worker', undefined)], hooks: [] }, objects: [worker] }

void t.test('a chart is only rendered where something could be refused', async (t) => {
  const reader = clusterReader({})
  t.same(await makeRoom(want, undefined, [], reader), [])
  t.same(await makeRoom(want, release({ objects: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', namespace: 'airflow' } }] }), [], reader), [])
  t.same(reader.asked, [])
})

void t.test('what goes already is not named twice', async (t) => {
  const record = release({ objects: [set('airflow-worker', [claim('logs')])] })
  t.match(await makeRoom(want, record, [], clusterReader(others)), [{ keepsPods: true }])
  t.same(await makeRoom(want, record, [{ op: 'delete', freeing: true, live: worker, why: 'it is stuck' }], clusterReader(others)), [])
})

void t.test('a chart that Helm cannot render makes no room, and Helm says why', async (t) => {
  const reader = { ...clusterReader(others), render: () => Promise.reject(new AirstripError('HELM_FAILED', 'Helm cannot render it.')) }
  t.same(await makeRoom(want, release({ objects: [set('airflow-worker', [claim('logs')])] }), [], reader), [])
})
