/** Between the person's browser and the webserver: Traefik, route, prefix, certificate. */
import t from 'tap'
import { authority, certificateFor } from '../../scripts/lab/standin/programs/certificate.ts'
import { traefik as traefikObjects } from '../../scripts/lab/standin/traefik.ts'
import { apply, kubectl, until } from './cluster.ts'
import { faults, type Fault } from './faults.ts'
import { edit, editContainer, encoded, kube, setImage } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const route = 'ingressroute/airflow-webserver'
const traefik = (...args: string[]): Promise<string> => kubectl(['-n', 'traefik', ...args])
const patchRoute = (it: Site, path: string, value: unknown, op = 'replace'): Promise<string> => kube(it, 'patch', route, '--type=json', '-p', JSON.stringify([{ op, path, value }]))

/** An edited route is both: not the one that airstrip wrote, and one that Traefik cannot use. */
const edited = (name: string, path: string, value: unknown, tells: RegExp): Fault =>
  ({ name, id: ['route-missing', 'traefik-404-route-not-loaded'], tells, harm: it => patchRoute(it, path, value) })

const routes: Fault[] = [
  { name: 'the route deleted', id: 'route-missing', tells: /IngressRoute/, harm: it => kube(it, 'delete', route) },
  { name: 'the middleware deleted', id: ['route-missing', 'traefik-404-route-not-loaded'], tells: /Middleware/, harm: it => kube(it, 'delete', 'middleware/airflow-webserver') },
  edited('a route to a service that is not there', '/spec/routes/0/services/0/name', 'airflow-web', /airflow-web\b/),
  edited('a route to a port that the service does not have', '/spec/routes/0/services/0/port', 8081, /8081/),
  edited('a route for another host', '/spec/routes/0/match', 'Host(`other.lab.test`) && PathPrefix(`/airflow`)', /other\.lab\.test/),
  edited('a route at an entry point that is not there', '/spec/entryPoints', ['websecurely'], /websecurely/),
  edited('a route with a rule that is none', '/spec/routes/0/match', 'Host(airflow', /Host\(airflow/),
  { name: 'a route without the middleware', id: ['prefix-handled-twice', 'route-missing'], harm: it => patchRoute(it, '/spec/routes/0/middlewares', undefined, 'remove') },
  { name: 'a middleware that strips another prefix', id: ['prefix-handled-twice', 'route-missing'], tells: /\/wrong/, harm: it => edit(it, 'middleware/airflow-webserver', { spec: { stripPrefix: { prefixes: ['/wrong'] } } }, 'merge') },
  { name: 'a base URL with the path, by a variable', id: ['probe-path-mismatch', 'prefix-handled-twice'], tells: /BASE_URL|\/health/, harm: it => editContainer(it, 'webserver', { env: [{ name: 'AIRFLOW__WEBSERVER__BASE_URL', value: `https://${it.host}/airflow` }] }) },
  { name: 'a certificate resolver that Traefik does not have', id: ['certresolver-missing', 'route-missing'], tells: /letsencrpyt/, harm: it => patchRoute(it, '/spec/tls/certResolver', 'letsencrpyt') },
  { name: 'no TLS in the route', id: ['route-missing', 'traefik-404-route-not-loaded'], harm: it => patchRoute(it, '/spec/tls', undefined, 'remove') },
]

const asItWas = (): Promise<void> => apply(...traefikObjects())

const controller: Fault[] = [
  { name: 'Traefik scaled to 0', id: 'traefik-not-running', harm: () => traefik('scale', 'deployment/traefik', '--replicas=0'), undo: () => traefik('scale', 'deployment/traefik', '--replicas=1') },
  { name: 'Traefik with an image that is not there', id: 'traefik-not-running', tells: /traefik:v9/, harm: async () => {
    await traefik('set', 'image', 'deployment/traefik', 'traefik=docker.io/library/traefik:v9')
    await until('the kubelet has asked for it', async () => /ErrImage|ImagePull/.test(await traefik('get', 'pods', '-o', 'jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}')))
  }, mend: asItWas, undo: asItWas },
  { name: 'a Traefik that reads another group of kinds', id: 'traefik-crd-group-mismatch', tells: /traefik\.io/, harm: () => traefik('set', 'image', 'deployment/traefik', 'traefik=docker.io/library/traefik:v3.0.0'), mend: asItWas, undo: asItWas },
  { name: 'a Traefik without its rights', id: 'traefik-404-route-not-loaded', tells: /may not read/, harm: async () => {
    await kubectl(['delete', 'clusterrolebinding', 'traefik'])
    await traefik('rollout', 'restart', 'deployment/traefik')
    await traefik('rollout', 'status', 'deployment/traefik', '--timeout=60s')
  }, undo: asItWas },
  { name: 'a Traefik without the resolver', id: 'certresolver-missing', tells: /letsencrypt/, harm: async () => {
    const args = ['--entrypoints.web.address=:80', '--entrypoints.websecure.address=:443', '--entrypoints.websecure.http.tls=true', '--providers.kubernetescrd']
    await traefik('patch', 'deployment/traefik', '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec/template/spec/containers/0/args', value: args }]))
  }, mend: asItWas, undo: asItWas },
]

