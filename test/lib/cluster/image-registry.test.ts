import t, { type Test } from 'tap'
import { askRegistries } from '../../../lib/cluster/image-registry.ts'
import { createWeb } from '../../../lib/cluster/web.ts'
import { web, type Handler, type Web } from '../../fakes/web.ts'

const unknownManifest = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
const path = (name: string): string => `/v2/${name}/manifests/1`
const answers = (status: number, body = '', headers: Record<string, string> = {}): Handler => (request, answer) => void answer.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body)

const ask = async (site: Web, image: string, patienceMs = 2000) => (await askRegistries([image], { web: createWeb({}), addressOf: (host) => (host === 'registry.example.org' ? site.url : undefined), patienceMs }))[0]
const registry = (test: Test, handlers: Record<string, Handler>): Promise<Web> => web(test, handlers)

void t.test('what is there is there, and only its head is asked for', async (t) => {
  const site = await registry(t, { [path('a/b')]: answers(200) })
  t.match(await ask(site, 'registry.example.org/a/b:1'), { state: 'there' })
  t.same(site.asked, ['HEAD /v2/a/b/manifests/1'])
})

void t.test('only the registry\'s own word that there is none counts', async (t) => {
  const site = await registry(t, { [path('gone')]: answers(404, unknownManifest), [path('portal')]: answers(404, '<html>not found</html>') })
  t.match(await ask(site, 'registry.example.org/gone:1'), { state: 'absent', reason: /MANIFEST_UNKNOWN/ })
  t.match(await ask(site, 'registry.example.org/portal:1'), { state: 'unknown', reason: /not as a registry/ })
})

/** As Docker Hub, quay and ghcr have it. */
function guarded(site: () => Web, then: Handler, token = '{"token":"t0k"}'): Record<string, Handler> {
  return {
    [path('a/b')]: (request, answer) => {
      if (request.headers.authorization === 'Bearer t0k') then(request, answer)
      else answer.writeHead(401, { 'www-authenticate': `Bearer realm="${site().url}/token",service="registry.example.org",scope="repository:a/b:pull"` }).end()
    },
    '/token': answers(200, token, { 'content-type': 'application/json' }),
  }
}

void t.test('anybody\'s token is fetched where the registry asks for one', async (t) => {
  for (const [then, state, token] of [[answers(200), 'there', '{"token":"t0k"}'], [answers(404, unknownManifest), 'absent', '{"access_token":"t0k"}'], [answers(401), 'unknown', undefined]] as const) {
    const site: Web = await registry(t, guarded(() => site, then, token))
    t.match(await ask(site, 'registry.example.org/a/b:1'), { state })
    t.equal(site.asked[1], 'GET /token?service=registry.example.org&scope=repository%3Aa%2Fb%3Apull')
  }
})

void t.test('what refuses, fails or hangs says nothing of the image', async (t) => {
  const site = await registry(t, {
    [path('limited')]: answers(429), [path('broken')]: answers(503), [path('private')]: answers(401, '', { 'www-authenticate': 'Basic realm="x"' }),
    [path('odd')]: answers(401, '', { 'www-authenticate': 'Bearer realm="no address"' }), [path('hangs')]: () => undefined,
  })
  for (const [name, reason] of [['limited', /429/], ['broken', /503/], ['private', /401/], ['odd', /could not be asked/]] as const) t.match(await ask(site, `registry.example.org/${name}:1`), { state: 'unknown', reason }, name)
  const started = Date.now()
  t.match(await ask(site, 'registry.example.org/hangs:1', 300), { state: 'unknown', reason: /did not answer in time/ })
  t.ok(Date.now() - started < 5000)
})

void t.test('all are asked side by side, and a loopback of the node\'s own not at all', async (t) => {
  const slow: Handler = (_, answer) => void setTimeout(() => answer.writeHead(200).end(), 400)
  const site = await registry(t, Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [path(`x${number}`), slow])))
  const found = await askRegistries([1, 2, 3, 4, 5, 6].map((number) => `registry.example.org/x${number}:1`), { web: createWeb({}), addressOf: () => site.url, patienceMs: 1800 })
  t.same(found.map(({ state }) => state), Array(6).fill('there'))
  t.match(await askRegistries(['localhost:5000/x:1', '127.0.0.1:5000/x:1'], { web: createWeb({}) }), [{ state: 'unknown' }, { state: 'unknown' }])
})
