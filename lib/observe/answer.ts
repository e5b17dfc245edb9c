import type { HttpsAnswer } from '../access.ts'
import type { Finding, Look } from '../step.ts'
import { judgeCertificate } from './certificate.ts'
import { traefikLogs } from './pod-logs.ts'

/** Of an answer that did not come in time, where the connection was made and the request sent. */
export const tookTheRequest = 'took the request'
/** Where it was made, and nothing was said on it. */
export const tookTheConnection = 'took the connection'

export interface Question {
  host: string
  path: string
  prefix: 'strip' | 'mount'
  namespace: string
  /** The name of the route and its Middleware. */
  route: string
  healthPath: string
}

export function healthUrl({ host, path, healthPath }: Pick<Question, 'host' | 'path' | 'healthPath'>): string {
  return `https://${host}${path}${healthPath}`
}

/** A new route or certificate needs a moment in Traefik, and an old webserver pod its time to go. */
const settleMs = 45_000

/** What the answer of Airflow's health page says of route, prefix and webserver. */
export function judgeAnswer(question: Question, answer: HttpsAnswer, now: Date): Look {
  const url = healthUrl(question)
  const on: [{ object: string; reason: string }] = [{ object: url, reason: `answers ${answer.status}: ${firstLine(answer.body)}` }]
  if (answer.body.startsWith('Apache Airflow is not at this location')) return { state: 'failed', findings: [handledTwice(question, answer)], settleMs, on }
  if (answer.status === 404 && answer.body.trim() === '404 page not found') return { state: 'failed', findings: [notLoaded(question, answer)], settleMs, on }
  if (answer.status !== 200) return { state: 'waiting', on }
  return {
    state: 'done',
    evidence: [`${url} answers 200`, certificateOf(answer)],
    warnings: judgeCertificate(question.host, answer.certificate, now),
  }
}

/** Where Airflow sends a person who opens the page: it must not lead out of the prefix. */
export function judgeRedirect({ host, path }: Pick<Question, 'host' | 'path'>, answer: HttpsAnswer): Finding[] {
  const location = answer.headers.location
  if (location === undefined || answer.status < 300 || answer.status >= 400) return []
  const target = new URL(location, `https://${host}${path}/`)
  if (target.protocol === 'https:' && target.host === host && (target.pathname === path || target.pathname.startsWith(`${path}/`))) return []
  return [{
    id: 'prefix-handled-twice',
    severity: 'warning',
    title: `Airflow's links lead out of ${path}`,
    evidence: [`https://${host}${path}/ redirects to ${location}`],
    why: 'The webserver does not know the prefix under which it is reached.',
    fix: ['Remove config.webserver.base_url and enable_proxy_fix from airflow.values, so that airstrip\'s own hold.'],
  }]
}

function handledTwice({ prefix, route, namespace }: Question, answer: HttpsAnswer): Finding {
  return {
    id: 'prefix-handled-twice',
    severity: 'error',
    title: 'The prefix is handled twice, or not at all',
    evidence: [`${answer.status}: ${firstLine(answer.body)}`, `ingress.prefix: ${prefix}`],
    why: 'Airflow is mounted under another path than the one that reaches it.',
    fix: [`Remove config.webserver.base_url from airflow.values and run again.`, `kubectl -n ${namespace} get ingressroute,middleware ${route} -o yaml`],
  }
}

function notLoaded({ route, namespace }: Question, answer: HttpsAnswer): Finding {
  return {
    id: 'traefik-404-route-not-loaded',
    severity: 'error',
    title: 'Traefik answers, but has not loaded the route',
    evidence: [`${answer.status}: ${firstLine(answer.body)}`],
    why: 'One bad reference (entry point, middleware, service) makes Traefik drop the whole route, and its log says which.',
    fix: [`kubectl -n ${namespace} describe ingressroute ${route}`, traefikLogs(50)],
  }
}

function certificateOf({ certificate }: HttpsAnswer): string {
  if (certificate === undefined) return 'no certificate was shown'
  return `certificate ${certificate.subject}, from ${certificate.issuer}, until ${certificate.validTo.slice(0, 10)}`
}

function firstLine(body: string): string {
  return (body.trim().split('\n')[0] ?? '').slice(0, 100)
}