/** Answers as ACME's do where they refuse (RFC 8555, 6.7); of a name that is none of these it says nothing at all. */
const problems = {
  connection: { status: 400, type: 'urn:ietf:params:acme:error:connection', detail: '203.0.113.7: Timeout during connect (likely firewall problem)' },
  limited: { status: 429, type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many certificates (5) already issued for this exact set of domains in the last 168 hours, retry after 2027-01-02 03:04:05 UTC' },
}

const authorityPod = (): object => {
  const program = `const problems = ${JSON.stringify(problems)}; require('http').createServer((q, r) => { const one = problems[q.url.slice(1)]; if (one) r.writeHead(one.status, {'content-type': 'application/problem+json'}).end(JSON.stringify(one)) }).listen(14000, '127.0.0.1')`
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'authority', namespace: 'traefik' }, spec: { hostNetwork: true, terminationGracePeriodSeconds: 0, containers: [{ name: 'authority', image: 'docker.io/library/busybox:latest', imagePullPolicy: 'IfNotPresent', command: ['node', '-e', program] }] } }
}

/** Traefik begins anew, asks this of the authority, and has none of what was issued before. */
async function asking(what: string): Promise<void> {
  await apply(authorityPod())
  await traefik('wait', '--for=condition=Ready', 'pod/authority', '--timeout=60s')
  await traefik('patch', 'deployment/traefik', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/spec/template/spec/containers/0/args/-', value: `--certificatesresolvers.letsencrypt.acme.caserver=http://127.0.0.1:14000/${what}` }]))
  await traefik('rollout', 'status', 'deployment/traefik', '--timeout=60s')
}

/** A certificate of a person's own, which Traefik serves where it has none for the host. */
async function ownCertificate(host: string, until?: Date): Promise<void> {
  const { key, cert } = certificateFor(host, authority('a person\'s own CA'), until)
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own', namespace: 'traefik' }, type: 'kubernetes.io/tls', data: { 'tls.key': encoded(key), 'tls.crt': encoded(cert) } },
    { apiVersion: 'traefik.containo.us/v1alpha1', kind: 'TLSStore', metadata: { name: 'default', namespace: 'traefik' }, spec: { defaultCertificate: { secretName: 'own' } } })
}

async function certificateAsItWas(): Promise<void> {
  await traefik('delete', 'pod/authority', 'secret/own', 'tlsstore/default', '--ignore-not-found', '--wait=false')
  await asItWas()
}

const certificate = (name: string, id: Fault['id'], tells: RegExp, harm: Fault['harm']): Fault => ({ name, id, tells, seconds: 150, harm, mend: certificateAsItWas, undo: certificateAsItWas })
const dayMs = 86_400_000

