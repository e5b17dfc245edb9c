/** The certificate, and what Traefik says of how it is got. Warnings: Airflow works with a wrong one, but browsers refuse it. */
import { covers, judgeCertificate } from '../../../observe/certificate.ts'
import { ageMs } from '../../../observe/observation.ts'
import type { NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { doubtful } from '../../rule.ts'
import { isUnknownResolver } from './route.ts'
import { complaintsOf, hasReadyAddress, isTraefiks404, logCommand, specOf, wayOf, type Way } from './way.ts'

/** Traefik needs a moment to get one. */
const issueMs = 120_000

export function certificates(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way?.answer === undefined || way.route === undefined) return []
  const unknown = isUnknownResolver(way)
  // Where Traefik has no pod to lead to it makes no router, and has no certificate for it either.
  if (!unknown && isTraefiks404(way.answer) && !hasReadyAddress(way.wanted.service, evidence)) return []
  if (!unknown && ageMs(way.route.metadata.creationTimestamp, new Date(evidence.at)) < issueMs) return []
  const judged = judgeCertificate(way.wanted.host, way.answer.certificate, new Date(evidence.at))
  const byDefault = judged.some(({ id }) => id === 'certresolver-missing')
  if (!unknown && !byDefault) return [...judged, ...(judged.some(({ id }) => id === 'certificate-ending') ? notRenewed(way, evidence) : [])]
  return [...judged.filter(({ id }) => id !== 'certresolver-missing'), noResolver(way, evidence, byDefault)]
}

/**
 * Traefik 2: level=error msg="the router airflow-airflow-webserver-…@kubernetescrd uses a non-existent resolver: nope"
 * Traefik 3: ERR Router uses a nonexistent certificate resolver certificateResolver=nope routerName=…
 * Both: The ACME resolver "letsencrypt" is skipped from the resolvers list because: unable to get ACME account:
 *       permissions 660 for /data/acme.json are too open, please use 600 (catalogue, entry 42; Traefik's own source)
 */
const nonexistent = /uses a non-?existent (certificate )?resolver/i
const tooOpen = /permissions (\d+) for (\S+) are too open/i
const noAccount = /unable to get ACME account/i

/** Of a certificate that is there Traefik only logs that it was refused another, once a day. */
function notRenewed(way: Way, evidence: Evidence): Finding[] {
  const refused = requestsOf(way, evidence).findLast((line) => unobtained.test(line))
  if (refused === undefined || isKnown(refused)) return []
  return [{ ...notHad(way, resolverOf(way), refused, []), title: `The certificate for ${way.wanted.host} could not be renewed` }]
}

/** That the live route asks for. */
function resolverOf({ route, wanted }: Way): string {
  return (route === undefined ? undefined : specOf(route).tls?.certResolver) ?? wanted.certResolver
}

function noResolver(way: Way, evidence: Evidence, byDefault: boolean): Finding {
  const { wanted, traefik } = way
  const asked = resolverOf(way)
  const said = complaintsOf(way, evidence).filter((line) => tooOpen.test(line) || noAccount.test(line) || (nonexistent.test(line) && line.includes(asked)))
  const [, mode, file] = said.map((line) => tooOpen.exec(line)).find((found) => found !== null) ?? []
  const served = byDefault ? [`https://${wanted.host} is served with TRAEFIK DEFAULT CERT`] : []
  const edited = asked === wanted.certResolver ? [] : [`the route asks for the resolver ${asked}; airstrip writes ${wanted.certResolver}`]
  const known = traefik.resolvers.length === 0 ? [] : [`${traefik.workload ?? 'Traefik'} has the resolvers ${traefik.resolvers.join(', ')}`]
  const text = { evidence: [...served, ...edited, ...known, ...[...new Set(said)].slice(-3).map((line) => `Traefik's log: ${line}`)] }
  if (file !== undefined) {
    const { target, space } = traefikOf(way)
    return doubtful('certresolver-missing', {
      ...text,
      title: `Traefik dropped its certificate resolvers: ${file} has mode ${mode ?? ''}`,
      why: 'Traefik refuses an acme.json that others can read, and starts without the resolver; volumes with a group often widen it.',
      fix: [`kubectl -n ${space} exec ${target} -- chmod 600 ${file}`, `kubectl -n ${space} rollout restart ${target} # and an init container that does the same keeps it so`],
    })
  }
  const unknown = isUnknownResolver(way)
  const refused = unknown ? undefined : requestsOf(way, evidence).findLast((line) => unobtained.test(line))
  if (refused !== undefined && !isKnown(refused)) return notHad(way, asked, refused, text.evidence)
  return doubtful('certresolver-missing', {
    ...text,
    title: unknown ? `Traefik has no certificate resolver "${asked}"` : `Traefik serves its default certificate for ${wanted.host}`,
    why: unknown ? 'A route that names an unknown resolver is served with TRAEFIK DEFAULT CERT.' : 'The certificate was not issued, or the resolver is not known to Traefik; its log says which.',
    fix: fixOf(asked, way, unknown),
  })
}

