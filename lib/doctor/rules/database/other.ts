/**
 * A DAG or a plugin may ask a database of its own, in the same words:
 *
 *   psycopg2.OperationalError: connection to server at "warehouse.example.org" (192.0.2.7), port 5432 failed: FATAL:  password authentication failed for user "etl"
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isFoundation } from '../../../observe/causes.ts'
import { variablesOf } from '../../../observe/template.ts'
import type { Complaint } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { hasBeatSince } from '../../health-page.ts'
import { destinationsOf } from '../network/destination.ts'
import { misled } from './connection.ts'

const naming = /connection to server at "([^"]+)"|(?:translate host name|resolve host) ["']([^"']+)["']/
const address = /^[\d.]+$|:/

/** Only where it is certain: Airflow's own connection leads to another host, and nothing here answers to this one's name for its database. */
export function isOfAnother({ pod, line }: Pick<Complaint, 'pod' | 'line'>, evidence: Evidence): boolean {
  const [, asked, unresolved] = naming.exec(line) ?? []
  const host = asked ?? unresolved
  const own = evidence.wanted?.database?.host
  if (host === undefined || own === undefined || host === own || misled(evidence).length > 0 || hasItsOwn(pod as Pod)) return false
  if (destinationsOf(line, evidence.pods, evidence)?.some(isFoundation) === true) return false
  // What a name stands for nobody knows here.
  if (address.test(host) || address.test(own)) return address.test(host) && address.test(own)
  const [name, space = evidence.namespace] = host.split('.')
  // A slip in the name of Airflow's own looks like this; but not where it has a Service.
  const isHere = space === evidence.namespace
  return name !== own.split('.')[0] && (!isHere || (evidence.services ?? []).some(({ metadata }) => metadata.name === name))
}

/** What it said before its present run is over: the program has written into the database since that began. Of several the page tells the newest. */
export function isOver({ pod, container, runSince }: Complaint, evidence: Evidence): boolean {
  const startedAt = (pod as Pod).status?.containerStatuses?.find(({ name }) => name === container)?.state?.running?.startedAt
  const isAlone = !evidence.pods.some((other) => other !== pod && (other as Pod).status?.containerStatuses?.some(({ name, state }) => name === container && state?.running !== undefined))
  return isAlone && startedAt != null && runSince !== undefined && Date.parse(runSince) < Date.parse(startedAt) && hasBeatSince(container, Date.parse(startedAt), evidence)
}

/** Given a connection beside the Secrets, which may lead anywhere. */
function hasItsOwn({ spec }: Pod): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some((container) => variablesOf(container).some(({ name, valueFrom }) => name.includes('SQL_ALCHEMY_CONN') && valueFrom === undefined))
}
