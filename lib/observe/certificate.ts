import type { HttpsAnswer, NonEmpty } from '../access.ts'
import type { Finding } from '../step.ts'
import { traefikLogs } from './pod-logs.ts'

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000]
const soonMs = 14 * dayMs

/**
 * How long before the end Traefik renews one of at least that life, where its resolver knows the life (getCertificateRenewDurations
 * in pkg/provider/acme/provider.go; since then earlier with six days). Others renew when a third of it is left, which is sooner.
 */
const renewals: readonly [lifeMs: number, beforeMs: number][] = [[90 * dayMs, 30 * dayMs], [30 * dayMs, 10 * dayMs], [7 * dayMs, dayMs], [dayMs, 6 * hourMs], [0, 20 * minuteMs]]

/** The certificate that was served for the host; a wrong one does not stop Airflow, so it warns. */
export function judgeCertificate(host: string, certificate: HttpsAnswer['certificate'], now: Date): Finding[] {
  if (certificate === undefined) return []
  if (certificate.subject === 'TRAEFIK DEFAULT CERT') return [byDefault(host)]
  const left = Date.parse(certificate.validTo) - now.getTime()
  const beforeMs = renewedBefore(certificate)
  if (left < endsSoon(beforeMs)) return [ending(certificate.validTo, left, beforeMs)]
  return covers([...certificate.names, certificate.subject], host) ? [] : [otherName(host, certificate)]
}

type Certificate = NonNullable<HttpsAnswer['certificate']>

/** One of 90 days may lack its last second. Bundles of before do not say when it began. */
function renewedBefore({ validFrom, validTo }: Certificate): number {
  const lifeMs = validFrom === undefined ? Infinity : Date.parse(validTo) - Date.parse(validFrom) + minuteMs
  return (renewals.find(([least]) => lifeMs >= least) ?? [0, 30 * dayMs])[1]
}

/** Once half of the time is over in which it should have been renewed. */
function endsSoon(beforeMs: number): number {
  return Math.min(soonMs, beforeMs / 2)
}

export function covers(names: readonly string[], host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return names.some((name) => name === host || name === `*.${parent}`)
}

function warning(id: string, title: string, evidence: string[], why: string, fix: NonEmpty<string>): Finding {
  return { id, severity: 'warning', title, evidence, why, fix }
}

function byDefault(host: string): Finding {
  return warning('certresolver-missing', `Traefik serves its default certificate for ${host}`, ['certificate TRAEFIK DEFAULT CERT'],
    'The certificate is not issued yet, or the resolver is not known to Traefik, or the ACME challenge failed.',
    [`Wait a minute and run again; then look for the resolver's name in Traefik's log: ${traefikLogs()}`])
}

function ending(validTo: string, left: number, beforeMs: number): Finding {
  const soon = endsSoon(beforeMs)
  const isUsual = soon === soonMs
  return warning('certificate-ending', left < 0 ? 'The certificate has ended' : `The certificate ends within ${isUsual ? 'two weeks' : inWords(soon)}`, [`valid until ${validTo}`],
    isUsual ? 'Traefik renews 30 days before the end; this one was not renewed.' : `Traefik renews one of so short a life ${inWords(beforeMs)} before the end, where its resolver is told of it by acme.certificatesDuration; this one was not renewed.`,
    [traefikLogs()])
}

/** `5 days`, `12 hours`, `10 minutes` */
function inWords(ms: number): string {
  const [unit, name] = ms >= 2 * dayMs ? [dayMs, 'days'] as const : ms >= hourMs ? [hourMs, 'hours'] as const : [minuteMs, 'minutes'] as const
  return `${ms / unit} ${name}`
}

function otherName(host: string, { subject, names }: Certificate): Finding {
  return warning('certificate-other-name', `The certificate is not for ${host}`, [`it is for ${[...new Set([subject, ...names])].join(', ')}`],
    'Browsers refuse a certificate for another name.', [`Check ingress.host and the domains of the certificate resolver.`])
}