const certificates: Fault[] = [
  certificate('an authority that cannot reach Traefik', 'acme-challenge-unreachable', /Timeout during connect/, () => asking('connection')),
  certificate('an authority that has issued too often', 'letsencrypt-duplicate-limit', /retry after 2027-01-02/, () => asking('limited')),
  certificate('a certificate of one\'s own that has ended', 'certificate-ending', /has ended/, async it => {
    await ownCertificate(it.host, new Date(Date.now() - dayMs))
    await asking('nothing')
  }),
  certificate('a certificate of one\'s own that ends within a week', 'certificate-ending', /within two weeks/, async it => {
    await ownCertificate(it.host, new Date(Date.now() + 5 * dayMs))
    await asking('nothing')
  }),
  certificate('a certificate of one\'s own for another name', 'certificate-other-name', /nas\.lab\.test/, async () => {
    await ownCertificate('nas.lab.test')
    await asking('nothing')
  }),
]

const pairs: Fault[] = [
  { name: 'two at once: the route deleted, and an image that is none', id: 'invalid-image-name', and: ['route-missing'], harm: async it => {
    await kube(it, 'delete', route)
    await setImage(it, 'scheduler', 'Apache/Airflow:2')
  } },
  { name: 'two at once: the middleware deleted, and the scheduler scaled to 0', id: 'scaled-to-zero', and: ['traefik-404-route-not-loaded'], harm: async it => {
    await kube(it, 'delete', 'middleware/airflow-webserver')
    await kube(it, 'scale', 'deployment/airflow-scheduler', '--replicas=0')
  } },
  { name: 'two at once: no DNS, and Traefik scaled to 0', id: 'cluster-dns-broken', and: ['traefik-not-running'], harm: async () => {
    await kubectl(['-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=0'])
    await traefik('scale', 'deployment/traefik', '--replicas=0')
  }, undo: async () => {
    await kubectl(['-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=1'])
    await traefik('scale', 'deployment/traefik', '--replicas=1')
  } },
  { name: 'two at once: a Service of the database that selects nobody, and the middleware deleted', id: 'service-without-endpoints', and: ['traefik-404-route-not-loaded'], harm: async it => {
    await kube(it, 'patch', 'service/airflow-postgresql', '-p', '{"spec":{"selector":{"component":"nobody"}}}')
    await kube(it, 'delete', 'middleware/airflow-webserver')
  } },
]

/** As on a cluster of a person's own to which Traefik's chart came with its defaults; told once the Service is five minutes old. */
const balanced: Fault = { name: 'a Traefik that waits for a load balancer', id: 'loadbalancer-never-ready', seconds: 400, tells: /Service traefik\/traefik/, undo: notBalanced, harm: async () => {
  await traefik('patch', 'service', 'traefik', '-p', '{"spec":{"type":"LoadBalancer"}}')
  await traefik('patch', 'deployment', 'traefik', '--type=json', '-p', JSON.stringify([
    { op: 'add', path: '/spec/template/spec/hostNetwork', value: false },
    // The node's own ports are written into them where the pods are on its network.
    { op: 'replace', path: '/spec/template/spec/containers/0/ports', value: [{ name: 'web', containerPort: 80 }, { name: 'websecure', containerPort: 443 }] },
  ]))
  await traefik('rollout', 'status', 'deployment/traefik', '--timeout=60s')
} }

async function notBalanced(): Promise<void> {
  await traefik('patch', 'service', 'traefik', '--type=merge', '-p', '{"spec":{"externalIPs":null,"type":"NodePort"}}')
  await asItWas()
}

void t.test('between the browser and the webserver', async t => {
  const it = await site(t, 'doctoringress')
  exits(t, await it.airstrip(['apply']), 0)
  t.teardown(notBalanced)
  t.teardown(certificateAsItWas)
  await faults(t, it, [...routes, ...controller, ...certificates, ...pairs, balanced])
})
