import t from 'tap'
import { answers, byDefault, judged, roots, saysTraefik } from './way.ts'

const withDefault = answers({ certificate: byDefault })
// Traefik 2 with lego 4: pkg/provider/acme/provider.go, and the words of the CA or of the DNS provider.
const line = (reason: string, host = 'home.example.org') => `time="2023-08-02T10:20:00Z" level=error msg="Unable to obtain ACME certificate for domains \\"${host}\\": ${reason}" providerName=letsencrypt.acme ACME CA="https://acme-v02.api.letsencrypt.org/directory" routerName=airflow-airflow-webserver-6b204d94623b3df4370c@kubernetescrd`
const zone = 'unable to generate a certificate for the domains [home.example.org]: error: one or more domains had a problem:\\n[home.example.org] [home.example.org] acme: error presenting token: cloudflare: failed to find zone example.org.: Invalid request headers (6003)\\n'
const caa = 'unable to generate a certificate for the domains [home.example.org]: error: one or more domains had a problem:\\n[home.example.org] acme: error: 403 :: urn:ietf:params:acme:error:caa :: CAA record for home.example.org prevents issuance'
const connection = 'unable to generate a certificate: acme: error: 400 :: urn:ietf:params:acme:error:connection :: 203.0.113.7: Timeout during connect (likely firewall problem)'

void t.test('a certificate that could not be had is told with the words of who refused it', (t) => {
  const restart = /kubectl -n traefik rollout restart deployment\/traefik #/
  const reasons: [string, RegExp, RegExp][] = [
    [zone, /told: cloudflare: failed to find zone example\.org\.: Invalid request headers \(6003\)$/, /token .*may edit the zone/],
    ['cannot get ACME client acme: error: 400 :: POST :: https://acme-v02.api.letsencrypt.org/acme/new-acct :: urn:ietf:params:acme:error:invalidContact :: Error validating contact(s) :: contact email has forbidden domain \\"example.org\\"', /told: Error validating contact\(s\) :: contact email has forbidden domain "example\.org"$/, /certificatesresolvers\.letsencrypt\.acme\.email=/],
    [caa, /told: CAA record for home\.example\.org prevents issuance$/, /CAA 0 issue "letsencrypt\.org"/],
    ['cannot get ACME client get directory at \'https://acme-v02.api.letsencrypt.org/directory\': Get \\"https://acme-v02.api.letsencrypt.org/directory\\": dial tcp: lookup acme-v02.api.letsencrypt.org on 10.96.0.10:53: read udp 10.244.0.3:40000->10.96.0.10:53: i/o timeout', /told: get directory at 'https:.* i\/o timeout$/, /pods out to the CA/],
    ['something new', /told: something new$/, restart],
  ]
  for (const [reason, why, fix] of reasons) {
    const { findings } = judged({ answered: withDefault, logs: saysTraefik(line(reason), line(caa.replaceAll('home.example.org', 'b.test'), 'b.test')) })
    t.match(findings, [{ id: 'certresolver-missing', severity: 'warning', title: 'The certificate for home.example.org could not be had', why, fix: [fix] }], reason)
    t.match(findings[0]?.evidence.at(-1), /^Traefik's log: .*Unable to obtain ACME certificate for domains/)
    t.match(findings[0]?.fix.join('\n'), restart)
    t.equal(findings.length, 1)
  }
  const newer = 'ERR Unable to obtain ACME certificate for domains error="unable to generate a certificate for the domains [home.example.org]: no such thing" domains=["home.example.org"]'
  t.match(judged({ answered: withDefault, logs: saysTraefik(newer) }).findings, [{ why: /told: unable to generate a certificate for the domains \[home\.example\.org\]: no such thing$/ }], 'Traefik 3')
  t.end()
})

void t.test('of several refusals the newest counts, and none while a good certificate is served', (t) => {
  t.same(roots({ answered: withDefault, logs: saysTraefik(line(caa), line(connection)) }), ['acme-challenge-unreachable warning'])
  t.match(judged({ answered: withDefault, logs: saysTraefik(line(connection), line(caa)) }).findings, [{ title: /could not be had$/, why: /CAA/ }])
  t.same(judged({ logs: saysTraefik(line(caa)) }).findings, [])
  t.match(judged({ answered: withDefault, logs: saysTraefik(line(caa.replaceAll('home.example.org', 'b.test'), 'b.test')) }).findings, [{ title: /serves its default certificate/ }], 'of another host')
  t.end()
})

void t.test('a certificate that ends because its renewal is refused is told with the refusal', (t) => {
  const ending = answers({ certificate: { ...byDefault, subject: 'home.example.org', validTo: '2023-08-05T00:00:00.000Z' } })
  const renewal = (host: string, reason = caa) => `time="2023-08-02T10:20:00Z" level=error msg="Error renewing certificate from LE: {${host} []}, ${reason}" providerName=letsencrypt.acme ACME CA="https://acme-v02.api.letsencrypt.org/directory"`
  const newer = 'ERR Error renewing certificate from LE: {home.example.org []} error="something new" providerName=letsencrypt.acme'
  const found = (...lines: string[]) => judged({ answered: ending, logs: saysTraefik(...lines) }).findings
  t.match(found(renewal('home.example.org')), [{ id: 'certresolver-missing', severity: 'warning', title: /could not be renewed$/, why: /told: CAA record/, fix: [/CAA 0 issue/] }, { id: 'certificate-ending', causes: [{ id: 'certresolver-missing' }] }])
  t.match(found(newer), [{ why: /told: something new$/ }, { id: 'certificate-ending' }], 'Traefik 3')
  t.match(found(renewal('home.example.org', 'odd words')), [{ why: /told: odd words$/ }, {}])
  const slow = 'error: one or more domains had a problem:\\n[home.example.org] time limit exceeded: last error: NS ns1.example.org. did not return the expected TXT record [fqdn: _acme-challenge.home.example.org., value: x]: '
  t.match(found(renewal('home.example.org', slow)), [{ why: /told: time limit exceeded: last error: NS ns1/, fix: [/delayBeforeCheck/] }, {}])
  t.match(found(renewal('*.example.org')), [{ title: /could not be renewed$/ }, {}], 'one for all names of the domain')
  t.same(found(renewal('cloud.home.example.org')).map(({ id }) => id), ['certificate-ending'], 'one whose name only ends so')
  t.match(found(renewal('home.example.org', connection)), [{ id: 'acme-challenge-unreachable' }, { id: 'certificate-ending' }])
  t.same(found(renewal('b.test', caa.replaceAll('home.example.org', 'b.test'))).map(({ id }) => id), ['certificate-ending'], 'of another host')
  t.same(judged({ logs: saysTraefik(renewal('home.example.org')) }).findings, [], 'nor while a good one is served')
  t.end()
})
