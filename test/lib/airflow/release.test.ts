import t from 'tap'
import { changedValues, upgradeReason } from '../../../lib/airflow/release.ts'
import { chartMark, markedFingerprint, operationLease } from '../../../lib/airflow/operation.ts'
import type { Chart, Release, ReleaseWish } from '../../../lib/access.ts'
import { release } from '../observe/objects.ts'

const chart: Chart = { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', home: '', fingerprint: 'f00d'.repeat(16), path: '/charts/airflow', local: false }
const values = { executor: 'KubernetesExecutor', webserver: { replicas: 1 } }
const wish: ReleaseWish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1.10.0' }, values, timeoutSeconds: 1 }
const good = release({ values })

function reason(fields: Partial<Release> = {}): ReturnType<typeof upgradeReason> {
  return upgradeReason(wish, chart, { ...good, ...fields })
}

const by = (fingerprint: string): string => chartMark(fingerprint, 'home/1/x')

void t.test('what is as wanted needs no Helm', (t) => {
  t.equal(reason(), undefined)
  t.equal(reason({ description: by(chart.fingerprint) }), undefined)
  t.end()
})

void t.test('a release that is not deployed is mended even where nothing else differs', (t) => {
  t.same(reason({ status: 'failed', description: 'timed out waiting for the condition\nmore' }), { why: 'it is failed: timed out waiting for the condition', sameWish: true })
  t.match(reason({ status: 'pending-install' }), { why: /^it is pending-install/, sameWish: true })
  t.match(reason({ status: 'uninstalled' }), { why: /^it is uninstalled/ })
  t.match(reason({ status: 'failed', values: {} }), { why: /^it is failed/, sameWish: false }, 'and that something new is wanted is not lost over it')
  t.end()
})

void t.test('another chart, another version, or an edited chart folder is a new wish', (t) => {
  t.match(reason({ chart: { ...good.chart, version: '1.9.0' } }), { why: /^chart airflow 1\.9\.0 is installed, airflow 1\.10\.0 is wanted$/, sameWish: false })
  t.match(reason({ chart: { ...good.chart, name: 'other' } }), { why: /^chart other 1\.10\.0 is installed/ })
  t.same(reason({ description: by('beef'.repeat(16)) }), { why: 'the chart at /charts/airflow was changed', sameWish: false })
  t.end()
})

void t.test('a failed release whose own chart folder cannot be told from another is not the same wish', (t) => {
  const local = { ...chart, local: true }
  const failed = { ...good, status: 'failed', description: 'timed out' }
  t.match(upgradeReason(wish, local, failed), { sameWish: false })
  const lease = (fingerprint: string) => operationLease({ name: 'airflow', namespace: 'airflow' }, '', 1, new Date(0), fingerprint)
  t.match(upgradeReason(wish, local, failed, lease(chart.fingerprint)), { sameWish: true }, 'the Lease keeps the mark that Helm wrote over')
  t.match(upgradeReason(wish, local, failed, lease('beef'.repeat(16))), { sameWish: false })
  t.end()
})

void t.test('values that differ are named by their path and not shown', (t) => {
  t.same(reason({ values: { ...values, webserver: { replicas: 2 }, canary: 'canary' } }), { why: 'values differ: webserver.replicas, canary', sameWish: false })
  t.match(reason({ values: { a: 1, b: 1, c: 1, d: 1, e: 1 } }), { why: /and 3 more$/ })
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
