import { createServer as createHttp, request as call, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createSecureContext } from 'node:tls'
import { obtain, pairFor, readOwn, type TlsStore } from './certificate-store.ts'
import { endOnTerm, sleep } from './ends.ts'
import { list } from './kube.ts'
import { strip, type Stripped } from './route-request.ts'
import { logLine, routeTable, type Endpoints, type Found, type IngressRoute, type Middleware, type Route, type Service } from './route-table.ts'

const GROUPS = groupsOf(process.env.TRAEFIK_VERSION ?? '')
const args = process.argv.slice(2).map(arg => arg.toLowerCase())
const entryPoints = args.flatMap(arg => /^--entrypoints\.([^.]+)\.address=/.exec(arg)?.[1] ?? [])
/** By name, with the authority that it asks where it is told of one. */
const resolvers = new Map(args.flatMap(arg => /^--certificatesresolvers\.([^.]+)\./.exec(arg)?.[1] ?? []).map(name => [name, authorityOf(name)]))
let routes: Route[] = []
let complaints = ''

/** Before 2.10 the old group, from 3.0 the new one, between them both. */
function groupsOf(version: string): string[] {
  const [major = 2, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const old = major < 3 ? ['traefik.containo.us/v1alpha1'] : []
  return major > 2 || minor >= 10 ? [...old, 'traefik.io/v1alpha1'] : old
}

function authorityOf(resolver: string): string | undefined {
  const flag = `--certificatesresolvers.${resolver}.acme.caserver=`
  return args.find(arg => arg.startsWith(flag))?.slice(flag.length)
}

async function everywhere(kind: string): Promise<unknown[]> {
  return (await Promise.all(GROUPS.map(group => list(`/apis/${group}/${kind}`)))).flat()
}

async function read(): Promise<Found> {
  return {
    routes: (await everywhere('ingressroutes')) as IngressRoute[],
    middlewares: (await everywhere('middlewares')) as Middleware[],
    services: (await list('/api/v1/services')) as Service[],
    endpoints: (await list('/api/v1/endpoints')) as Endpoints[],
  }
}

async function refresh(): Promise<void> {
  const found = await read()
  const table = routeTable(found, entryPoints)
  routes = table.routes
  await readOwn(found.routes, (await everywhere('tlsstores')) as TlsStore[])
  obtain(routes, resolvers)
  const unknown = routes.flatMap(({ name, certResolver }) =>
    certResolver === undefined || resolvers.has(certResolver.toLowerCase()) ? [] : [logLine(`the router ${name}@kubernetescrd uses a non-existent resolver: ${certResolver}`, '')])
  const now = [...table.errors, ...unknown].join('\n')
  if (now !== complaints && now !== '') console.error(now)
  complaints = now
}

function serve(entryPoint: string, tls: boolean, port: number) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const route = routes.find(candidate => candidate.tls === tls && (candidate.entryPoints?.includes(entryPoint) ?? true) && candidate.matches({ host, path }))
    if (route === undefined) plain(response, 404, '404 page not found\n')
    else if (route.servers.length === 0) plain(response, 503, 'Service Unavailable')
    else forward(request, response, route, { ...strip(request.url ?? '/', route.prefixes), tls, port })
  }
}

function forward(request: IncomingMessage, response: ServerResponse, route: Route, sent: Stripped & { tls: boolean; port: number }): void {
  const target = route.servers[Math.floor(Math.random() * route.servers.length)]
  const headers = {
    ...Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith('x-forwarded-'))),
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    'x-forwarded-host': request.headers.host ?? '',
    'x-forwarded-port': String(sent.port),
    'x-forwarded-proto': sent.tls ? 'https' : 'http',
    ...(sent.prefix === undefined ? {} : { 'x-forwarded-prefix': sent.prefix }),
  }
  const onward = call({ ...target, method: request.method, path: sent.url, headers, timeout: 30_000 }, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('timeout', () => onward.destroy(new Error('timed out')))
  onward.on('error', () => { plain(response, 502, 'Bad Gateway') })
  request.pipe(onward)
}

function plain(response: ServerResponse, code: number, body: string): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }).end(body)
}

/** Entry points come from the arguments, as in Traefik; one called websecure speaks TLS. */
function listen(name: string, port: number): void {
  const tls = name === 'websecure'
  const server = tls
    ? createHttps({ ...pairFor(''), SNICallback: (host, done) => { done(null, createSecureContext(pairFor(host))) } }, serve(name, tls, port))
    : createHttp(serve(name, tls, port))
  server.listen(port, () => { console.log(`level=info msg="Starting server (the lab's stand-in)" entryPointName=${name} port=${port}`) })
}

endOnTerm()
for (const arg of args) {
  const [, name, port] = /^--entrypoints\.([^.]+)\.address=.*:(\d+)/.exec(arg) ?? []
  if (name !== undefined) listen(name, Number(port))
}
for (;;) {
  await refresh().catch((error: unknown) => { console.error(`level=error msg=${JSON.stringify(String(error))}`) })
  await sleep(1000)
}
