/**
 * A container, as evidence names it; by this findings of one container find each other.
 *
 *   Pod airflow/airflow-worker-0, container worker: exit code 1, restarted 5 times
 *   airflow-worker-0/worker (previous run): airflow command error: …
 */
import type { KubernetesObject } from '../access.ts'
import { nameOf } from './observation.ts'

export interface Place {
  /** `POD/CONTAINER` */
  name: string
  container: string
  /** What was seen of it, or what it said; undefined where the line goes on otherwise. */
  words: string | undefined
}

export function placeOf(pod: KubernetesObject, container: string): string {
  return `${nameOf(pod)}, container ${container}`
}

/** Before a line of its log. */
export function speakerOf(pod: string, container: string, previous = false): string {
  return `${pod}/${container}${previous ? ' (previous run)' : ''}`
}

/** Of a line that says what was seen of a container. */
export function placeIn(line: string): Place | undefined {
  return place(/^Pod \S+\/(?<pod>\S+), container (?<container>[\w-]+)(?:: (?<words>.*))?/s.exec(line))
}

/** Of a line from a container's log. */
export function speakerIn(line: string): Place | undefined {
  return place(/^(?<pod>[\w.-]+)\/(?<container>[\w-]+)(?: \(previous run\))?: (?<words>.*)/s.exec(line))
}

function place(found: RegExpExecArray | null): Place | undefined {
  const { pod, container, words } = found?.groups ?? {}
  return pod === undefined || container === undefined ? undefined : { name: `${pod}/${container}`, container, words }
}
