import t from 'tap'
import { now } from '../observe/objects.ts'
import { answers, byDefault, judged, makeEndpoints, makeService, roots, routes, saysTraefik, silent, traefik, traefikPod, unrouted, wanted } from './way.ts'

const withDefault = answers({ certificate: byDefault })

void t.test('while no pod is behind the route its default certificate is no finding', (t) => {
  const restarting = { pods: [], endpoints: [makeEndpoints()], answered: answers(unrouted) }
  const has = (parts: Parameters<typeof judged>[0]) => judged(parts).findings.some(({ id }) => id === 'certresolver-missing')
  t.notOk(has(restarting))
  t.ok(has({ ...restarting, endpoints: [makeEndpoints([{ addresses: [{ ip: '10.244.0.9' }] }])] }), 'with one it is')
  t.end()
})

void t.test('a default certificate, with the deeper reason where Traefik has said one', (t) => {
  t.match(judged({ answered: withDefault }).findings, [{ id: 'certresolver-missing', severity: 'warning', title: /serves its default certificate/ }])
  const nope = judged({ answered: withDefault, routes: routes({ tls: { certResolver: 'nope' } }), logs: saysTraefik('level=error msg="the router airflow-airflow-webserver-x@kubernetescrd uses a non-existent resolver: nope"') }).findings
  t.match(nope, [{ id: 'certresolver-missing', title: 'Traefik has no certificate resolver "nope"', fix: ['npx tsx run.ts apply --only ingress'] }])
  t.match(nope[0]?.evidence.join(), /airstrip writes letsencrypt.*non-existent resolver/)
  t.match(judged({ answered: withDefault, wanted: { ...wanted, certResolver: 'le' }, routes: routes({ tls: { certResolver: 'le' } }) }).findings, [{ id: 'certresolver-missing', fix: [/^Write ingress.certResolver: letsencrypt/] }])
  const open = 'time="2023-08-02T10:00:00Z" level=error msg="The ACME resolver \\"letsencrypt\\" is skipped from the resolvers list because: unable to get ACME account: permissions 660 for /data/acme.json are too open, please use 600"'
  t.match(judged({ answered: withDefault, logs: saysTraefik(open) }).findings, [{ title: /acme.json has mode 660/, fix: ['kubectl -n traefik exec deployment/traefik -- chmod 600 /data/acme.json'] }])
  t.end()
})

void t.test('a limit and a challenge explain the certificate that is not there, and are no fault while a good one is', (t) => {
  const limit = 'level=error msg="Unable to obtain ACME certificate for domains \\"home.example.org\\": acme: error: 429 :: urn:ietf:params:acme:error:rateLimited :: Error creating new order :: too many certificates (5) already issued for this exact set of domains in the last 168 hours: home.example.org, retry after 2023-08-03T21:30:00Z: see https://letsencrypt.org/docs/duplicate-certificate-limit/"'
  const challenge = 'level=error msg="Unable to obtain ACME certificate for domains \\"home.example.org\\": unable to generate a certificate: acme: error: 400 :: urn:ietf:params:acme:error:connection :: 203.0.113.7: Timeout during connect (likely firewall problem)"'
  t.match(judged({ answered: withDefault, logs: saysTraefik(limit) }).findings, [{ id: 'letsencrypt-duplicate-limit', title: /retry after 2023-08-03T21:30:00Z/ }, { id: 'certresolver-missing', causes: [{ id: 'letsencrypt-duplicate-limit' }] }])
  t.same(roots({ answered: withDefault, logs: saysTraefik(challenge) }), ['acme-challenge-unreachable warning'])
  // Boulder counts challenges that failed, too, and says of both that they are rate limited.
  const failures = 'ERR Unable to obtain ACME certificate for domains error="unable to generate a certificate for the domains [home.example.org]: acme: error: 429 :: POST :: https://acme-v02.api.letsencrypt.org/acme/new-order :: urn:ietf:params:acme:error:rateLimited :: too many failed authorizations (5) for \\"home.example.org\\" in the last 1h0m0s, retry after 2023-08-02 11:20:02 UTC: see https://letsencrypt.org/docs/rate-limits/" domains=["home.example.org"]'
  t.same(roots({ answered: withDefault, logs: saysTraefik(failures) }), ['acme-challenge-unreachable warning'])
  const orders = limit.replace(/too many certificates .* hours: home.example.org/, 'too many new orders (300) from this account in the last 3h0m0s')
  t.match(judged({ answered: withDefault, logs: saysTraefik(orders) }).findings, [{ id: 'letsencrypt-duplicate-limit', why: /300/ }])
  t.same(judged({ logs: saysTraefik(limit, challenge) }).findings, [])
  t.same(roots({ answered: withDefault, logs: saysTraefik(limit.replaceAll('home.example.org', 'b.test')) }), ['certresolver-missing warning'], 'of another host')
  t.end()
})

