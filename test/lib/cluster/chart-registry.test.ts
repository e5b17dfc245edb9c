import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ChartList } from '../../../lib/access.ts'
import { readRegistry } from '../../../lib/cluster/chart-registry.ts'
import { createWeb } from '../../../lib/cluster/web.ts'
import { caught } from '../../fakes/caught.ts'
import { giving, registryOf, type Pushed } from '../../fakes/registry.ts'
import { web, type Handler, type Web as Site } from '../../fakes/web.ts'

const name = 'charts/airflow'
const list = `/v2/${name}/tags/list`
const noon = new Date('2023-08-02T12:00:00Z')
const later = (minutes: number): Date => new Date(noon.getTime() + minutes * 60_000)

const chart = (version: string, more: Record<string, unknown> = {}): Pushed => ({ config: { name: 'airflow', version, appVersion: '2.6.2', ...more } })
const image: Pushed = { config: { os: 'linux' }, kind: 'application/vnd.oci.image.config.v1+json' }
const pushed: Record<string, Pushed> = {
  '1.9.0': chart('1.9.0', { appVersion: '2.5.3' }),
  '1.10.0': chart('1.10.0', { kubeVersion: '>=1.21.0-0', home: 'https://airflow.apache.org/', deprecated: true, annotations: { a: 'b' } }),
  '1.10.1_b2': chart('1.10.1+b2'),
  'latest': chart('1.10.0'), 'v1.11.0': chart('v1.11.0'), '2.6.2': image, '1.2': chart('1.2.0'),
}

interface Place { testdir: () => string }
const read = (t: Place, { host }: Pick<Site, 'host'>, { cache = t.testdir(), now = noon, home = '/nowhere' }: { cache?: string; now?: Date; home?: string } = {}): Promise<ChartList> =>
  readRegistry({ cacheFolder: cache, web: createWeb({}), env: { HOME: home }, now: () => now }, `oci://${host}/${name}`)
const registry = (test: Test, more: Record<string, Handler> = {}): Promise<Site> => web(test, { ...registryOf(name, pushed), ...more })

void t.test('what Helm takes for a version is listed, newest first, with what its chart says of itself', async (t) => {
  const site = await registry(t)
  const { charts, ...rest } = await read(t, site)
  t.same(charts, [
    { name: 'airflow', version: '1.10.1+b2', appVersion: '2.6.2' },
    { name: 'airflow', version: '1.10.0', appVersion: '2.6.2', kubeVersion: '>=1.21.0-0', home: 'https://airflow.apache.org/', deprecated: true },
    { name: 'airflow', version: '1.9.0', appVersion: '2.5.3' },
  ])
  t.match(rest, { reference: `oci://${site.host}/${name}`, address: `${site.url}${list}`, checkedAt: noon, note: undefined, stale: undefined })
})

void t.test('it is asked once an hour, and a manifest that has not changed is not asked for again', async (t) => {
  const handlers = registryOf(name, pushed)
  const site = await web(t, handlers)
  const cache = t.testdir()
  const first = await read(t, site, { cache })
  const asked = site.asked.length
  await read(t, site, { cache, now: later(59) })
  t.equal(site.asked.length, asked)
  Object.assign(handlers, registryOf(name, { ...pushed, '1.9.0': chart('1.9.0', { appVersion: '2.5.4' }) }))
  const again = await read(t, site, { cache, now: later(61) })
  t.same(again.charts.slice(0, 2), first.charts.slice(0, 2))
  t.match(again, { checkedAt: later(61), charts: [{}, {}, { appVersion: '2.5.4' }] })
  t.same(site.asked.slice(asked).filter((line) => /^GET .*manifests|blobs/.test(line)).map((line) => line.replace(/sha256:.*/, '')), [`GET /v2/${name}/manifests/1.9.0`, `GET /v2/${name}/blobs/`])
})

void t.test('without a network, or an answer, what is kept is used, and why is said', async (t) => {
  const handlers = registryOf(name, pushed)
  const site = await web(t, handlers)
  const cache = t.testdir()
  await read(t, site, { cache })
  handlers[list] = (_, answer) => answer.writeHead(503).end()
  t.match(await read(t, site, { cache, now: later(600) }), { checkedAt: noon, stale: /127\.0\.0\.1:\d+: the answer was 503/, charts: [{ version: '1.10.1+b2' }, {}, {}] })
})

void t.test('the newest fifty are looked into, a few at a time, and how many were not is said', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, minor) => [`1.${minor}.0`, chart(`1.${minor}.0`)]))
  let [now, most] = [0, 0]
  const slow = Object.fromEntries(Object.entries(registryOf(name, many)).map(([path, handler]): [string, Handler] => [path, (request, answer) => {
    most = Math.max(most, now += 1)
    setTimeout(() => {
      now -= 1
      handler(request, answer)
    }, 5)
  }]))
  const { charts, note } = await read(t, await web(t, slow))
  t.same([charts.length, charts[0]?.version, charts.at(-1)?.version], [50, '1.69.0', '1.20.0'])
  t.match(note, /newest 50 .* not the 20 older/)
  t.ok(most > 1 && most <= 6, `${most} at a time`)
})

void t.test('a list in pages is read to its end', async (t) => {
  const pages: Handler = (request, answer) => {
    const last = new URL(request.url ?? '', 'http://x').searchParams.get('last')
    const tags = last === null ? ['1.10.0', '1.10.1_b2'] : ['1.9.0']
    answer.writeHead(200, last === null ? { link: `<${list}?n=1000&last=1.10.1_b2>; rel="next"` } : {}).end(JSON.stringify({ name, tags }))
  }
  t.equal((await read(t, await registry(t, { [list]: pages }))).charts.length, 3)
})

