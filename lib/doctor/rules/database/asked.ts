/**
 * What is said of Airflow's database by those who ask it. The image's entrypoint asks it up to twenty times before it
 * says anything (`airflow db check`, each try with seconds of Python), and prints dots alone; until then the database's
 * own log tells whom it turns away, and of who runs on the kubelet's probes:
 *
 *   2023-08-02 10:29:40.123 GMT [99] FATAL:  role "airflow" is not permitted to log in
 *   Warning Unhealthy: Liveness probe failed: … port 5432 failed: FATAL:  role "airflow" is not permitted to log in
 */
import type { ContainerStatus, Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { needsDatabase } from '../../../observe/causes.ts'
import { eventsAbout, firstTimeOf, timeOf, timesOf } from '../../../observe/events.ts'
import { ageMs, isReady, pastMs, writtenAt } from '../../../observe/observation.ts'
import { isAtWork, isTask } from '../../../observe/owners.ts'
import { type Complaint, complaints, isUnread, isWordless, logOf, mentions } from '../../complaints.ts'
import type { ContainerLog, Evidence } from '../../evidence.ts'
import { lacksDatabase } from '../../health-page.ts'
import { isStranger } from '../../strangers.ts'
import { isOfAnother, isOver } from './other.ts'
import { databaseOf } from './parts.ts'

/** What is older may be mended: of the chart's probes two would have succeeded since. */
const freshMs = 120_000
/** An Airflow that is let in has something to say by then, mostly. */
const waitedMs = 30_000
/** The entrypoint's twenty tries, and as long for the seconds of Python of each. */
const triesMs = 300_000
/** And no sidecar of somebody else's. */
const airflowsOwn = /^(?:airflow-)?(?:scheduler|web|webserver|api-server|worker|triggerer|dag-processor)$/
/** Who waits tries again every few seconds; who mistypes a password does so once. */
const leastRefusals = 2
/** The health page asks the database when it is asked itself, just before the logs are read: what was refused earlier may be mended. */
const askedMs = 20_000
/** What was turned away that long before anybody of Airflow's waited is another program, which tries on. */
const ofOthersMs = 60_000

/** Who is not let in is named with it; of a statement nobody says whose it was, so it counts only beside a page that has just asked in vain. */
const atTheDoor = /\bFATAL:/
const atAll = /\b(?:FATAL|ERROR):/

/** Where Airflow itself says something the others only say the same. */
export function saidOfDatabase(evidence: Evidence, pattern: RegExp): Complaint[] {
  const own = complaints(evidence, pattern).filter((one) => !isOfAnother(one, evidence) && !isOver(one, evidence) && (one.pod !== databaseOf(evidence)?.pod || isAirflows(one.line, evidence)))
  return own.length > 0 ? own : [...byProbes(evidence, pattern), ...byItself(evidence, pattern)]
}

/** As far as it names a user or a database; of an unknown one nobody can tell. */
function isAirflows(line: string, { wanted }: Evidence): boolean {
  const { user, name } = wanted?.database ?? {}
  const [asUser, ofDatabase] = namedIn(line)
  return wanted?.database === undefined || ((asUser === undefined || asUser === user) && (ofDatabase === undefined || ofDatabase === name))
}

const namedIn = (line: string): (string | undefined)[] => [/\b(?:user|role) "([^"]+)"/, /\bdatabase "([^"]+)"/].map((naming) => naming.exec(line)?.[1])

/** Without those that were refused for another reason than the newest: that was mended since. */
function withTheNewest(lines: readonly string[], evidence: Evidence): string[] {
  const reasonOf = (line: string): string | undefined => (atTheDoor.test(line) && isAirflows(line, evidence) && namedIn(line).some((one) => one !== undefined) ? line.slice(line.search(atTheDoor)) : undefined)
  const newest = lines.map(reasonOf).findLast((reason) => reason !== undefined)
  return lines.filter((line) => (reasonOf(line) ?? newest) === newest)
}

/** None of before the database was ready: that is over. One alone of a pod that is ready is over too. */
function byProbes(evidence: Evidence, pattern: RegExp): Complaint[] {
  const { pods, events, at } = evidence
  const database = databaseOf(evidence)
  if (database !== undefined && database.readySince === undefined) return []
  const since = database?.readySince === undefined ? -Infinity : Date.parse(database.readySince)
  const isFresh = (event: Event): boolean => event.reason === 'Unhealthy' && /^(Liveness|Startup) probe failed/.test(event.message ?? '') && timeOf(event) >= since && pastMs(timeOf(event), new Date(at)) <= freshMs
  return pods.filter((pod) => !isStranger(pod, evidence) && !isTask(pod)).flatMap((pod) =>
    eventsAbout(pod, events).filter((event) => isFresh(event) && (timesOf(event) > 1 || !isReady(pod))).flatMap((event) => asComplaint(pod, event, pattern)).filter((one) => !isOfAnother(one, evidence)))
}

function asComplaint(pod: KubernetesObject, event: Event, pattern: RegExp): Complaint[] {
  const line = event.message?.split('\n').find((one) => pattern.test(one))
  const groups = line === undefined ? null : pattern.exec(line)
  if (line === undefined || groups === null) return []
  const container = /\{(.+)\}/.exec(event.involvedObject.fieldPath ?? '')?.[1] ?? 'probe'
  return [{ pod, container, line: line.trim(), groups, notBefore: firstTimeOf(event) }]
}

/** Of Airflow's user and database alone: with the health page for a witness, or again and again since somebody waits. People mistype passwords as well. */
function byItself(evidence: Evidence, pattern: RegExp): Complaint[] {
  const { logs, wanted, at } = evidence
  const { pod, readySince } = databaseOf(evidence) ?? {}
  if (pod === undefined || readySince === undefined || wanted?.database === undefined) return []
  const up = Date.parse(readySince)
  const said = logs.filter((log) => log.pod === pod.metadata.name && !log.previous)
  const refusedAt = (line: string, level = atTheDoor): number => (level.test(line) && pattern.test(line) && isAirflows(line, evidence) ? writtenAt(line) : undefined) ?? NaN
  const refused = (by: ContainerLog[], since: number, withinMs: number, least: number, level = atTheDoor): ContainerLog[] => by
    .map((log) => ({ ...log, lines: log.lines.filter((line) => refusedAt(line, level) >= since && pastMs(refusedAt(line, level), new Date(at)) <= withinMs) }))
    .filter(({ lines }) => lines.length >= least)
  const witnessed = lacksDatabase(evidence) ? refused(said.map((log) => ({ ...log, lines: withTheNewest(log.lines, evidence) })), up, askedMs, 1, atAll) : []
  const waitsSince = Math.max(Math.min(...silentSince(evidence)), up)
  const isOfOthers = said.some(({ lines }) => lines.some((line) => refusedAt(line) >= up && refusedAt(line) < waitsSince - ofOthersMs))
  const waited = isOfOthers ? [] : refused(said, waitsSince, freshMs, leastRefusals)
  return mentions({ ...evidence, pods: [pod], logs: witnessed.length > 0 ? witnessed : waited }, pattern)
}

/** Ms since 1970 of each start after which a container of Airflow's has waited without a word. */
function silentSince(evidence: Evidence): number[] {
  const { pods, at } = evidence
  const database = databaseOf(evidence)?.pod
  const airflows = pods.filter((pod) => pod !== database && pod.metadata.deletionTimestamp === undefined && !isStranger(pod, evidence) && !isTask(pod))
  return airflows.flatMap((pod) => {
    const { initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
    const hasFailed = ({ name, state, lastState }: ContainerStatus): boolean =>
      airflowsOwn.test(name) && (lastState?.terminated?.exitCode ?? 0) !== 0 && ageMs(state?.running?.startedAt, new Date(at)) <= triesMs
    const waits = (status: ContainerStatus): boolean => {
      const { name, ready } = status
      if (!needsDatabase(name) || isUnread(pod.metadata.name, name, evidence)) return false
      // Without a readiness probe whatever runs is called ready; then dots tell that it waits, or that its last run has failed and this one says nothing yet.
      return logOf(pod.metadata.name, name, evidence)?.every(isWordless) ?? (!ready || isAtWork(pod) || hasFailed(status))
    }
    return [...initContainerStatuses, ...containerStatuses].filter(waits).flatMap(({ state }) => state?.running?.startedAt ?? []).filter((startedAt) => ageMs(startedAt, new Date(at)) >= waitedMs).map(Date.parse)
  })
}