void t.test('a certificate that ends, or is another\'s', (t) => {
  t.same(roots({ answered: answers({ certificate: { ...byDefault, subject: 'home.example.org', validTo: '2023-08-05T00:00:00.000Z' } }) }), ['certificate-ending warning'])
  t.same(roots({ answered: answers({ certificate: { ...byDefault, subject: 'b.test', validTo: '2023-11-05T00:00:00.000Z' } }) }), ['certificate-other-name warning'])
  t.end()
})

void t.test('a certificate of a short life ends soon only once it should have been renewed', (t) => {
  // As seconds are cut off, and as step-ca begins a minute before.
  const told = (hours: number, left: number) => {
    const [from, to] = [left - hours, left].map((at) => new Date(now.getTime() + at * 3_600_000).toISOString())
    return judged({ answered: answers({ certificate: { subject: 'home.example.org', issuer: 'Home CA Intermediate', validFrom: from ?? '', validTo: to ?? '', names: ['home.example.org'] } }) }).findings
  }
  const calm: [hours: number, left: number][] = [[24, 17], [24, 5.5], [160, 100], [160, 5.8], [7 * 24, 23], [45 * 24, 9.4 * 24], [90 * 24, 29 * 24]]
  for (const [hours, left] of calm) t.same(told(hours, left), [], `${left} of ${hours} hours left`)
  const late: [hours: number, left: number, title: RegExp, why: RegExp][] = [
    [24, 2.5, /ends within 3 hours$/, /renews .* 6 hours before .*certificatesDuration/], [160, 2.5, /within 3 hours$/, /6 hours/], [7 * 24, 11, /within 12 hours$/, /24 hours/], [45 * 24, 4 * 24, /within 5 days$/, /10 days/],
    [8, 0.1, /within 10 minutes$/, /20 minutes/], [90 * 24 - 1 / 3600, 13 * 24, /within two weeks$/, /^Traefik renews 30 days before the end/], [24, -1, /has ended$/, /./],
  ]
  for (const [hours, left, title, why] of late) t.match(told(hours, left), [{ id: 'certificate-ending', severity: 'warning', title, why }], `${left} of ${hours} hours left`)
  t.end()
})

void t.test('of two Traefiks the one with the wanted resolver is meant, or one that may have it', (t) => {
  const other = (name: string, args: string[]) => { const one = traefik({ args }); return { ...one, metadata: { ...one.metadata, name } } }
  const inner = other('traefik-internal', ['--certificatesresolvers.internal.acme.storage=/data/acme.json'])
  t.same(judged({ system: [inner, traefik(), traefikPod()] }).findings, [])
  t.same(judged({ system: [inner, other('traefik', ['--configfile=/etc/traefik.yaml'])] }).findings, [], 'a file may have it')
  t.same(roots({ system: [inner] }), ['certresolver-missing warning'], 'alone it is the one that is meant')
  t.end()
})

void t.test('a Service that waits for a balancer is a fault only where nobody answers, and not of somebody else', (t) => {
  const balanced = { ...makeService({ type: 'LoadBalancer', selector: { app: 'traefik' } }), metadata: { name: 'traefik', namespace: 'traefik', creationTimestamp: '2023-08-02T09:00:00Z' } }
  const system = [traefik(), traefikPod(), balanced]
  t.same(roots({ system, answered: silent('timed out') }), ['loadbalancer-never-ready error'])
  t.same(roots({ system }), [])
  t.same(roots({ system: [traefik(), { ...makeService({ type: 'LoadBalancer', selector: { app: 'x' } }), metadata: balanced.metadata }], answered: silent('timed out') }), ['ingress-unproven warning'])
  const onNode = (spec: Record<string, unknown>) => ({ ...traefik(), spec: { replicas: 1, template: { metadata: { labels: { app: 'traefik' } }, spec: { containers: [{ name: 'traefik', image: 'traefik:v2.9.10' }], ...spec } } } })
  const listening = (spec: Record<string, unknown>) => roots({ system: [onNode(spec), traefikPod(), balanced], answered: silent('connect ETIMEDOUT 203.0.113.7:443') })
  t.same(listening({ hostNetwork: false }), ['loadbalancer-never-ready error'])
  t.same(listening({ hostNetwork: true }), ['ingress-unproven warning'], 'it listens at the node\'s own address, and needs no other')
  t.same(listening({ containers: [{ name: 'traefik', image: 'traefik:v2.9.10', ports: [{ containerPort: 8443, hostPort: 443 }] }] }), ['ingress-unproven warning'])
  t.end()
})
