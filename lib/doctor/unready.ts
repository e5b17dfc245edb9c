/** For a timeout or a failed Helm: every object that is not ready, why, and what it said last. */
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf } from '../observe/claim.ts'
import { describeEvent, eventsAbout, timeOf } from '../observe/events.ts'
import { type Observation, isReady, nameOf } from '../observe/observation.ts'
import { isAtWork, podsOf } from '../observe/owners.ts'
import { speakerOf } from '../observe/place.ts'
import { type Evidence, partsIn } from './evidence.ts'

export interface Unready {
  /** `Kind namespace/name`. */
  object: string
  reason: string
  logs: { container: string; lines: string[] }[]
  events: string[]
}

const lastEvents = 5
/** Said of every pod, and of no use. */
const everyday = ['Scheduled', 'Pulled', 'Created', 'Started', 'SuccessfulCreate', 'ScalingReplicaSet']

export function unready(evidence: Evidence): Unready[] {
  return partsIn(evidence).flatMap(({ name, object, observation }) => {
    if (observation.state === 'done') return []
    const pods = object ? podsOf(object, evidence.pods).filter((pod) => isAtWork(pod) || (!isReady(pod) && (pod.status as { phase?: string } | undefined)?.phase !== 'Succeeded')) : []
    const about = object ? [object, ...(object.kind === 'Pod' ? [] : pods), ...unboundOf(pods, evidence)] : []
    return [{ object: name, reason: reasonOf(observation), logs: logsOf(object?.kind === 'Pod' ? [object] : pods, evidence), events: eventsOf(about, evidence) }]
  })
}

/** A pod that waits for a volume says little; its claim's events name who is to make it. */
function unboundOf(pods: readonly KubernetesObject[], { claims }: Evidence): KubernetesObject[] {
  const names = pods.flatMap(claimNamesOf)
  return claims.filter(({ metadata, status }) => names.includes(metadata.name) && (status as { phase?: string } | undefined)?.phase !== 'Bound')
}

/** Of what failed its first line of evidence, which says whose it is. */
export function reasonOf(observation: Exclude<Observation, { state: 'done' }>): string {
  return observation.state === 'waiting' ? observation.reason : (observation.finding.evidence[0] ?? observation.finding.title)
}

function logsOf(pods: readonly KubernetesObject[], { logs }: Evidence): Unready['logs'] {
  const names = pods.map(({ metadata }) => metadata.name)
  return logs
    .filter(({ pod }) => names.includes(pod))
    .map(({ pod, container, previous, lines }) => ({ container: speakerOf(pod, container, previous), lines }))
}

const mostLastWords = 5

export function lastWords(pods: readonly KubernetesObject[], evidence: Evidence): string[] {
  return logsOf(pods, evidence).flatMap(({ container, lines }) => lines.slice(-mostLastWords).map((line) => `${container}: ${line}`))
}

function eventsOf(objects: readonly KubernetesObject[], { events }: Evidence): string[] {
  const about = objects.flatMap((object) => eventsAbout(object, events).map((event) => ({ event, name: nameOf(object) })))
  const telling = about.filter(({ event }) => !everyday.includes(event.reason ?? ''))
  const lines = telling
    .sort((a, b) => timeOf(a.event) - timeOf(b.event))
    .map(({ event, name }) => `${name}: ${describeEvent(event)}`)
  // The scheduler writes a new event for each try.
  return [...new Set(lines.reverse())].slice(0, lastEvents).reverse()
}

/** The lines for an error's `seen`. */
export function describe(list: readonly Unready[]): string[] {
  return list.flatMap(({ object, reason, logs, events }) => [
    `${object}: ${reason}`,
    ...events.map((event) => `  event: ${event}`),
    ...logs.flatMap(({ container, lines }) => [`  last log lines of ${container}:`, ...lines.map((line) => `    ${line}`)]),
  ])
}
