import { spawn } from 'node:child_process'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { adviceOn, createWeb, textOf } from '../../../lib/cluster/web.ts'
import { selfSigned } from '../../../scripts/lab/standin/programs/certificate.ts'
import { caught } from '../../fakes/caught.ts'
import { web, type Handler, type Web as Site } from '../../fakes/web.ts'
import { webProxy } from '../../fakes/web-proxy.ts'

const portOf = ({ host }: Site): number => Number(host.split(':')[1])
const giving = (text: string): Handler => (_, answer) => void answer.writeHead(200).end(text)

interface Secure { port: number; certificate: string }

/** `charts.example.org`, as its own authority has signed it. */
async function secure(test: Test): Promise<Secure> {
  const pair = selfSigned('charts.example.org')
  const server = createServer(pair, (_, answer) => answer.end('secure'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, certificate: pair.cert }
}

void t.test('what has no TLS is forwarded by the proxy of the environment, with its login', async (t) => {
  const proxy = await webProxy(t, portOf(await web(t, { '/index.yaml': giving('entries') })))
  const ask = createWeb({ http_proxy: `http://me:s3cret@${proxy.host}` })
  t.equal(await textOf(await ask('http://charts.example.org/index.yaml'), 100), 'entries')
  t.same(proxy.asked, ['GET http://charts.example.org/index.yaml'])
  t.same(proxy.logins, [`Basic ${Buffer.from('me:s3cret').toString('base64')}`])
})

void t.test('what has TLS is tunnelled', async (t) => {
  const { port } = await secure(t)
  const proxy = await webProxy(t, port)
  const error = await caught(createWeb({ HTTPS_PROXY: `http://${proxy.host}` })('https://charts.example.org/'))
  t.same(proxy.asked, ['CONNECT charts.example.org:443'])
  t.match(error, { message: /self.signed certificate, through the proxy 127\.0\.0\.1:\d+ of HTTPS_PROXY/ })
  t.match(adviceOn(error), /NODE_EXTRA_CA_CERTS/)
})

void t.test('an authority that Node is told of is trusted, through the proxy as well, and the process ends by itself', async (t) => {
  const { port, certificate } = await secure(t)
  const proxy = await webProxy(t, port)
  const folder = t.testdir({ 'ca.pem': certificate, 'ask.mjs': `import { createWeb, textOf } from ${JSON.stringify(new URL('../../../lib/cluster/web.ts', import.meta.url).href)}
    process.stdout.write(await textOf(await createWeb(process.env)('https://charts.example.org/'), 100))` })
  const child = spawn(process.execPath, ['--import=tsx', `${folder}/ask.mjs`], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HTTPS_PROXY: `http://${proxy.host}`, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` } })
  const said: string[] = []
  child.stdout.on('data', (part: Buffer) => said.push(part.toString()))
  t.equal(await new Promise((resolve) => child.on('close', resolve)), 0)
  t.equal(said.join(''), 'secure')
})

void t.test('whom NO_PROXY names is asked directly, and so is this machine', async (t) => {
  const site = await web(t, { '/': giving('direct') })
  const proxy = await webProxy(t, portOf(site))
  const env = { HTTP_PROXY: `http://${proxy.host}` }
  t.equal(await textOf(await createWeb(env)(site.url), 100), 'direct')
  await caught(createWeb({ ...env, NO_PROXY: 'example.invalid' })('http://charts.example.invalid/'))
  t.same(proxy.asked, [])
})

void t.test('a proxy that refuses, or is not there, is named without its login', async (t) => {
  const { host } = await webProxy(t, 1, 407)
  for (const [address, url, says] of [[host, 'https://a.example.org/', /the answer was 407/], ['127.0.0.1:9', 'http://a.example.org/', /ECONNREFUSED/]] as const) {
    const error = await caught(createWeb({ HTTP_PROXY: `http://me:s3cret@${address}`, HTTPS_PROXY: `http://me:s3cret@${address}` })(url)) as Error
    t.match(error.message, says)
    t.match(error.message, `through the proxy ${address} of HTTP`)
    t.match(adviceOn(error), /NO_PROXY/)
    t.notMatch(`${error.message} ${String(error.stack)} ${String(error.cause)}`, /s3cret|bWU6czNjcmV0/)
  }
})

void t.test('a redirect is followed, and whoever is pointed at gets no login', async (t) => {
  const seen: (string | undefined)[] = []
  const target = await web(t, { '/blob': (request, answer) => {
    seen.push(request.headers.authorization)
    answer.end('content')
  } })
  const site = await web(t, {
    '/far': (_, answer) => answer.writeHead(307, { location: `${target.url.replace('//', '//you:secret@')}/blob` }).end(),
    '/near': (request, answer) => {
      seen.push(request.headers.authorization)
      answer.writeHead(302, { location: '/far' }).end()
    },
  })
  t.equal(await textOf(await createWeb({})(`${site.url}/near`, { headers: { Authorization: 'Bearer t0k' } }), 100), 'content')
  t.same(seen, ['Bearer t0k', undefined])
})

void t.test('redirects without end, to no address, and to another kind of it are refused in a sentence', async (t) => {
  const to = (location: string): Handler => (_, answer) => answer.writeHead(302, { location }).end()
  const site = await web(t, { '/loop': to('/loop'), '/odd': to('http://['), '/file': to('file:///etc/passwd') })
  for (const [path, says] of [['/loop', /redirects without end/], ['/odd', /no address/], ['/file', /no address of the web/]] as const) t.match(await caught(createWeb({})(`${site.url}${path}`)), { name: 'WebError', message: says })
})

void t.test('a body that breaks off, or has no end, is an error with its cause', async (t) => {
  const site = await web(t, { '/cut': (request, answer) => {
    answer.writeHead(200, { 'content-length': 100 }).write('half')
    setTimeout(() => { request.socket.destroy() }, 50)
  }, '/long': giving('x'.repeat(5000)) })
  const ask = createWeb({})
  t.match(await caught(ask(`${site.url}/cut`).then((answer) => textOf(answer, 1000))), { name: 'WebError', message: /closed|terminated/ })
  t.match(await caught(ask(`${site.url}/long`).then((answer) => textOf(answer, 1000))), { message: 'it is longer than 1 KB' })
})