/** Its workload and namespace, for the commands of a fix. */
function traefikOf({ workload }: Way): { target: string; space: string } {
  return { target: `${workload?.kind.toLowerCase() ?? 'deployment'}/${workload?.metadata.name ?? 'traefik'}`, space: workload?.metadata.namespace ?? 'traefik' }
}

/**
 * Unable to obtain ACME certificate for domains \"home.example.org\": … [home.example.org] acme: error: 403 :: urn:ietf:params:acme:error:caa :: CAA record for home.example.org prevents issuance
 * … acme: error presenting token: cloudflare: failed to find zone example.org.: Invalid request headers (6003)
 * … cannot get ACME client get directory at 'https://acme-v02.api.letsencrypt.org/directory': Get \"https:…\": dial tcp: … i/o timeout
 *
 * And of one that it has: Error renewing certificate from LE: {home.example.org []}, acme: error: 403 :: …; since 3.0: …{home.example.org []} error="…"
 */
const unobtained = /Unable to obtain ACME certificate for domains|Error renewing certificate from LE/i
/** From the words that say most to those that only come last. */
const lead = [/acme:error:\w+ :: /, /error presenting token: /, /had a problem:(?:\\n|\s)*(?:\[[^\]]*\] )+/, /cannot get ACME client /, /error="/, /for domains [^:]*: /, /from LE: \{[^}]*\}, /].map(({ source }) => new RegExp(`${source}((?:[^"\\\\]|\\\\")+)`))

/** By what the line says: what is to be put right before Traefik asks again, which it does when it starts. */
const remedies: readonly [text: RegExp, remedy: (host: string, resolver: string) => string][] = [
  [/error presenting token/i, () => 'once the token that its dnsChallenge has is right and may edit the zone'],
  [/expected TXT record|time limit exceeded/i, () => 'once its TXT record is seen by others: a delay (acme.dnsChallenge.delayBeforeCheck) or other resolvers among the arguments of its dnsChallenge help where the DNS is slow'],
  [/acme:error:invalidContact/i, (_, resolver) => `once its arguments have --certificatesresolvers.${resolver}.acme.email= with an address of yours`],
  [/acme:error:caa/i, (host) => `once the DNS has for ${host}, or the domain above it: CAA 0 issue "letsencrypt.org"`],
  [/get directory|i\/o timeout|no such host/i, () => 'once the cluster\'s DNS and the firewall let its pods out to the CA'],
]

function notHad(way: Way, resolver: string, line: string, evidence: readonly string[]): Finding {
  const { host } = way.wanted
  const { target, space } = traefikOf(way)
  const said = lead.map((words) => words.exec(line)?.[1]).find((one) => one !== undefined) ?? line
  const [, remedy = () => 'once that is put right'] = remedies.find(([text]) => text.test(line)) ?? []
  return doubtful('certresolver-missing', {
    title: `The certificate for ${host} could not be had`,
    evidence: [...evidence, `Traefik's log: ${line.slice(0, 600)}`],
    why: `Traefik asked for it and was told: ${said.replaceAll('\\"', '"').trim().slice(0, 300)}`,
    fix: [`kubectl -n ${space} rollout restart ${target} # ${remedy(host, resolver)}`],
  })
}

