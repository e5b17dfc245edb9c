import semver from 'semver'
import { valueAt } from './values.ts'

/** Where charts have the tag of Airflow's image, the one that wins first; then what they carry themselves. */
const places = ['images.airflow.tag', 'defaultAirflowTag', 'airflow.image.tag', 'airflowVersion']

/**
 * The Airflow that a release of these values runs, as its image's tag has it; both charts carry the
 * version that their own default tag begins with.
 */
export function airflowOf(values: Record<string, unknown>, chart: { appVersion: string }): string {
  const told = places.map((path) => valueAt(values, path))
  return told.find((one): one is string => typeof one === 'string' && one !== '') ?? chart.appVersion
}

/** `2.6.2-python3.10` is 2.6.2; undefined for a tag of one's own, which says nothing. */
export function versionOf(tag: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+)(?![\w.])/.exec(tag)?.[1]
}

/** What the official chart is told of an image; from a tag of one's own it could not tell what to make, so that it keeps to its own Airflow. */
export function versionTold(tag: string): { airflowVersion?: string } {
  const version = versionOf(tag)
  return version === undefined ? {} : { airflowVersion: version }
}

/** Whether one image's Airflow may have other migrations than the other's. */
export function differs(one: string, other: string): boolean {
  const [first, second] = [versionOf(one), versionOf(other)]
  return first === undefined || second === undefined ? one !== other : first !== second
}

/** Whether `wanted` is known to be older than `had`. */
export function isOlder(wanted: string, had: string): boolean {
  const [first, second] = [versionOf(wanted), versionOf(had)]
  return first !== undefined && second !== undefined && semver.lt(first, second)
}
