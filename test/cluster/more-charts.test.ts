/** `auto` and `candidates` on a real API server and with a real Helm, from a repository and from a registry of small charts. */
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { run } from '../../scripts/lab/exec.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { registryOf } from '../fakes/registry.ts'
import { web, type Web } from '../fakes/web.ts'
import { bareCluster, kubectlMaybe, lab, list, recordsOf } from './cluster.ts'
import { exits, says, site, type Site } from './site.ts'

const cronJob = 'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: never}\nspec: {schedule: "@daily", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: "docker.io/library/busybox:latest"}]}}}}}\n'

/** Older than any official chart of which a README is known, so that only what the charts themselves say counts. */
const made: [version: string, appVersion: string, kubeVersion: string | undefined, extra: string | undefined][] = [
  ['1.5.4', '2.6.5', '>=1.99.0-0', undefined],
  ['1.5.3', '2.6.4', undefined, cronJob],
  ['1.5.2', '2.6.3', undefined, '{{ range tuple 1 }}{{ break }}{{ end }}\n'],
  ['1.5.1', '2.6.2', undefined, undefined],
]

async function tool(name: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { code, stderr } = await run(name, args, { env: { ...process.env, PATH: lab.path, ...env } })
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}

/** The stand-in chart in these versions, as Helm packs it; the folder that they lie in. */
async function packedCharts({ folder }: Site): Promise<string> {
  const packed = join(folder, 'packed')
  mkdirSync(packed)
  for (const [version, appVersion, kubeVersion, extra] of made) {
    const chart = join(folder, `chart-${version}`)
    cpSync(join(checkout, 'scripts/lab/standin/chart'), chart, { recursive: true })
    const metadata = readFileSync(join(chart, 'Chart.yaml'), 'utf8').replace(/^version: .*$/m, `version: ${version}`).replace(/^appVersion: .*$/m, `appVersion: ${appVersion}`)
    writeFileSync(join(chart, 'Chart.yaml'), `${metadata}${kubeVersion === undefined ? '' : `kubeVersion: "${kubeVersion}"\n`}`)
    if (extra !== undefined) writeFileSync(join(chart, 'templates', 'extra.yaml'), extra)
    await tool('helm', ['package', chart, '--destination', packed], { HOME: folder })
  }
  return packed
}