function fixOf(asked: string, way: Way, unknown: boolean): NonEmpty<string> {
  const { wanted, traefik } = way
  const again = 'npx tsx run.ts apply --only ingress'
  if (asked !== wanted.certResolver) return [again]
  if (unknown) return [`Write ingress.certResolver: ${traefik.resolvers[0] ?? ''} in the configuration, then: ${again}`, `Or give Traefik --certificatesresolvers.${asked}.acme.… among its arguments`]
  return [`${logCommand(way)} # look for "acme" and "resolver"`]
}

const limited = /acme:error:rateLimited|too many certificates/i
/** Five challenges that failed within an hour, which is the challenge's fault and no want of patience. */
const failedOften = /too many failed authorizations/i
const unreachable = /acme:error:(connection|dns|unauthorized)|Timeout during connect|Error getting validation data|NXDOMAIN/i

function isKnown(line: string): boolean {
  return limited.test(line) || unreachable.test(line)
}

/** Whom a certificate is for: `for domains \"a.org,b.org\":`, `domains=["a.org"]`, `from LE: {a.org [b.org]}` */
const asksFor = [/for domains \\?"([^"\\]+)/i, /\bdomains=\[([^\]]+)\]/, /from LE: \{([^}]+)\}/]

/** What is of other hosts is no matter of this one. */
function requestsOf(way: Way, evidence: Evidence): string[] {
  return complaintsOf(way, evidence).filter((line) => {
    const names = asksFor.map((text) => text.exec(line)?.[1]).find((one) => one !== undefined)?.split(/[\s,"\\[\]]+/)
    return names === undefined || covers(names, way.wanted.host)
  })
}

/** Only while there is something wrong with the certificate: an old line of the log is no fault. */
export function issuing(evidence: Evidence): Finding[] {
  const way = wayOf(evidence)
  if (way?.answer === undefined) return []
  const bad = judgeCertificate(way.wanted.host, way.answer.certificate, new Date(evidence.at))
  if (bad.length === 0) return []
  const last = requestsOf(way, evidence).findLast((line) => isKnown(line) || unobtained.test(line))
  if (last === undefined || !isKnown(last)) return []
  return [limited.test(last) && !failedOften.test(last) ? limit(way, last) : challenge(way, last)]
}

function limit({ wanted }: Way, line: string): Finding {
  const until = /retry[- ]after:? "?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?( ?UTC|Z)?)/i.exec(line)?.[1]
  return doubtful('letsencrypt-duplicate-limit', {
    title: `Let's Encrypt gives no more certificates for ${wanted.host} for now${until === undefined ? '' : `: retry after ${until}`}`,
    evidence: [`Traefik's log: ${line.slice(0, 600)}`],
    why: /too many new orders/i.test(line) ? 'One account may order 300 certificates in three hours: something asks anew at each restart.' : 'Five certificates for the same set of names are issued in seven days, and another only every 34 hours; a Traefik without a lasting acme.json asks anew at each restart.',
    fix: [until === undefined ? 'Wait until the limit has passed; asking again does not help' : `Wait until ${until}; asking again does not help`, 'Keep acme.json on a volume, and test with --certificatesresolvers.NAME.acme.caserver=https://acme-staging-v02.api.letsencrypt.org/directory'],
  })
}

function challenge({ wanted }: Way, line: string): Finding {
  const dns = /acme:error:dns|NXDOMAIN/i.test(line)
  return doubtful('acme-challenge-unreachable', {
    title: dns ? `The certificate authority finds no address for ${wanted.host}` : `The certificate authority cannot reach Traefik at ${wanted.host}`,
    evidence: [`Traefik's log: ${line.slice(0, 600)}`],
    why: 'It asks the public address of the host on port 80 or 443 before it issues a certificate.',
    fix: [dns ? `nslookup ${wanted.host} 1.1.1.1 # and point the name at your line` : 'Forward ports 80 and 443 of the router to the node of Traefik, or use a dnsChallenge', `curl -sI http://${wanted.host}/.well-known/acme-challenge/x # from outside; a 404 of Traefik is right`],
  })
}
