/**
 * A page that a person cannot open while the health page is well, which needs no user, no session and no plugin. In
 * turn: Flask's own words, gunicorn's of what fails outside it, and those of Airflow 3's server.
 *
 *   [2023-08-02T10:20:00.000+0000] {app.py:1744} ERROR - Exception on / [GET]
 *   [2023-10-19 22:57:46 +0000] [52] [ERROR] Error handling request /
 *   ERROR:    Exception in ASGI application
 *   Traceback (most recent call last):
 *   sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "session" does not exist
 */
import { servesWeb } from '../../../airflow/families.ts'
import { parsedJson } from '../../../json.ts'
import { targetOf } from '../../../observe/owners.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { wayOf } from '../ingress/way.ts'
import { logLines, settledPods, standsFirm } from './statuses.ts'

/** Its health page answers, so it has loaded; what it makes at its start, roles for one, has a moment more. */
const pageMs = 30_000

export function failingPage(evidence: Evidence): Finding[] {
  const { answered, namespace, record } = evidence
  const way = wayOf(evidence)
  if (way?.works !== true || answered === undefined || !('answer' in answered) || answered.page?.status !== 500) return []
  const { metadatabase } = (parsedJson(answered.answer.body) ?? {}) as { metadatabase?: { status?: string } }
  const [web] = settledPods(evidence, (pod) => servesWeb(pod.metadata.labels?.component ?? ''), pageMs) ?? []
  // While the schema changes, or the database comes back, a page may fail that works a moment later.
  if (web === undefined || metadatabase?.status !== 'healthy' || record?.status !== 'deployed' || !standsFirm(evidence)) return []
  const target = targetOf(web) ?? `pod/${web.metadata.name}`
  return [wrong('web-page-failing', {
    title: 'Airflow\'s page answers with an error of its own, though its health page is well',
    evidence: [`https://${way.wanted.host}${way.wanted.path}/ answers 500`, ...logLines({ ...evidence, logs: evidence.logs.filter(({ previous }) => !previous) }, exception, ofTheWeb).map((line) => line.evidence)],
    why: 'The health page needs no user, no session and no plugin, and the page does: the exception in its log says what failed.',
    fix: [`kubectl -n ${namespace} logs ${target} --tail=500 | grep -E '${exceptions}' | tail -3 # what failed, newest last; then put that right in airflow.values, and: npx tsx run.ts apply --from helm`],
  })]
}

const ofTheWeb = /^(?:airflow-)?(?:web|webserver|api-server)$/

/** How Python ends a traceback, Airflow 3's server with a bar before it. */
const exceptions = '^[ |]*([A-Za-z0-9_]+\\.)*[A-Za-z_]*(Error|Exception|NotFound): '
const exception = new RegExp(exceptions)
