import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { authority, certificateFor, selfSigned } from '../../scripts/lab/standin/programs/certificate.ts'
import { strip } from '../../scripts/lab/standin/programs/route-request.ts'
import { hostsIn, rule } from '../../scripts/lab/standin/programs/route-rules.ts'
import { routeTable, type Found } from '../../scripts/lab/standin/programs/route-table.ts'
import { locate } from '../../scripts/lab/standin/programs/web-location.ts'

const RULE = 'Host(`airflow.lab.test`) && PathPrefix(`/airflow`)'
const at = (name: string) => ({ metadata: { name, namespace: 'airflow' } })

function cluster(): Found {
  return {
    routes: [{
      ...at('airflow-webserver'),
      spec: {
        entryPoints: ['websecure'],
        routes: [{ kind: 'Rule', match: RULE, middlewares: [{ name: 'airflow-webserver' }], services: [{ name: 'airflow-webserver', port: 8080 }] }],
        tls: { certResolver: 'letsencrypt' },
      },
    }],
    middlewares: [{ ...at('airflow-webserver'), spec: { stripPrefix: { prefixes: ['/airflow'] } } }],
    services: [{ ...at('airflow-webserver'), spec: { ports: [{ name: 'airflow-ui', port: 8080 }] } }],
    endpoints: [{ ...at('airflow-webserver'), subsets: [{ addresses: [{ ip: '10.0.0.9' }], ports: [{ name: 'airflow-ui', port: 8080 }] }] }],
  }
}

void t.test('rules', t => {
  const matches = rule(RULE)
  t.ok(matches({ host: 'airflow.lab.test', path: '/airflow/home' }))
  t.ok(matches({ host: 'AIRFLOW.lab.test', path: '/airflows' }), 'letters, not segments, as Traefik')
  t.notOk(matches({ host: 'other.test', path: '/airflow' }))
  t.notOk(matches({ host: 'airflow.lab.test', path: '/' }))
  t.ok(rule('!(Path(`/a`) || Path("/b"))')({ host: '', path: '/c' }))
  t.ok(rule('Host(`a`, `b`)')({ host: 'b', path: '/' }))
  for (const bad of ['', 'Host(a)', 'Host(`a`) &&', 'Host(`a`) PathPrefix(`/`)', 'Header(`a`)', '(Host(`a`)']) t.throws(() => rule(bad), bad)
  t.strictSame(hostsIn(RULE), ['airflow.lab.test'])
  t.end()
})

void t.test('the table serves a whole route', t => {
  const { routes, errors } = routeTable(cluster(), ['websecure'])
  t.strictSame(errors, [])
  t.match(routes, [{ prefixes: ['/airflow'], servers: [{ host: '10.0.0.9', port: 8080 }], certResolver: 'letsencrypt', tls: true }])
  t.end()
})

void t.test('one bad reference drops the route', t => {
  const cases: [RegExp, (found: Found) => void][] = [
    [/msg="middleware \\"airflow-airflow-webserver@kubernetescrd\\" does not exist" routerName=airflow-airflow-webserver-[0-9a-f]{20}@kubernetescrd$/, found => { found.middlewares = [] }],
    [/invalid middleware/, found => { found.middlewares = [at('airflow-webserver')] }],
    [/msg="kubernetes service not found: airflow\/airflow-webserver" ingress=airflow-webserver namespace=airflow providerName=kubernetescrd$/, found => { found.services = [] }],
    [/port not found/, found => { found.services = [{ ...at('airflow-webserver'), spec: { ports: [{ port: 80 }] } }] }],
    [/entryPoint \\"webs\\" doesn't exist/, found => { found.routes = found.routes.map(route => ({ ...route, spec: { ...route.spec, entryPoints: ['webs'] } })) }],
    [/subset not found/, found => { found.endpoints = [at('airflow-webserver')] }],
  ]
  for (const [expected, damage] of cases) {
    const found = cluster()
    damage(found)
    const { routes, errors } = routeTable(found, ['websecure'])
    t.strictSame(routes, [])
    t.match(errors, [expected])
  }
  t.end()
})

void t.test('the prefix is taken off once', t => {
  t.strictSame(strip('/airflow/home?a=1', ['/airflow']), { url: '/home?a=1', prefix: '/airflow' })
  t.strictSame(strip('/airflow', ['/airflow']), { url: '/', prefix: '/airflow' })
  t.strictSame(strip('/other', ['/airflow']), { url: '/other' })
  t.end()
})

void t.test('Airflow finds its place behind the proxy', t => {
  const root = { baseUrl: 'http://localhost:8080', proxyFix: true }
  const mounted = { baseUrl: 'https://h.test/airflow', proxyFix: true }
  t.match(locate('/home', { 'x-forwarded-prefix': '/airflow' }, root), { root: '/airflow', path: '/home' })
  t.match(locate('/home', { 'x-forwarded-prefix': '/airflow' }, { ...root, proxyFix: false }), { root: '', path: '/home' })
  t.match(locate('/airflow/home', {}, mounted), { root: '/airflow', path: '/home' })
  t.equal(locate('/home', { 'x-forwarded-prefix': '/airflow' }, mounted), undefined, 'stripped and mounted: not at this location')
  t.end()
})

void t.test('certificates', t => {
  const fallback = new X509Certificate(selfSigned('TRAEFIK DEFAULT CERT').cert)
  t.equal(fallback.subject, 'CN=TRAEFIK DEFAULT CERT')
  t.ok(fallback.verify(fallback.publicKey))
  const ca = authority('airstrip lab CA')
  const own = new X509Certificate(certificateFor('airflow.lab.test', ca).cert)
  t.equal(own.issuer, 'CN=airstrip lab CA')
  t.equal(own.checkHost('airflow.lab.test'), 'airflow.lab.test')
  t.ok(own.verify(ca.publicKey))
  t.ok(Date.parse(own.validTo) > Date.now())
  t.end()
})
