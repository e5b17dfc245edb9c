import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import type { Fetch } from '../../../lib/cluster/fetch.ts'
import { createWeb, WebError, type Web } from '../../../lib/cluster/web.ts'
import { runCommandLine } from '../../../lib/commands/cli.ts'
import { chartsSchema, type ChartsReport } from '../../../lib/report/charts.ts'
import { fakeApi } from '../../fakes/api.ts'
import { fakeDeps, smallest, tools, type World } from '../../fakes/deps.ts'
import { registryOf } from '../../fakes/registry.ts'
import { web } from '../../fakes/web.ts'

const validate = new Ajv({ strict: false, validateFormats: false }).compile(JSON.parse(readFileSync(new URL('../../../lib/report/charts.schema.json', import.meta.url), 'utf8')) as object)

const entries = [['1.22.0', '3.2.2'], ['1.10.0', '2.6.2'], ['1.8.0', '2.5.1'], ['1.7.0', '2.4.1']].map(([version = '', appVersion = '']) => `{name: airflow, version: ${version}, appVersion: ${appVersion}, home: "https://airflow.apache.org/"}`)
const index: Fetch = (url) => (url === 'https://airflow.apache.org/index.yaml' ? Promise.resolve({ text: `entries: {airflow: [${entries.join(', ')}]}` }) : Promise.reject(new Error(`unscripted: fetch ${url}`)))
const offline: Fetch = () => Promise.reject(new Error('getaddrinfo ENOTFOUND airflow.apache.org'))

const view = { when: /^kubectl config view/, answers: { stdout: 'https://home.invalid:6443' } }
const here: Pick<World, 'script' | 'ask'> = { script: tools, ask: fakeApi().ask }
const nowhere: Pick<World, 'script' | 'ask'> = { script: [view, ...tools], ask: () => Promise.resolve({ status: 500, text: 'dial tcp: lookup home.invalid: no such host\n' }) }

interface Place {
  testdir: () => string
}

async function list(t: Place, { fetch = index, ask, world = here, files, flags = [], folder = t.testdir() }: { fetch?: Fetch; ask?: Web; world?: Pick<World, 'script' | 'ask'>; files?: Record<string, string>; flags?: string[]; folder?: string } = {}) {
  const { deps, out, err } = fakeDeps({ folder, ...world, ...(files === undefined ? {} : { files }) })
  const code = await runCommandLine(['charts', ...flags], { ...deps, fetchText: fetch, ...(ask === undefined ? {} : { web: ask }) })
  return { code, out: out.join('\n'), err: err.join('\n'), folder }
}

async function asJson(t: Place, options: Parameters<typeof list>[1] = {}): Promise<ChartsReport> {
  const { out } = await list(t, { ...options, flags: ['--json', ...options.flags ?? []] })
  const value: unknown = JSON.parse(out)
  if (!validate(value)) throw new Error(JSON.stringify(validate.errors))
  return chartsSchema.strict().parse(value)
}

void t.test('newest first, each with its Airflow, whether it fits and why not, and which one auto takes', async (t) => {
  const { code, out } = await list(t)
  t.equal(code, 0)
  const lines = out.split('\n')
  t.match(lines[0], /^apache-airflow\/airflow: 4 versions at https:\/\/airflow\.apache\.org\/index\.yaml, known to be so 0 min ago$/)
  t.equal(lines[1], 'Kubernetes v1.22.8, Helm v3.9.4')
  t.match(lines[3], /^ {2}1\.22\.0 +3\.2\.2 +no +Helm v3\.9\.4 cannot read it: .*: move Helm to 3\.10 or later$/)
  t.match(lines[4], /^ +its README asks for Kubernetes 1\.30, and the cluster is v1\.22\.8: move the cluster to 1\.30 or later$/)
  t.match(lines[5], /^ {2}1\.10\.0 +2\.6\.2 +no +wanted$/)
  t.match(lines[7], /^> 1\.8\.0 +2\.5\.1 +fits +auto would choose it$/)
  t.match(lines[8], /^ {2}1\.7\.0 +2\.4\.1 +fits$/)
})

void t.test('the same as an object', async (t) => {
  t.match(await asJson(t), {
    version: 1, chart: 'apache-airflow/airflow', cluster: 'v1.22.8', helm: 'v3.9.4', notes: [],
    charts: [
      { version: '1.22.0', fit: 'unfit', reasons: [{ id: 'helm-too-old-for-chart', weight: 'refused' }, { id: 'chart-kubernetes-skew', weight: 'unsupported' }], auto: false },
      { version: '1.10.0', fit: 'unfit', wanted: true }, { version: '1.8.0', fit: 'fits', reasons: [], auto: true, wanted: false, installed: false }, { version: '1.7.0', fit: 'fits', auto: false },
    ],
  })
})

void t.test('without a cluster the list is there, and what could not be judged is said', async (t) => {
  const { code, out, err } = await list(t, { world: nowhere })
  t.equal(code, 0)
  t.equal(err, '')
  t.match(out, /^Kubernetes unknown, Helm v3\.9\.4\nThe cluster could not be asked, so what it has was not judged: The cluster did not answer/m)
  t.match(out, /^ {2}1\.22\.0 +3\.2\.2 +no +Helm v3\.9\.4 cannot read it/m)
  t.match(out, /^ {2}1\.8\.0 +2\.5\.1 +\?$/m)
  t.notMatch(out, /auto would/)
})

