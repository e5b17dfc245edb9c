import t from 'tap'
import { releaseAndChart } from '../../../lib/airflow/choice.ts'
import { operationLease } from '../../../lib/airflow/operation.ts'
import { wishOf } from '../../../lib/airflow/release.ts'
import { airflowSpec } from '../../../lib/airflow/spec.ts'
import type { Chart, KubernetesObject, Release } from '../../../lib/access.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { helm } from '../../../steps/04-helm.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader, type Cluster } from '../../fakes/reader.ts'
import { changesOf, chart as base, config } from '../../steps/config.ts'
import { release } from '../observe/objects.ts'

const airflows: Record<string, string> = { '1.22.0': '3.2.2', '1.11.0': '2.7.1', '1.10.0': '2.6.2', '1.9.0': '2.5.3', '1.8.0': '2.5.1' }
const chart = (version: string, more: Partial<Chart> = {}): Chart => ({ ...base, version, appVersion: airflows[version] ?? '', path: `/cache/airflow-${version}.tgz`, ...more })
const all = Object.keys(airflows).map((version) => chart(version))
const byVersion = Object.fromEntries(all.map((one) => [one.version, one]))
const versions = { server: 'v1.24.3', kubectl: 'v1.24.0', helm: 'v3.9.4' }
const schema = ['Error: values don\'t meet the specifications of the schema(s) in the following chart(s):', 'airflow:', '- scheduler: Additional property foo is not allowed']

const place = (more: Cluster = {}): Cluster => ({ versions, rendered: { objects: [], hooks: [] }, charts: { reference: 'apache-airflow/airflow', address: 'https://airflow.apache.org/index.yaml', charts: all }, chartsBy: byVersion, ...more })
const spec = (airflow: string) => airflowSpec(config({ airflow })).release
const installed = (version: string, airflow: string, more: Partial<Release> = {}): Release =>
  release({ chart: { name: 'airflow', version, appVersion: airflows[version] ?? '' }, values: wishOf(spec(airflow), chart(version), 'KubernetesExecutor').values, ...more })

async function choose(airflow: string, more: Cluster = {}) {
  const reader = clusterReader(place(more))
  const [, chosen, findings] = await releaseAndChart(spec(airflow), reader)
  return { version: chosen.version, findings, asked: reader.asked }
}

const auto = 'version: auto'
const listed = 'version: 1.10.0, candidates: [1.9.0, 1.8.0]'

void t.test('a version that is written down is that version, and nothing is asked', async (t) => {
  const { version, findings, asked } = await choose('version: 1.22.0')
  t.same([version, findings, asked], ['1.22.0', [], ['chart apache-airflow/airflow 1.22.0']])
})

