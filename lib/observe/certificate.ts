import type { HttpsAnswer, NonEmpty } from '../access.ts'
import type { Finding } from '../step.ts'
import { traefikLogs } from './pod-logs.ts'

const soonMs = 14 * 86_400_000

/** The certificate that was served for the host; a wrong one does not stop Airflow, so it warns. */
export function judgeCertificate(host: string, certificate: HttpsAnswer['certificate'], now: Date): Finding[] {
  if (certificate === undefined) return []
  if (certificate.subject === 'TRAEFIK DEFAULT CERT') return [byDefault(host)]
  const left = Date.parse(certificate.validTo) - now.getTime()
  if (left < soonMs) return [ending(certificate.validTo, left)]
  return covers([...certificate.names, certificate.subject], host) ? [] : [otherName(host, certificate)]
}

type Certificate = NonNullable<HttpsAnswer['certificate']>

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

function ending(validTo: string, left: number): Finding {
  return warning('certificate-ending', left < 0 ? 'The certificate has ended' : 'The certificate ends within two weeks', [`valid until ${validTo}`],
    'Traefik renews 30 days before the end; this one was not renewed.', [traefikLogs()])
}

function otherName(host: string, { subject, names }: Certificate): Finding {
  return warning('certificate-other-name', `The certificate is not for ${host}`, [`it is for ${[...new Set([subject, ...names])].join(', ')}`],
    'Browsers refuse a certificate for another name.', [`Check ingress.host and the domains of the certificate resolver.`])
}
