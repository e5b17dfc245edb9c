import { createServer, type Server } from 'node:https'
import { createServer as createListener, type AddressInfo } from 'node:net'
import t from 'tap'
import { getHttps } from '../../../lib/cluster/https.ts'
import { selfSigned } from '../../../scripts/lab/standin/programs/certificate.ts'
import { caught } from '../../fakes/caught.ts'

let server: Server
let port = 0
const asked: { host?: string | undefined; url?: string | undefined }[] = []

t.before(async () => {
  const pair = selfSigned('home.example.org')
  server = createServer(pair, ({ url, headers }, answer) => {
    asked.push({ host: headers.host, url })
    if (url === '/airflow/') answer.writeHead(302, { location: 'https://home.example.org/airflow/home', 'set-cookie': ['a=1', 'b=2'] }).end()
    else if (url === '/huge') answer.end('x'.repeat(300_000))
    else if (url !== '/silent') answer.end('healthy')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  port = (server.address() as AddressInfo).port
  // The tests are over when nothing else is left.
  server.unref()
})

void t.test('the host is asked by its name, at an address of our choosing', async (t) => {
  const answer = await getHttps('https://home.example.org/airflow/health?x=1', `127.0.0.1:${port}`)
  t.match(answer, { status: 200, body: 'healthy' })
  t.same(asked.at(-1), { host: 'home.example.org', url: '/airflow/health?x=1' })
})

void t.test('any certificate is taken and returned to be judged', async (t) => {
  const { certificate } = await getHttps('https://home.example.org/', `127.0.0.1:${port}`)
  t.match(certificate, { subject: String, issuer: String, validFrom: /^\d{4}-\d\d-\d\dT/, validTo: /^\d{4}-\d\d-\d\dT/ })
})

void t.test('who takes a request and does not answer it is told from who is not there', async (t) => {
  t.match(await caught(getHttps('https://home.example.org/silent', `127.0.0.1:${port}`, 300)), { message: `127.0.0.1:${port} took the request and gave no answer within 0.3 s` })
})

void t.test('and from who listens, and says nothing on the connection', async (t) => {
  const mute = createListener()
  await new Promise<void>((resolve) => {
    mute.listen(0, '127.0.0.1', resolve)
  })
  const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`
  t.match(await caught(getHttps('https://home.example.org/health', address, 300)), { message: `${address} took the connection and gave no answer within 0.3 s` })
  mute.close()
})

void t.test('a redirect is an answer', async (t) => {
  t.match(await getHttps('https://home.example.org/airflow/', `127.0.0.1:${port}`), { status: 302, headers: { location: 'https://home.example.org/airflow/home', 'set-cookie': 'a=1, b=2' } })
})

void t.test('of a long answer the first 64 KiB are enough', async (t) => {
  const { body } = await getHttps('https://home.example.org/huge', `127.0.0.1:${port}`)
  t.ok(body.length > 0 && body.length <= 64 * 1024)
})

void t.test('an address is an IP or a name, with or without a port, in brackets or not', async (t) => {
  const table: [address: string, host: string, port: number][] = [
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['[::1]:1', '::1', 1],
    ['localhost:1', 'localhost', 1],
  ]
  for (const [address, host, wanted] of table) {
    const error = await caught(getHttps('https://home.example.org/', address)) as { port?: number; address?: string; errors?: { port: number }[]; hostname?: string }
    t.equal(error.port ?? error.errors?.[0]?.port, wanted, address)
    if (host !== 'localhost') t.equal(error.address, host)
  }
})

void t.test('who does not speak TLS is an error and not a wait', async (t) => {
  const { createServer: plain } = await import('node:http')
  const http = plain((_, answer) => answer.end('no TLS')).listen(0, '127.0.0.1')
  await new Promise((resolve) => http.once('listening', resolve))
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  t.match(await caught(getHttps('https://home.example.org/', `127.0.0.1:${(http.address() as AddressInfo).port}`)), Error)
})