void t.test('auto takes the newest that fits and can be rendered, and says of each other why not', async (t) => {
  const { version, findings } = await choose(auto)
  t.equal(version, '1.11.0')
  t.match(findings, [{ id: 'chart-chosen', severity: 'warning', title: /^Chart 1\.11\.0 \(Airflow 2\.7\.1\) is taken, since 1\.22\.0 cannot work here$/, evidence: [/^1\.22\.0: Helm v3\.9\.4 cannot read it.*Move Helm to 3\.10 or later\.; its README asks for Kubernetes 1\.30/] }])
  const refused = await choose(auto, { refused: { '1.11.0': schema } })
  t.equal(refused.version, '1.10.0')
  t.match(refused.findings, [{ evidence: [/^1\.22\.0: /, /^1\.11\.0: The chart's schema refuses scheduler\.foo\. Correct airflow\.values/] }])
})

void t.test('auto never moves a release that is there, and then reads no index and renders nothing', async (t) => {
  const { version, findings, asked } = await choose(auto, { release: installed('1.9.0', auto) })
  t.same([version, findings, asked], ['1.9.0', [], ['chart apache-airflow/airflow 1.9.0']])
  t.equal((await choose(auto, { release: installed('1.9.0', auto, { status: 'failed' }) })).version, '1.9.0', 'also where it is to be mended')
})

void t.test('where nothing fits it is refused with each reason, before anything is done', async (t) => {
  const error = await caught(choose(auto, { versions: { ...versions, server: 'v1.20.2' } }))
  t.match(error, { code: 'BLOCKED', findings: [{ id: 'chart-not-chosen', evidence: [/^1\.22\.0: /, /^1\.11\.0: .*1\.24/, /^1\.10\.0: .*1\.23/, String, /^1\.8\.0: .*Move the cluster to 1\.21 or later/] }] })
})

void t.test('candidates are tried in turn, where the wanted one cannot work', async (t) => {
  const none: [string, Cluster][] = [
    ['kubeVersion', { chartsBy: { ...byVersion, '1.10.0': chart('1.10.0', { kubeVersion: '>=1.25.0-0' }) } }],
    ['the schema', { refused: { '1.10.0': schema } }],
    ['a kind', { refused: { '1.10.0': ['Error: unable to build kubernetes objects from release manifest: resource mapping not found for name: "a" namespace: "" from "": no matches for kind "CronJob" in version "batch/v1"'] } }],
    ['Helm', { refused: { '1.10.0': ['Error: parse error at (airflow/templates/check-values.yaml:38): function "break" not defined'] } }],
    ['it is not there', { chartsBy: { ...byVersion, '1.10.0': new AirstripError('CHART_UNAVAILABLE', 'no', { findings: [{ id: 'chart-version-missing', severity: 'error', title: 'There is none', evidence: [], why: '', fix: ['x'] }] }) } }],
  ]
  for (const [why, more] of none) {
    const { version, findings } = await choose(listed, more)
    t.equal(version, '1.9.0', why)
    t.match(findings, [{ id: 'chart-chosen', evidence: [/^1\.10\.0: \S/] }], why)
  }
  t.same((await choose(listed)).findings, [], 'the wanted one is no news')
  t.equal((await choose(listed, { refused: { '1.10.0': schema, '1.9.0': schema } })).version, '1.8.0')
  t.match(await caught(choose(listed, { refused: { '1.10.0': schema, '1.9.0': schema, '1.8.0': schema } })), { code: 'BLOCKED', findings: [{ id: 'chart-not-chosen', evidence: [String, String, String] }] })
})

void t.test('what its README asks for keeps nobody from a version that he names', async (t) => {
  t.equal((await choose(listed, { versions: { ...versions, server: 'v1.22.8' } })).version, '1.10.0')
})

void t.test('a network that is down is no reason to take another version', async (t) => {
  const down = new AirstripError('CHART_UNAVAILABLE', 'no such host')
  t.equal(await caught(choose(listed, { chartsBy: { ...byVersion, '1.10.0': down } })), down)
})

void t.test('a candidate that is installed stays, for nothing, while the wish is the same', async (t) => {
  const refused = { '1.10.0': schema }
  const lease = (wanted?: string): KubernetesObject => operationLease({ name: 'airflow', namespace: 'airflow' }, '', 1, new Date(0), 'f00d', wanted)
  const { version, findings, asked } = await choose(listed, { refused, release: installed('1.9.0', listed), objects: [lease('1.10.0')] })
  t.same([version, findings], ['1.9.0', []])
  t.notOk(asked.some((one) => /render|charts|versions/.test(one)), asked.join('\n'))
  t.equal((await choose(listed, { release: installed('1.9.0', listed) })).version, '1.9.0', 'also where nobody remembers')
  t.equal((await choose(listed, { release: installed('1.9.0', listed), objects: [lease('1.11.0')] })).version, '1.10.0', 'another one is wanted now')
  t.equal((await choose(`${listed}, values: {scheduler: {replicas: 2}}`, { release: installed('1.9.0', listed) })).version, '1.10.0', 'with other values it may work')
})

void t.test('no candidate takes Airflow below the one that is installed', async (t) => {
  const error = await caught(choose(listed, { refused: { '1.10.0': schema }, release: installed('1.11.0', listed) }))
  t.match(error, { code: 'BLOCKED', findings: [{ evidence: [/1\.10\.0: .*older than the installed 2\.7\.1/, /1\.9\.0: its Airflow 2\.5\.3 is older/, /1\.8\.0: /] }] })
})

void t.test('step helm shows what it took and why, installs it, and remembers what was wanted', async (t) => {
  const check = await helm.check(helm.spec(config({ airflow: listed })), clusterReader(place({ refused: { '1.10.0': schema } })))
  t.match(check, { state: 'drifted', warnings: [{ id: 'chart-chosen' }] })
  t.match(changesOf(check).at(-1), { op: 'release', want: { chart: { reference: 'apache-airflow/airflow', version: '1.9.0' }, wanted: '1.10.0' } })
})

void t.test('one version and no other is judged as well before it is installed, and Helm\'s words are the evidence', async (t) => {
  const check = await helm.check(helm.spec(config({ airflow: 'version: 1.10.0' })), clusterReader(place({ refused: { '1.10.0': schema } })))
  t.match(check, { state: 'blocked', findings: [{ id: 'values-schema-rejected', evidence: schema }] })
  t.match(await helm.check(helm.spec(config({ airflow: 'version: 1.22.0' })), clusterReader(place())), { state: 'blocked', findings: [{ id: 'helm-too-old-for-chart' }] })
  // What nobody can explain is left to Helm itself.
  t.match(await helm.check(helm.spec(config({ airflow: 'version: 1.10.0' })), clusterReader(place({ refused: { '1.10.0': ['Error: another operation (install/upgrade/rollback) is in progress'] } }))), { state: 'drifted' })
})
