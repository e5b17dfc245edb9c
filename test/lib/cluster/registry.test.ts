import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { hostIsLoopback, openRegistry, registryAddress, type Registry } from '../../../lib/cluster/registry.ts'
import { createWeb, textOf, type Web } from '../../../lib/cluster/web.ts'
import { caught } from '../../fakes/caught.ts'
import { web, type Handler, type Web as Site } from '../../fakes/web.ts'

const login = `Basic ${Buffer.from('me:s3cret').toString('base64')}`
const open = ({ url }: Site, how: { login?: string; ask?: Web } = {}): Registry => openRegistry({ web: how.ask ?? createWeb({}), address: url, signal: AbortSignal.timeout(5000), login: how.login })

/** Gives to who has the token, and says where to get one. */
const guarded = (challenge: () => string, give: Handler = (_, answer) => answer.end('yours')): Handler => (request, answer) => {
  if (request.headers.authorization === 'Bearer t0k') give(request, answer)
  else answer.writeHead(401, { 'www-authenticate': challenge() }).end()
}

interface Realm { site: Site; shown: IncomingMessage['headers'][] }

async function realm(test: Test, body = '{"token":"t0k"}'): Promise<Realm> {
  const shown: IncomingMessage['headers'][] = []
  const site = await web(test, { '/token': (request, answer) => {
    shown.push(request.headers)
    answer.end(body)
  } })
  return { site, shown }
}

void t.test('a registry on this machine has no TLS, and Docker Hub another name', (t) => {
  t.equal(registryAddress('docker.io'), 'https://registry-1.docker.io')
  t.equal(registryAddress('registry.example.org:5000'), 'https://registry.example.org:5000')
  for (const host of ['localhost:5000', '127.0.0.1', '127.1.2.3:80', '[::1]:5000']) t.equal(registryAddress(host), `http://${host}`)
  for (const host of ['127.example.org', 'localhost.example.org', '10.0.0.1:5000']) t.notOk(hostIsLoopback(host), host)
  t.end()
})

void t.test('one token is fetched, with the login where there is one, and used for all that follows', async (t) => {
  for (const mine of [login, undefined]) {
    const tokens = await realm(t)
    const site = await web(t, { '/v2/a/tags/list': guarded(() => `Bearer realm="${tokens.site.url}/token",service="s",scope="repository:a:pull"`) })
    const registry = open(site, mine === undefined ? {} : { login: mine })
    for (const time of ['first', 'second', 'third']) t.equal(await textOf(await registry.ask('/v2/a/tags/list'), 100), 'yours', time)
    t.same(tokens.shown.map(({ authorization }) => authorization), [mine])
    t.same(tokens.site.asked, ['GET /token?service=s&scope=repository%3Aa%3Apull'])
  }
})

void t.test('a registry that asks for the login itself gets it, and none that does not ask', async (t) => {
  const seen: (string | undefined)[] = []
  const site = await web(t, { '/v2/a': (request, answer) => {
    seen.push(request.headers.authorization)
    if (request.headers.authorization === login) answer.end('yours')
    else answer.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end()
  } })
  t.equal((await open(site, { login }).ask('/v2/a')).status, 200)
  t.equal((await open(site).ask('/v2/a')).status, 401)
  t.same(seen, [undefined, login, undefined])
})

void t.test('where a blob lies elsewhere, it is fetched there without any login, whatever is asked for', async (t) => {
  const seen: (string | undefined)[] = []
  const store = await web(t, {
    '/open': (request, answer) => {
      seen.push(request.headers.authorization)
      answer.end('content')
    },
    '/asks': (request, answer) => {
      seen.push(request.headers.authorization)
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="give me"' }).end()
    },
  })
  const tokens = await realm(t)
  const to = (path: string): Handler => guarded(() => `Bearer realm="${tokens.site.url}/token"`, (_, answer) => answer.writeHead(307, { location: `${store.url}${path}` }).end())
  const site = await web(t, { '/v2/a/blobs/open': to('/open'), '/v2/a/blobs/asks': to('/asks') })
  const registry = open(site, { login })
  t.equal(await textOf(await registry.ask('/v2/a/blobs/open'), 100), 'content')
  t.equal((await registry.ask('/v2/a/blobs/asks')).status, 401)
  t.same(seen, [undefined, undefined])
})

void t.test('a login goes over no way without TLS, but to what is on this machine from what is on it', async (t) => {
  const site = await web(t, { '/v2/a': guarded(() => 'Bearer realm="http://tokens.example.org/token"') })
  const error = await caught(open(site, { login }).ask('/v2/a')) as Error
  t.match(error, { name: 'WebError', message: /wants the login sent to tokens\.example\.org without TLS/ })
  const asked: string[] = []
  // A registry elsewhere must not make this machine show the login to what listens on it.
  const far: Web = (url) => {
    asked.push(String(url))
    return Promise.resolve(Object.defineProperty(new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://127.0.0.1:80/token"' } }), 'url', { value: String(url) }))
  }
  t.match(await caught(open({ url: 'https://registry.example.org', host: '', asked: [] }, { login, ask: far }).ask('/v2/a')), { message: /without TLS/ })
  t.same(asked, ['https://registry.example.org/v2/a'])
})

void t.test('what is no token leaves the refusal as it was', async (t) => {
  for (const body of ['', '{', '[]', '{"token":7}', '{"token":"two words"}', '{"token":"line\\nbreak"}', '{"token":""}']) {
    const tokens = await realm(t, body)
    const site = await web(t, { '/v2/a': guarded(() => `Bearer realm="${tokens.site.url}/token"`) })
    t.equal((await open(site).ask('/v2/a')).status, 401, body)
  }
  const site = await web(t, { '/v2/a': guarded(() => 'Bearer realm="nowhere"') })
  t.match(await caught(open(site).ask('/v2/a')), { message: /no address for its tokens/ })
  const endless = await realm(t, `{"token":"${'x'.repeat(200_000)}"}`)
  const other = await web(t, { '/v2/a': guarded(() => `Bearer realm="${endless.site.url}/token"`) })
  t.match(await caught(open(other).ask('/v2/a')), { message: /longer than 100 KB/ })
})