void t.test('without Helm what it can read is not judged', async (t) => {
  const { code, out } = await list(t, { world: { ...here, script: [{ when: /^helm version/, answers: { exitCode: 127, stderr: 'bash: helm: command not found' } }, ...tools] } })
  t.equal(code, 0)
  t.match(out, /Helm could not be asked, so what it can read was not judged: helm is not on the PATH/)
})

void t.test('without a network the index that is kept is used, and its age is said; where none is kept it is a failure', async (t) => {
  const { folder } = await list(t)
  const { deps, out } = fakeDeps({ folder, ...here })
  const clock = { ...deps.clock, now: () => new Date(new Date('2023-08-02T10:00:00Z').getTime() + 3 * 3_600_000) }
  t.equal(await runCommandLine(['charts'], { ...deps, clock, fetchText: offline }), 0)
  t.match(out[0], /, as it was 3 h ago \(getaddrinfo ENOTFOUND airflow\.apache\.org\)$/)
  const none = await list({ testdir: () => t.testdir() }, { fetch: offline, folder: t.testdir() })
  t.equal(none.code, 1)
  t.match(none.err, /could not be read: getaddrinfo ENOTFOUND[^]*\[CHART_UNAVAILABLE\]/)
})

void t.test('another chart, and no configuration at all', async (t) => {
  const { out } = await list(t, { files: {} })
  t.match(out, /There is no file airstrip\.yaml, so the defaults of a configuration were taken/)
  const refused = await list(t, { flags: ['--chart', '-evil'] })
  t.equal(refused.code, 64)
  const unknown = await list(t, { flags: ['--chart', 'mine/airflow'], world: { ...here, script: [{ when: /^helm repo list/, answers: { exitCode: 1, stderr: 'Error: no repositories to show' } }, ...tools] } })
  t.equal(unknown.code, 1)
  t.match(unknown.err, /Helm knows no repository called mine[^]*helm repo add mine ADDRESS/)
})

void t.test('a repository that the person has added to Helm is found by its name', async (t) => {
  const mine: Fetch = (url) => Promise.resolve({ text: url === 'https://charts.example.org/x/index.yaml' ? `entries: {airflow: [${entries.join(', ')}]}` : '' })
  const script = [{ when: /^helm repo list -o json/, answers: { stdout: '[{"name":"mine","url":"https://charts.example.org/x/"}]' } }, ...tools]
  t.match(await asJson(t, { fetch: mine, flags: ['--chart', 'mine/airflow'], world: { ...here, script } }), { chart: 'mine/airflow', address: 'https://charts.example.org/x/index.yaml', charts: [{ version: '1.22.0', wanted: false }, {}, {}, {}] })
})

void t.test('of a registry all versions are listed, as of a repository', async (t) => {
  const pushed = Object.fromEntries(['1.10.0', '1.8.0', '1.7.0'].map((version) => [version, { config: { name: 'airflow', version, appVersion: '2.5.1', home: 'https://airflow.apache.org/' } }]))
  const { host, url } = await web(t, registryOf('charts/airflow', pushed))
  const flags = ['--chart', `oci://${host}/charts/airflow`]
  t.match(await asJson(t, { ask: createWeb({}), flags }), { address: `${url}/v2/charts/airflow/tags/list`, notes: [], charts: [{ version: '1.10.0', fit: 'unfit' }, { version: '1.8.0', auto: true }, { version: '1.7.0', fit: 'fits' }] })
})

const metadata = 'name: airflow\nversion: 1.8.0\nappVersion: 2.5.1\nhome: https://airflow.apache.org/\n'

void t.test('of a registry that does not list its tags Helm knows the newest, and why there are no others is said', async (t) => {
  const script = [{ when: /^helm show chart oci:\/\/registry\.example\.org\/airflow/, answers: { stdout: metadata } }, ...tools]
  const ask: Web = () => Promise.reject(new WebError('self-signed certificate in certificate chain', { next: 'Export the certificate.' }))
  const flags = ['--chart', 'oci://registry.example.org/airflow']
  t.match(await asJson(t, { ask, flags, world: { ...here, script } }), { notes: [/only the newest version is known, from Helm, .*registry\.example\.org: self-signed certificate.*: Export the certificate\./], charts: [{ version: '1.8.0', auto: true }] })
  const neither = await list(t, { ask, flags, world: { ...here, script: [{ when: /^helm show chart/, answers: { exitCode: 1, stderr: 'Error: x509: certificate signed by unknown authority' } }, ...tools] } })
  t.equal(neither.code, 1)
  t.match(neither.err, /Helm cannot read[^]*x509[^]*could not be listed either: registry\.example\.org: self-signed[^]*Export the certificate/)
})

void t.test('of a folder or an archive the one version is listed', async (t) => {
  const folder = t.testdir({ 'Chart.yaml': metadata })
  t.match(await asJson(t, { files: { 'airstrip.yaml': `airflow: {chart: ${folder}, version: 1.8.0}\n${smallest}` }, folder }), { address: folder, charts: [{ version: '1.8.0', wanted: true, fit: 'fits' }] })
})
