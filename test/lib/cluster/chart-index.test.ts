import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { gzipSync } from 'node:zlib'
import { readIndex } from '../../../lib/cluster/chart-index.ts'
import { createFetch } from '../../../lib/cluster/fetch.ts'
import { createWeb, WebError } from '../../../lib/cluster/web.ts'
import type { ChartList } from '../../../lib/access.ts'
import { caught } from '../../fakes/caught.ts'
import type { AirstripError } from '../../../lib/errors.ts'
import { web, type Handler, type Web } from '../../fakes/web.ts'

const index = `apiVersion: v1
entries:
  airflow:
    - {name: airflow, version: 1.8.0, appVersion: 2.5.1, home: https://airflow.apache.org/, created: "2023-02-06T10:00:00Z", digest: abc, urls: [airflow-1.8.0.tgz]}
    - {name: airflow, version: 1.10.0, appVersion: 2.10, kubeVersion: ">=1.21.0-0", deprecated: true}
    - {name: airflow, version: 1.9.0, appVersion: 2.5.3}
  other:
    - {name: other, version: 9.0.0}
`
const noon = new Date('2023-08-02T12:00:00Z')
const later = (minutes: number): Date => new Date(noon.getTime() + minutes * 60_000)

const giving = (text: string | Buffer, headers: Record<string, string> = {}): Handler => (request, answer) => {
  if (headers.etag !== undefined && request.headers['if-none-match'] === headers.etag) answer.writeHead(304, headers).end()
  else answer.writeHead(200, headers).end(text)
}

const read = (cache: string, { url }: Pick<Web, 'url'>, now = noon): Promise<ChartList> => readIndex(cache, createFetch(createWeb({})), now, { url, name: 'airflow', reference: 'mine/airflow' })

void t.test('the versions come newest first, by number and not by text', async (t) => {
  const site = await web(t, { '/index.yaml': giving(index) })
  const list = await read(t.testdir(), site)
  t.same(list.charts.map(({ version, appVersion }) => [version, appVersion]), [['1.10.0', '2.10'], ['1.9.0', '2.5.3'], ['1.8.0', '2.5.1']])
  t.match(list, { address: `${site.url}/index.yaml`, checkedAt: noon, stale: undefined, charts: [{ kubeVersion: '>=1.21.0-0', deprecated: true }] })
})

void t.test('it is asked for once an hour, and then only whether it has changed', async (t) => {
  const site = await web(t, { '/index.yaml': giving(index, { etag: '"1"' }) })
  const cache = t.testdir()
  await read(cache, site)
  await read(cache, site, later(59))
  t.equal(site.asked.length, 1)
  const again = await read(cache, site, later(61))
  t.match(again, { checkedAt: later(61), charts: [{ version: '1.10.0' }, {}, {}] })
  await read(cache, site, later(120))
  t.equal(site.asked.length, 2)
})

void t.test('without a network what is kept is used, and how old it is is said', async (t) => {
  const site = await web(t, { '/index.yaml': giving(index) })
  const cache = t.testdir()
  await read(cache, site)
  const list = await readIndex(cache, () => Promise.reject(new Error('getaddrinfo ENOTFOUND charts.example.org')), later(600), { url: site.url, name: 'airflow', reference: 'mine/airflow' })
  t.match(list, { checkedAt: noon, stale: /ENOTFOUND/, charts: [{ version: '1.10.0' }, {}, {}] })
})

void t.test('a cache that somebody damaged is as good as none', async (t) => {
  const site = await web(t, { '/index.yaml': giving(index) })
  const cache = t.testdir()
  await read(cache, site)
  const [file = ''] = readdirSync(join(cache, 'indexes'))
  for (const text of ['{', '[]', '{"address":"x"}', JSON.stringify({ address: `${site.url}/index.yaml`, checkedAt: noon.toISOString(), charts: [{ version: 1 }] })]) {
    writeFileSync(join(cache, 'indexes', file), text)
    t.equal((await read(cache, site)).charts.length, 3)
  }
  const blocked = t.testdir({ file: '' })
  t.equal((await read(join(blocked, 'file'), site)).charts.length, 3, 'one that cannot be written')
  mkdirSync(join(cache, 'other'))
})

