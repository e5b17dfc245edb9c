import t from 'tap'
import { ingressObjects } from '../../lib/manifest/ingress.ts'
import type { HttpsAnswer, KubernetesObject } from '../../lib/access.ts'
import { ingress } from '../../steps/05-ingress.ts'
import { clusterReader, type Cluster } from '../fakes/reader.ts'
import { node } from '../lib/observe/objects.ts'
import { chart, config, told, type Sections } from './config.ts'

const spec = { ...ingress.spec(config()), service: 'airflow-webserver' }
const crd = (group: string): KubernetesObject => ({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `ingressroutes.${group}` } })
const both = [crd('traefik.io'), crd('traefik.containo.us')]
const traefik = (version: string): KubernetesObject => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'traefik', namespace: 'traefik' }, spec: { template: { spec: { containers: [{ name: 'x', image: `traefik:${version}` }] } } } })
const ours = (group: string): KubernetesObject[] => ingressObjects(spec, group)

const check = (objects: KubernetesObject[], sections?: Sections) => ingress.check(ingress.spec(config(sections)), clusterReader({ chart, objects }))

void t.test('route and middleware are made in the group that this Traefik reads', async (t) => {
  for (const [version, group] of [['2.9.10', 'traefik.containo.us'], ['2.10.4', 'traefik.io'], ['3.0.0', 'traefik.io']] as const) {
    const found = await check([...both, traefik(version)])
    t.same(told(found), ['create Middleware airflow/airflow-webserver', 'create IngressRoute airflow/airflow-webserver'], version)
    t.match(found, { changes: [{ want: { apiVersion: `${group}/v1alpha1` } }, { want: { apiVersion: `${group}/v1alpha1` } }] })
    t.match(await check([...both, traefik(version), ...ours(group)]), { state: 'satisfied', evidence: [`IngressRoute in ${group} for home.example.org/airflow`] })
  }
})

void t.test('after a move of Traefik the objects of the group that is not read go', async (t) => {
  const found = await check([...both, traefik('3.0.0'), ...ours('traefik.containo.us')])
  t.same(told(found), ['create Middleware airflow/airflow-webserver', 'create IngressRoute airflow/airflow-webserver', 'delete Middleware airflow/airflow-webserver', 'delete IngressRoute airflow/airflow-webserver'])
  t.match(found, { changes: [{}, {}, { live: { apiVersion: 'traefik.containo.us/v1alpha1' } }, {}] })
})

void t.test('what somebody else made under the same name stays', async (t) => {
  const theirs = ours('traefik.containo.us').map((object) => ({ ...object, metadata: { ...object.metadata, labels: { 'app.kubernetes.io/managed-by': 'Helm' } } }))
  t.same(told(await check([...both, traefik('3.0.0'), ...theirs, ...ours('traefik.io')])), [])
})

void t.test('with prefix mount the middleware goes, and the route loses it', async (t) => {
  t.same(told(await check([...both, traefik('3.0.0'), ...ours('traefik.io')], { ingress: 'prefix: mount' })), ['update IngressRoute airflow/airflow-webserver', 'delete Middleware airflow/airflow-webserver'])
})

void t.test('without a Traefik that could read the route it is blocked', async (t) => {
  t.match(await check([]), { state: 'blocked', findings: [{ id: 'traefik-missing', severity: 'error' }] })
  t.match(await check([crd('traefik.containo.us'), traefik('3.0.0')]), { state: 'blocked', findings: [{ id: 'traefik-crd-group-mismatch' }] })
})

const health = 'https://home.example.org/airflow/health'
const page = 'https://home.example.org/airflow/'
const answer = (status: number, body = '', headers: Record<string, string> = {}): HttpsAnswer => ({ status, body, headers, certificate: { subject: 'home.example.org', issuer: 'R3', validTo: '2023-10-01T00:00:00.000Z', names: ['home.example.org'] } })
const good = { [health]: answer(200, '{}'), [page]: answer(302, '', { location: 'https://home.example.org/airflow/home' }) }

const verify = (cluster: Cluster, sections?: Sections) => ingress.verify(ingress.spec(config(sections)), clusterReader({ addresses: ['192.0.2.1'], ...cluster }))

void t.test('it is done when Airflow answers through the ingress', async (t) => {
  t.match(await verify({ answers: good }), { state: 'done', evidence: [`${health} answers 200`, /certificate home\.example\.org, from R3, until 2023-10-01/], warnings: [] })
})

void t.test('a webserver that is not up yet is waited for, a route that is not loaded fails after a while', async (t) => {
  t.match(await verify({ answers: { [health]: answer(502, 'Bad Gateway') } }), { state: 'waiting', on: [{ object: health, reason: 'answers 502: Bad Gateway' }] })
  t.match(await verify({ answers: { [health]: answer(404, '404 page not found\n') } }), { state: 'failed', findings: [{ id: 'traefik-404-route-not-loaded' }], settleMs: 45_000 })
  t.match(await verify({ answers: { [health]: answer(404, 'Apache Airflow is not at this location') } }), { state: 'failed', findings: [{ id: 'prefix-handled-twice' }] })
})

void t.test('links that lead out of the prefix are a warning', async (t) => {
  for (const location of ['https://home.example.org/home', 'http://home.example.org/airflow/home', 'https://other.example.org/airflow/', '/login', 'https://home.example.org/airflowed']) {
    t.match(await verify({ answers: { ...good, [page]: answer(302, '', { location }) } }), { state: 'done', warnings: [{ id: 'prefix-handled-twice' }] }, location)
  }
  for (const location of ['/airflow/home', 'home', 'https://home.example.org/airflow']) t.match(await verify({ answers: { ...good, [page]: answer(302, '', { location }) } }), { warnings: [] }, location)
})

void t.test('it is asked at the configured address, else where the name leads, else at the node', async (t) => {
  const asked = async (cluster: Cluster, sections?: Sections): Promise<string[]> => {
    const reader = clusterReader({ answers: good, ...cluster })
    await ingress.verify(ingress.spec(config(sections)), reader)
    return reader.asked.filter((one) => one.startsWith(`https ${health}`))
  }
  t.same(await asked({ addresses: [] }, { ingress: 'address: "192.168.1.10:8443"' }), [`https ${health} 192.168.1.10:8443`])
  t.same(await asked({ addresses: ['192.0.2.1'] }), [`https ${health} home.example.org`])
  const home = { ...node(), status: { addresses: [{ type: 'Hostname', address: 'home' }, { type: 'InternalIP', address: '10.0.0.5' }] } }
  t.same(await asked({ addresses: [], objects: [home] }), [`https ${health} 10.0.0.5`])
})

void t.test('an address that was only guessed proves nothing, one that was written down must answer', async (t) => {
  const refused = new Error('connect ECONNREFUSED 192.0.2.1:443')
  t.match(await verify({ answers: { [health]: refused } }), { state: 'done', evidence: ['route written, not proven'], warnings: [{ id: 'ingress-unproven', evidence: [refused.message] }] })
  t.match(await verify({ answers: { [health]: refused } }, { ingress: 'address: 192.168.1.10' }), { state: 'waiting', on: [{ object: /at 192\.168\.1\.10$/, reason: refused.message }] })
  t.match(await verify({ addresses: [] }), { state: 'done', warnings: [{ evidence: ['home.example.org does not resolve here'] }] })
})
