/**
 * A page that a person cannot open while the health page is well, which needs no user, no session and no plugin:
 *
 *   [2023-08-02T10:20:00.000+0000] {app.py:1744} ERROR - Exception on / [GET]
 *   Traceback (most recent call last):
 *   sqlalchemy.exc.ProgrammingError: (psycopg2.errors.UndefinedTable) relation "ab_permission" does not exist
 */
import { servesWeb } from '../../../airflow/families.ts'
import { nameOf } from '../../../observe/observation.ts'
import { lasting } from '../../../observe/owners.ts'
import type { Finding } from '../../../step.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { wayOf } from '../ingress/way.ts'

export function failingPage(evidence: Evidence): Finding[] {
  const { answered, pods, namespace } = evidence
  const way = wayOf(evidence)
  const [web] = lasting(pods).filter(({ metadata }) => servesWeb(metadata.labels?.component ?? ''))
  // Traefik says 502 and 503 itself, and those of a webserver that is about to end are over soon.
  if (way?.works !== true || web === undefined || answered === undefined || !('answer' in answered) || answered.page?.status !== 500) return []
  return [wrong('web-page-failing', {
    title: 'Airflow\'s page answers with an error of its own, though its health page is well',
    evidence: [`https://${way.wanted.host}${way.wanted.path}/ answers 500`, ...exceptionsOf(evidence).map((line) => `${nameOf(web)}: ${line}`)],
    why: 'The health page needs no user, no session and no plugin, and the page does: its log says what failed.',
    fix: [`kubectl -n ${namespace} logs deployment/${way.wanted.service} --tail=200 | grep -A40 'Exception on' | tail -45 # the last line of the traceback says what`, 'npx tsx run.ts apply --from helm # once that is put right in airflow.values'],
  })]
}

const begins = /Exception on \S+ \[/
/** How Python ends a traceback: `jinja2.exceptions.TemplateNotFound: x.html` */
const exception = /^(?:\w+\.)+\w+: .|^\w+(?:Error|Exception): ./

/** Each kind once, newest last. */
function exceptionsOf({ logs }: Evidence): string[] {
  const said = logs.filter(({ container }) => servesWeb(container)).flatMap(({ lines }) => {
    const first = lines.findIndex((line) => begins.test(line))
    return first < 0 ? [] : lines.slice(first).filter((line) => exception.test(line))
  })
  return [...new Set(said)].slice(-2)
}
