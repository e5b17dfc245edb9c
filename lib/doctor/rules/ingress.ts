/** The way in: Traefik, the route, the prefix and the certificate. */
import type { FaultId } from '../../observe/faults.ts'
import type { Finding } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import type { Explains, Rule } from '../rule.ts'
import { certificates, issuing } from './ingress/certificate.ts'
import { linksOut, prefixTwice, probePath, trailingSlash } from './ingress/prefix.ts'
import { notLoaded, routeMissing, takenAway } from './ingress/route.ts'
import { groupMismatch, loadBalancer, namesTaken, traefikMissing, traefikNotRunning, unproven } from './ingress/traefik.ts'

export const ingressRules: readonly Rule[] = [
  traefikMissing, namesTaken, traefikNotRunning, groupMismatch, routeMissing, notLoaded, takenAway,
  probePath, prefixTwice, trailingSlash, linksOut, issuing, certificates, loadBalancer, unproven,
]

const withoutKinds: readonly FaultId[] = ['traefik-not-running', 'route-missing', 'traefik-404-route-not-loaded', 'certresolver-missing', 'ingress-unproven']

/** Another container's probe is its own affair. */
function ofOnePod(symptom: Finding, { pods }: Evidence, cause: Finding): boolean {
  const speaks = ({ evidence }: Finding, name: string): boolean => evidence.some((line) => line.includes(name))
  return pods.some(({ metadata }) => speaks(symptom, metadata.name) && speaks(cause, metadata.name))
}

export const ingressExplains: Explains = {
  'host-unresolved': ['ingress-unproven'],
  'traefik-missing': withoutKinds,
  // A chart's own explains nothing of Traefik.
  'crd-names-conflict': (['traefik-missing', ...withoutKinds] as const).map((id) => ({ id, when: (_, __, { title }) => title.includes('traefik') })),
  'traefik-not-running': ['certresolver-missing', 'loadbalancer-never-ready', 'ingress-unproven'],
  'traefik-crd-group-mismatch': ['route-missing', 'traefik-404-route-not-loaded', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'],
  'route-missing': ['traefik-404-route-not-loaded', 'prefix-handled-twice', 'certresolver-missing', 'certificate-other-name', 'ingress-unproven'],
  'traefik-404-route-not-loaded': ['certresolver-missing', 'certificate-other-name', 'ingress-unproven'],
  'probe-path-mismatch': ['prefix-handled-twice', { id: 'webserver-oom-or-slow-start', when: ofOnePod }, { id: 'readiness-probe-failing', when: ofOnePod }, 'not-ready-unexplained'],
  // Of a webserver that refuses its base_url nothing else can be said.
  'prefix-handled-twice': [{ id: 'crash-loop', when: ({ evidence }) => evidence.some((line) => /container (?:airflow-)?(?:web|webserver|api-server)\b/.test(line)) }, 'ingress-unproven'],
  // What is served instead may be for another name.
  'letsencrypt-duplicate-limit': ['certresolver-missing', 'certificate-ending', 'certificate-other-name'],
  'acme-challenge-unreachable': ['certresolver-missing', 'certificate-ending', 'certificate-other-name'],
  'certresolver-missing': ['certificate-ending', 'certificate-other-name'],
  'loadbalancer-never-ready': ['ingress-unproven'],
}