void t.test('a login is for the registry alone, and is in no error and no cache', async (t) => {
  const login = Buffer.from('me:s3cret-word').toString('base64')
  const guard = (handler: Handler): Handler => (request, answer) => {
    if (request.headers.authorization === `Basic ${login}`) handler(request, answer)
    else answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  }
  const site = await web(t, Object.fromEntries(Object.entries(registryOf(name, pushed)).map(([path, handler]) => [path, guard(handler)])))
  const config = (auth: string): string => JSON.stringify({ auths: { [site.host]: { auth } } })
  const [cache, home] = [join(t.testdir({ home: { '.docker': { 'config.json': config(login) } } }), 'cache'), join(t.testdirName, 'home')]
  t.equal((await read(t, site, { cache, home })).charts.length, 3)
  for (const file of readdirSync(join(cache, 'indexes'))) t.notMatch(readFileSync(join(cache, 'indexes', file), 'utf8'), /s3cret|bWU6/)
  const wrong = t.testdir({ '.docker': { 'config.json': config(Buffer.from('me:wr0ng-word').toString('base64')) } })
  const error = await caught(read({ testdir: () => join(wrong, 'cache') }, site, { home: wrong })) as Error
  t.match(error.message, /the answer was 401/)
  t.notMatch(`${String(error.stack)} ${JSON.stringify(error)}`, /wr0ng|bWU6/)
})

void t.test('where the login is with a credential helper, that is what a refusal says', async (t) => {
  const site = await registry(t, { [list]: (_, answer) => answer.writeHead(401).end() })
  const home = t.testdir({ '.docker': { 'config.json': JSON.stringify({ auths: { [site.host]: {} }, credsStore: 'desktop' }) } })
  t.match(await caught(read({ testdir: () => join(home, 'cache') }, site, { home })), { message: /the answer was 401, and .*config\.json leaves the login to a credential helper/ })
})

void t.test('a registry that hangs is waited for only so long', async (t) => {
  const { host } = await registry(t, { [`/v2/${name}/manifests/1.9.0`]: () => undefined })
  const asking = readRegistry({ cacheFolder: t.testdir(), web: createWeb({}), env: {}, now: () => noon, patienceMs: 1000 }, `oci://${host}/${name}`)
  t.match(await caught(asking), { message: `${host} did not answer within 1 s` })
})

const page = (text: string, headers: Record<string, string> = {}): Record<string, Handler> => ({ [list]: giving(text, headers) })
const one = JSON.stringify({ name, tags: ['1.9.0'] })
const manifest = `/v2/${name}/manifests/1.9.0`
const pointing = (digest: string): Record<string, Handler> => ({ ...page(one), [manifest]: giving(JSON.stringify({ config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest } })) })
const zeros = `sha256:${'0'.repeat(64)}`

const hostile: [name: string, more: Record<string, Handler>, says: RegExp][] = [
  ['has a page of the web for its list', page('<!DOCTYPE html>'), /no list of tags/],
  ['has tags of another kind', page('{"tags":[1,{}]}'), /no list of tags/],
  ['has no tags', page('{"tags":null}'), /holds no chart/],
  ['has a list that is too long', page(`{"tags":["${'x'.repeat(3_000_000)}"]}`), /longer than 2 MB/],
  ['has a list that is nested without end', page('['.repeat(500_000)), /no list of tags/],
  ['has a list that never ends', page(one, { link: `<${list}?last=1>; rel="next"` }), /more than 50 pages/],
  ['has more tags than anybody needs', page(JSON.stringify({ tags: Array(60_000).fill('x') })), /more than 50000 tags/],
  ['goes on at another host', page(one, { link: `<http://other.example.org${list}?last=1>; rel="next"` }), /goes on elsewhere/],
  ['goes on at another path', page(one, { link: '</v2/other/tags/list?last=1>; rel="next"' }), /goes on elsewhere/],
  ['goes on at no address', page(one, { link: '<http://[>; rel="next"' }), /goes on elsewhere/],
  ['redirects its list without end', { [list]: (_, answer) => answer.writeHead(302, { location: list }).end() }, /redirects without end/],
  ['has a manifest of another kind', { ...page(one), [manifest]: giving('{"config":[]}') }, /holds no chart/],
  ['has a manifest that is too long', { ...page(one), [manifest]: giving('x'.repeat(2_000_000)) }, /longer than 1 MB/],
  ['has a manifest with no digest', pointing('../../../etc/passwd'), /holds no chart/],
  ['has lost what a manifest names', pointing(zeros), /the answer was 404/],
  ['gives another chart than its manifest names', { ...pointing(zeros), [`/v2/${name}/blobs/${zeros}`]: giving('{"name":"airflow","version":"1.9.0"}') }, /another digest/],
  ['has only charts of other versions than their tags', registryOf(name, { '1.9.0': chart('1.8.0'), '1.8.0': { config: { name: ['x'], version: {} } } }), /holds no chart/],
  ['limits whoever asks', { ...page(one), [manifest]: (_, answer) => answer.writeHead(429).end() }, /the answer was 429/],
]

for (const [what, more, says] of hostile) {
  void t.test(`a registry that ${what} is refused in one sentence`, async (t) => {
    const site = await registry(t, more)
    const error = await caught(read(t, site)) as Error
    t.match(error, { name: 'WebError', message: says })
    t.match(error.message, site.host)
    t.same(readdirSync(t.testdirName), [], 'and nothing of it is kept')
  })
}