const deep = `entries: ${'['.repeat(200_000)}`
const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nentries: {airflow: [*c,*c,*c,*c,*c,*c]}\n`

/** What was wrong with it, in a sentence. */
const hostile: [name: string, body: string | Buffer, says: RegExp, headers?: Record<string, string>][] = [
  ['is no YAML', 'entries: [', /is no index/],
  ['is a page of the web', '<!DOCTYPE html><html><body>Sign in</body></html>', /is no index/],
  ['is empty', '', /is no index/],
  ['has entries of another kind', 'entries: [1, 2]', /is no index/],
  ['is nested without end', deep, /is no index/],
  ['repeats itself without end', bomb, /is no index|names no version/],
  ['does not have the chart', 'entries: {other: [{name: other, version: 1.0.0}]}', /no chart called airflow/],
  ['has a name that every object has', 'entries: {__proto__: {airflow: [{name: airflow, version: 1.0.0}]}}', /no chart called airflow/],
  ['has entries without versions', 'entries: {airflow: [{name: airflow}, {version: 1.0.0}, 3, null, [], {name: airflow, version: [1]}, {name: airflow, version: latest}]}', /names no version of airflow/],
  ['has a text for the entries', 'entries: {airflow: yes}', /names no version/],
  ['is longer than allowed', Buffer.alloc(6_000_000, 'a: b\n'), /longer than 5 MB/],
  ['is longer than allowed when it is unpacked', gzipSync(Buffer.alloc(100_000_000, 'a: b\n')), /longer than 5 MB/, { 'content-encoding': 'gzip' }],
]

for (const [name, body, says, headers] of hostile) {
  void t.test(`an index that ${name} is refused in one sentence`, async (t: Test) => {
    const site = await web(t, { '/index.yaml': giving(body, headers) })
    const error = await caught(read(t.testdir(), site))
    t.match(error, { code: 'CHART_UNAVAILABLE', message: says, place: `${site.url}/index.yaml`, exitCode: 1 })
  })
}

void t.test('what is wrong with single entries leaves the others', async (t) => {
  const site = await web(t, { '/index.yaml': giving(`entries: {airflow: [{name: airflow, version: 1.0.0, appVersion: [2], kubeVersion: {a: b}}, {name: airflow, version: latest}]}`) })
  t.same((await read(t.testdir(), site)).charts, [{ name: 'airflow', version: '1.0.0', appVersion: '' }])
})

void t.test('a server that refuses, or is not there, is told with its answer', async (t) => {
  const site = await web(t, { '/index.yaml': (_, answer) => answer.writeHead(403, 'Forbidden').end('no') })
  t.match(await caught(read(t.testdir(), site)), { code: 'CHART_UNAVAILABLE', message: /403 Forbidden/ })
  t.match(await caught(read(t.testdir(), { url: 'http://127.0.0.1:1' })), { code: 'CHART_UNAVAILABLE', message: /ECONNREFUSED|bad port/ })
})

void t.test('a login in the address of a repository is shown to it, and to nobody else', async (t) => {
  const basic = `Basic ${Buffer.from('joe:canary/index').toString('base64')}`
  const site = await web(t, { '/index.yaml': (request, answer) => { answer.writeHead(request.headers.authorization === basic ? 200 : 401).end(index) } })
  const cache = t.testdir()
  const withLogin = (password: string): Pick<Web, 'url'> => ({ url: site.url.replace('//', `//joe:${password}@`) })
  const list = await read(cache, withLogin('canary%2Findex'))
  t.equal(list.address, `${site.url}/index.yaml`)
  const [file = ''] = readdirSync(join(cache, 'indexes'))
  t.notMatch(readFileSync(join(cache, 'indexes', file), 'utf8'), /canary|joe/)
  const refused = await caught(read(t.testdir(), withLogin('canary-wrong'))) as AirstripError
  t.match(refused.message, /could not be read: 401/)
  t.notMatch([refused.message, refused.place, ...refused.seen].join('\n'), /canary|joe/)
})

void t.test('where it is known what keeps the index away, that is the next step', async (t) => {
  const unknown = new WebError('self-signed certificate in certificate chain', { next: 'Export NODE_EXTRA_CA_CERTS.' })
  const error = await caught(readIndex(t.testdir(), () => Promise.reject(unknown), noon, { url: 'https://charts.example.org', name: 'airflow', reference: 'mine/airflow' }))
  t.match(error, { code: 'CHART_UNAVAILABLE', message: /self-signed/, next: 'Export NODE_EXTRA_CA_CERTS.' })
})
