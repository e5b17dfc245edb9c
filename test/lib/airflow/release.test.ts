import t from 'tap'
import { changedValues, releaseDrift } from '../../../lib/airflow/release.ts'
import { chartMark, markedFingerprint } from '../../../lib/airflow/operation.ts'
import type { Chart, KubernetesObject, Release, ReleaseWish } from '../../../lib/access.ts'
import { release } from '../observe/objects.ts'

const chart: Chart = { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', home: '', fingerprint: 'f00d'.repeat(16), path: '/charts/airflow' }
const values = { executor: 'KubernetesExecutor', webserver: { replicas: 1 } }
const wish: ReleaseWish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, values, timeoutSeconds: 1 }
const scheduler: KubernetesObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'airflow-scheduler', namespace: 'airflow' }, spec: { replicas: 1 } }
const good = release({ values, objects: [scheduler] })

function drift(fields: Partial<Release> = {}, marked?: string, live: (KubernetesObject | undefined)[] = [scheduler]): string | undefined {
  return releaseDrift(wish, chart, { ...good, ...fields }, marked, live)
}

void t.test('what is as wanted has no drift', (t) => {
  t.equal(drift(), undefined)
  t.equal(drift({}, 'f00df00df00df00d'), undefined)
  t.end()
})

void t.test('a release that is not deployed is mended even where nothing else differs', (t) => {
  t.equal(drift({ status: 'failed', description: 'timed out waiting for the condition\nmore' }), 'it is failed: timed out waiting for the condition')
  t.match(drift({ status: 'pending-install' }), /^it is pending-install/)
  t.match(drift({ status: 'uninstalled' }), /^it is uninstalled/)
  t.end()
})

void t.test('another chart, another version, or an edited chart folder is a reason', (t) => {
  t.match(drift({ chart: { ...good.chart, version: '1.9.0' } }), /^chart airflow 1\.9\.0 is installed, airflow 1\.10\.0 is wanted$/)
  t.match(drift({ chart: { ...good.chart, name: 'other' } }), /^chart other 1\.10\.0 is installed/)
  t.equal(drift({}, 'beefbeefbeefbeef'), 'the chart at /charts/airflow was changed')
  t.end()
})

void t.test('values that differ are named by their path and not shown', (t) => {
  t.equal(drift({ values: { ...values, webserver: { replicas: 2 }, canary: 'canary' } }), 'values differ: webserver.replicas, canary')
  t.match(drift({ values: { a: 1, b: 1, c: 1, d: 1, e: 1 } }), /and 3 more$/)
  t.end()
})

void t.test('an object that was deleted or changed by hand is named with its field', (t) => {
  t.equal(drift({}, undefined, [undefined]), 'Deployment airflow-scheduler is gone')
  t.equal(drift({}, undefined, [{ ...scheduler, spec: { replicas: 0 } }]), 'Deployment airflow-scheduler was changed by hand: spec.replicas differs')
  t.equal(drift({}, undefined, [{ ...scheduler, spec: { replicas: 1, progressDeadlineSeconds: 600 }, status: { replicas: 1 } }]), undefined)
  t.end()
})

void t.test('values are compared in both directions', (t) => {
  t.same(changedValues({ a: { b: 1 } }, { a: { b: 1 } }), [])
  t.same(changedValues({ a: { b: 1 } }, { a: {} }), ['a.b'])
  t.same(changedValues({ a: {} }, { a: { b: 1 } }), ['a.b'])
  t.same(changedValues({ a: [1, 2] }, { a: [2, 1] }), ['a'])
  t.same(changedValues({ a: { b: 1 } }, { a: [1] }), ['a'])
  t.same(changedValues({ a: undefined }, {}), [])
  t.same(changedValues({ a: null }, { a: { b: 1 } }), ['a'])
  t.end()
})

void t.test('the mark in the description is found again, and another description has none', (t) => {
  t.equal(markedFingerprint(chartMark(chart.fingerprint, 'home/1/x')), 'f00df00df00df00d')
  t.equal(markedFingerprint('Upgrade complete'), undefined)
  t.equal(markedFingerprint('Interrupted; recovered by airstrip, which kept the record in x'), undefined)
  t.end()
})
