import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findChart } from '../../../lib/cluster/chart.ts'
import type { Call } from '../../../lib/cluster/exec.ts'
import { caught } from '../../fakes/caught.ts'
import { connectionOf, fakeExec, type Scripted } from '../../fakes/exec.ts'

const metadata = 'apiVersion: v2\nname: airflow\nversion: 1.10.0\nappVersion: 2.6.2\nhome: https://airflow.apache.org/\n'
const show: Scripted = { when: /^helm show chart/, answers: { stdout: metadata } }
const source = { reference: 'apache-airflow/airflow', version: '1.10.0' }

/** A pull that leaves an archive, or what it had of one when it was cut. */
function pull(exitCode = 0): Scripted {
  return { when: /^helm pull/, answers: ({ args }: Call) => {
    writeFileSync(join(args.at(-1) ?? '', 'airflow-1.10.0.tgz'), 'archive')
    return { exitCode, stderr: exitCode === 0 ? '' : 'Error: unexpected EOF\n' }
  } }
}

void t.test('a folder is used as it is, and an edit of it is seen', async (t) => {
  const folder = t.testdir({ 'Chart.yaml': metadata, templates: { 'a.yaml': 'a' } })
  const connection = connectionOf(fakeExec([]).exec)
  const local = { reference: folder, version: '1.10.0' }
  const first = await findChart(connection, '/nowhere', local)
  t.match(first, { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', path: folder, fingerprint: /^[0-9a-f]{64}$/ })
  t.equal((await findChart(connection, '/nowhere', local)).fingerprint, first.fingerprint)
  writeFileSync(join(folder, 'templates', 'a.yaml'), 'b')
  t.not((await findChart(connection, '/nowhere', local)).fingerprint, first.fingerprint)
})

void t.test('a folder or archive of another version is refused, with both versions', async (t) => {
  const folder = t.testdir({ 'Chart.yaml': metadata })
  t.match(await caught(findChart(connectionOf(fakeExec([]).exec), '/nowhere', { reference: folder, version: '1.9.0' })), { code: 'CHART_UNAVAILABLE', place: folder, message: /1\.10\.0, not 1\.9\.0/, next: /airflow\.version: 1\.10\.0/ })
})

void t.test('an archive that is not there is told by its path', async (t) => {
  t.match(await caught(findChart(connectionOf(fakeExec([]).exec), '/nowhere', { reference: '/nowhere/a.tgz', version: '1.10.0' })), { code: 'CHART_UNAVAILABLE', place: '/nowhere/a.tgz' })
})

void t.test('a folder that holds no chart, or a broken one, is told by its path', async (t) => {
  const folder = t.testdir({ none: {}, empty: { 'Chart.yaml': '' }, broken: { 'Chart.yaml': 'name: [' }, nameless: { 'Chart.yaml': 'apiVersion: v2\n' } })
  for (const name of ['none', 'empty', 'broken', 'nameless']) {
    const reference = join(folder, name)
    t.match(await caught(findChart(connectionOf(fakeExec([]).exec), '/nowhere', { reference, version: '1.10.0' })), { code: 'CHART_UNAVAILABLE', place: reference }, name)
  }
})

void t.test('a chart of a repository is pulled once, by its address, and then taken from the cache', async (t) => {
  const cache = t.testdir()
  const { exec, lines } = fakeExec([pull(), show])
  const first = await findChart(connectionOf(exec), cache, source)
  t.match(first.path, /charts\/[0-9a-f]{12}\/airflow-1\.10\.0\.tgz$/)
  t.match(lines()[0], /^helm pull airflow --repo https:\/\/airflow\.apache\.org --version 1\.10\.0 --destination /)
  t.equal((await findChart(connectionOf(exec), cache, source)).path, first.path)
  t.equal(lines().filter((line) => line.startsWith('helm pull')).length, 1)
})

void t.test('a Helm that wants TLS of a registry on this machine is told that there is none, and of no other registry', async (t) => {
  const refusing: Scripted = { when: /^helm pull(?!.*--plain-http)/, answers: { exitCode: 1, stderr: 'Error: failed to perform "FetchReference" on source: Get "https://127.0.0.1:5000/v2/airflow/manifests/1.10.0": http: server gave HTTP response to HTTPS client\n' } }
  const plain: Scripted = { when: /^helm pull.*--plain-http$/, answers: ({ args }: Call) => {
    writeFileSync(join(args.at(-2) ?? '', 'airflow-1.10.0.tgz'), 'archive')
    return { exitCode: 0 }
  } }
  const here = fakeExec([refusing, plain, show])
  t.match(await findChart(connectionOf(here.exec), t.testdir(), { reference: 'oci://127.0.0.1:5000/airflow', version: '1.10.0' }), { version: '1.10.0' })
  const there = fakeExec([refusing])
  t.match(await caught(findChart(connectionOf(there.exec), t.testdir(), { reference: 'oci://registry.example.org/airflow', version: '1.10.0' })), { code: 'CHART_UNAVAILABLE' })
  t.equal(there.lines().length, 1)
})

void t.test('Helm is asked once what an archive holds, and again when its content is another or the answer was damaged', async (t) => {
  const folder = t.testdir({ 'a.tgz': 'first' })
  const { exec, lines } = fakeExec([show])
  const local = { reference: join(folder, 'a.tgz'), version: '1.10.0' }
  const read = (): Promise<unknown> => findChart(connectionOf(exec), join(folder, 'cache'), local)
  const first = await read()
  t.same(await read(), first)
  t.equal(lines().length, 1)
  writeFileSync(local.reference, 'second')
  t.match(await read(), { name: 'airflow', version: '1.10.0' })
  t.equal(lines().length, 2)
  const shown = join(folder, 'cache', 'charts', 'shown')
  for (const name of readdirSync(shown)) writeFileSync(join(shown, name), 'name: [')
  t.match(await read(), { name: 'airflow', version: '1.10.0' })
  t.equal(lines().length, 3)
})

void t.test('a cache that cannot be written keeps nobody from reading an archive', async (t) => {
  const folder = t.testdir({ 'a.tgz': 'first', 'file': '' })
  const { exec } = fakeExec([show])
  t.match(await findChart(connectionOf(exec), join(folder, 'file'), { reference: join(folder, 'a.tgz'), version: '1.10.0' }), { name: 'airflow' })
})

void t.test('an oci address is pulled as it is', async (t) => {
  const { exec, lines } = fakeExec([pull(), show])
  await findChart(connectionOf(exec), t.testdir(), { reference: 'oci://registry.example.org/charts/airflow', version: '1.10.0' })
  t.match(lines()[0], /^helm pull oci:\/\/registry\.example\.org\/charts\/airflow --version 1\.10\.0 --destination/)
})

void t.test('a pull that is cut short is not taken for a chart, neither now nor later', async (t) => {
  const cache = t.testdir()
  t.match(await caught(findChart(connectionOf(fakeExec([pull(1)]).exec), cache, source)), { code: 'CHART_UNAVAILABLE', message: /apache-airflow\/airflow 1\.10\.0/, seen: ['Error: unexpected EOF'] })
  const [folder = ''] = readdirSync(join(cache, 'charts'))
  t.same(readdirSync(join(cache, 'charts', folder)), [])
  // What a kill -9 leaves is in a folder of its own.
  mkdirSync(join(cache, 'charts', folder, 'pull-abc'))
  writeFileSync(join(cache, 'charts', folder, 'pull-abc', 'airflow-1.10.0.tgz'), 'half')
  const { exec, lines } = fakeExec([pull(), show])
  await findChart(connectionOf(exec), cache, source)
  t.equal(lines().filter((line) => line.startsWith('helm pull')).length, 1)
})

void t.test('the cache of one version is not taken for another', async (t) => {
  const cache = t.testdir()
  await findChart(connectionOf(fakeExec([pull(), show]).exec), cache, source)
  const { exec, lines } = fakeExec([pull(1), show])
  await caught(findChart(connectionOf(exec), cache, { ...source, version: '0.0' }))
  await caught(findChart(connectionOf(exec), cache, { ...source, version: '11.10.0' }))
  t.equal(lines().filter((line) => line.startsWith('helm pull')).length, 2)
})

void t.test('an archive that Helm cannot read is told with what Helm said', async (t) => {
  const folder = t.testdir({ 'a.tgz': 'x' })
  const { exec } = fakeExec([{ when: /^helm show/, answers: { exitCode: 1, stderr: 'Error: file does not appear to be a gzipped archive\n' } }])
  t.match(await caught(findChart(connectionOf(exec), folder, { reference: join(folder, 'a.tgz'), version: '1.10.0' })), { code: 'CHART_UNAVAILABLE', seen: [/gzipped/] })
})

void t.test('that a version is not there for certain is told from a download that failed', async (t) => {
  const pulled = (stderr: string, reference: string) => caught(findChart(connectionOf(fakeExec([{ when: /^helm pull/, answers: { exitCode: 1, stderr } }]).exec), t.testdir(), { reference, version: '9.9.9' }))
  const certain: [string, string][] = [
    ['apache-airflow/airflow', 'Error: chart "airflow" version "9.9.9" not found in https://airflow.apache.org repository\n'],
    ['mine/airflow', "Error: chart \"airflow\" matching 9.9.9 not found in mine index. (try 'helm repo update'): no chart version found for airflow-9.9.9\n"],
    ['oci://registry.example.org/airflow', 'Error: registry.example.org/airflow:9.9.9: failed to resolve reference: registry.example.org/airflow:9.9.9: not found\n'],
  ]
  for (const [reference, stderr] of certain) t.match(await pulled(stderr, reference), { code: 'CHART_UNAVAILABLE', findings: [{ id: 'chart-version-missing', fix: [/run\.ts charts/] }] }, reference)
  t.match(await pulled('Error: looks like "https://airflow.apache.org" is not a valid chart repository or cannot be reached: Get "https://airflow.apache.org/index.yaml": dial tcp: lookup airflow.apache.org: no such host\n', 'apache-airflow/airflow'), { code: 'CHART_UNAVAILABLE', findings: [] })
  const folder = t.testdir({ 'Chart.yaml': metadata })
  t.match(await caught(findChart(connectionOf(fakeExec([]).exec), '/nowhere', { reference: folder, version: '1.9.0' })), { findings: [{ id: 'chart-version-missing' }] })
})