/** They are served with their index; Helm knows it as `small`. */
async function repository(test: Test, it: Site): Promise<void> {
  const { folder } = it
  const packed = await packedCharts(it)
  const server = createServer((request, answer) => {
    try {
      answer.writeHead(200).end(readFileSync(join(packed, (request.url ?? '').replaceAll(/[^\w.-]/g, ''))))
    } catch {
      answer.writeHead(404).end()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => { server.close() })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await tool('helm', ['repo', 'index', packed, '--url', url], { HOME: folder })
  await tool('helm', ['repo', 'add', 'small', url], { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') })
}

/** They lie in a registry, as `helm push` would have left them. */
async function registry(test: Test, it: Site): Promise<Web> {
  const packed = await packedCharts(it)
  return web(test, registryOf('charts/airflow', Object.fromEntries(made.map(([version]) => [version, {
    config: parse(readFileSync(join(it.folder, `chart-${version}`, 'Chart.yaml'), 'utf8')) as Record<string, unknown>,
    archive: readFileSync(join(packed, `airflow-${version}.tgz`)),
  }]))))
}

const tag = { defaultAirflowTag: '2.6.2', airflowVersion: '2.6.2' }

void t.test('auto takes the newest that works here, and leaves it in place', async t => {
  await bareCluster()
  const it = await site(t, 'charts', { airflow: { chart: 'small/airflow', version: 'auto', values: tag } })
  await repository(t, it)

  const listed = await it.airstrip(['charts', '--json'])
  exits(t, listed, 0)
  t.match(JSON.parse(listed.stdout), { cluster: /^v1\./, charts: [
    { version: '1.5.4', fit: 'unfit', reasons: [{ id: 'kubeversion-refused' }], auto: false },
    { version: '1.5.3', fit: 'fits', auto: true }, { version: '1.5.2', fit: 'fits' }, { version: '1.5.1', fit: 'fits', installed: false },
  ] }, 'by what an index can tell')

  const first = await it.airstrip(['apply'])
  exits(t, first, 0)
  says(t, first.stderr, /Chart 1\.5\.1 \(Airflow 2\.6\.2\) is taken, since 3 others, 1\.5\.4 the newest, cannot work here/)
  const { warnings = [] } = it.state().steps.helm ?? {}
  t.match(warnings.find(({ id }) => id === 'chart-chosen'), { evidence: [/^1\.5\.4: .*>=1\.99\.0-0/, /^1\.5\.3: .*CronJob of batch\/v1/, /^1\.5\.2: .*break/] }, 'each rejection is in the state')
  t.same(await recordsOf('charts'), ['deployed'], 'Helm was never let at the others')

  const again = await it.airstrip(['apply', '--quiet'])
  exits(t, again, 0)
  t.equal(again.stdout + again.stderr, '', 'a clean run says nothing')
  t.same(await recordsOf('charts'), ['deployed'])

  it.write({ airflow: { chart: 'small/airflow', version: '1.5.3', candidates: ['1.5.2'], values: tag } })
  const refused = await it.airstrip(['apply'])
  exits(t, refused, 1)
  says(t, refused.stderr, 'chart-not-chosen', /1\.5\.3: .*CronJob/, /1\.5\.2: .*break/)
  t.same(await recordsOf('charts'), ['deployed'], 'and nothing was touched')

  it.write({ airflow: { chart: 'small/airflow', version: '1.5.3', candidates: ['1.5.2', '1.5.1'], values: tag } })
  const kept = await it.airstrip(['apply', '--unattended', 'nothing'])
  exits(t, kept, 0, 'what is installed is among the candidates, and stays')
  t.match((await list('secrets', 'charts')).filter(({ type }) => type === 'helm.sh/release.v1').length, 1)
  await kubectlMaybe(['delete', 'namespace', 'charts', '--wait=false'])
})

void t.test('a registry is as good as a repository: what auto finds in it, Helm pulls', async t => {
  const it = await site(t, 'oci')
  const { host, url, asked } = await registry(t, it)
  it.write({ airflow: { chart: `oci://${host}/charts/airflow`, version: 'auto', values: tag } })

  const listed = await it.airstrip(['charts', '--json'])
  exits(t, listed, 0)
  t.match(JSON.parse(listed.stdout), { address: `${url}/v2/charts/airflow/tags/list`, cluster: /^v1\./, charts: [
    { version: '1.5.4', airflow: '2.6.5', fit: 'unfit', reasons: [{ id: 'kubeversion-refused' }], auto: false },
    { version: '1.5.3', fit: 'fits', auto: true }, { version: '1.5.2', fit: 'fits' }, { version: '1.5.1', airflow: '2.6.2', fit: 'fits' },
  ] }, 'by what its manifests can tell')

  const shown = await it.airstrip(['diff', '--json'])
  exits(t, shown, 0)
  const { changes, warnings } = JSON.parse(shown.stdout) as { changes: { step: string }[]; warnings: object[] }
  t.match(warnings, [{ step: 'helm', finding: { id: 'chart-chosen', title: /^Chart 1\.5\.1 .*1\.5\.4 the newest/ } }])
  t.ok(changes.some(({ step }) => step === 'helm'), 'one of them is to be installed', { said: shown.stdout + shown.stderr })
  const pulled = readdirSync(join(it.folder, 'cache/airstrip/charts'), { recursive: true, encoding: 'utf8' }).map(path => path.split('/').at(-1) ?? '')
  t.same(pulled.filter(name => name.endsWith('.tgz')).sort(), ['airflow-1.5.1.tgz', 'airflow-1.5.2.tgz', 'airflow-1.5.3.tgz'], 'each was pulled by Helm, rendered and judged')
  t.equal(asked.filter(line => line.includes('/tags/list')).length, 1, 'the list is asked for once, and then kept')
})
