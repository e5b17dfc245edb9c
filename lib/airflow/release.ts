import { isDeepStrictEqual } from 'node:util'
import { describe } from '../changes.ts'
import { differences } from '../diff/compare.ts'
import type { Chart, ChartSource, KubernetesObject, Release, ReleaseWish } from '../access.ts'
import { officialValues, type ValuesSpec } from './official.ts'

/** What step helm and step executor both want of the release; only the executor is the latter's. */
export interface ReleaseSpec {
  name: string
  namespace: string
  chart: ChartSource
  values: ValuesSpec
  executor: string
  timeoutSeconds: number
}

export function wishFor(spec: ReleaseSpec, executor: string): ReleaseWish {
  const { name, namespace, chart, timeoutSeconds } = spec
  return { name, namespace, chart, timeoutSeconds, values: officialValues(spec.values, executor) }
}

/** The executor that runs now; a release that does not say runs the chart's default. */
export function executorOf(release: Release): string {
  return typeof release.values.executor === 'string' ? release.values.executor : 'CeleryExecutor'
}

/**
 * Why the release must be upgraded, or undefined. Told from Helm's own record and the live objects:
 * a chart is never rendered to find out that nothing changed.
 */
export function releaseDrift(wish: ReleaseWish, chart: Chart, release: Release, marked: string | undefined, live: readonly (KubernetesObject | undefined)[]): string | undefined {
  if (release.status !== 'deployed') return `it is ${release.status}: ${firstSentence(release.description)}`
  if (release.chart.name !== chart.name || release.chart.version !== chart.version) {
    return `chart ${release.chart.name} ${release.chart.version} is installed, ${chart.name} ${chart.version} is wanted`
  }
  if (marked !== undefined && marked !== chart.fingerprint.slice(0, marked.length)) return `the chart at ${chart.path} was changed`
  const values = changedValues(wish.values, release.values)
  if (values.length > 0) return `values differ: ${values.slice(0, 4).join(', ')}${values.length > 4 ? ` and ${values.length - 4} more` : ''}`
  return liveDrift(release.objects, live)
}

/** Paths of values that are not the same, in either direction. */
export function changedValues(wanted: unknown, had: unknown, path = ''): string[] {
  if (isRecord(wanted) && isRecord(had)) {
    const keys = [...new Set([...Object.keys(wanted), ...Object.keys(had)])]
    return keys.flatMap((key) => changedValues(wanted[key], had[key], path === '' ? key : `${path}.${key}`))
  }
  return isDeepStrictEqual(wanted, had) ? [] : [path]
}

/** Objects of the release that somebody deleted or changed by hand. */
function liveDrift(objects: readonly KubernetesObject[], live: readonly (KubernetesObject | undefined)[]): string | undefined {
  for (const [index, object] of objects.entries()) {
    const there = live[index]
    if (there === undefined) return `${object.kind} ${object.metadata.name} is gone`
    const found = differences(object, there)
    if (found.length > 0) return `${object.kind} ${object.metadata.name} was changed by hand: ${describe(found)}`
  }
  return undefined
}

function firstSentence(text: string): string {
  return text.split('\n')[0]?.slice(0, 160) ?? ''
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
