import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../diff/compare.ts'
import { edited } from '../manifest/load.ts'
import type { Chart, ChartSource, KubernetesObject, Release, ReleaseWish } from '../access.ts'
import { versionTold } from './airflow-version.ts'
import { markedFingerprint } from './operation.ts'
import { besideOurs, communityValues } from './community.ts'
import { hasCelery } from './executors.ts'
import { familyOf, type Family } from './families.ts'
import { officialValues } from './official.ts'
import type { ValuesSpec } from './values.ts'

/** What step helm and step executor both want of the release; only the executor is the latter's. */
export interface ReleaseSpec {
  name: string
  namespace: string
  /** `auto`: the newest that fits. */
  chart: ChartSource
  /** Versions that are tried in turn when that one cannot work here. */
  candidates: readonly string[]
  values: ValuesSpec
  executor: string
  timeoutSeconds: number
}

export function wishFor(spec: ReleaseSpec, family: Family, executor: string): ReleaseWish {
  const { name, namespace, chart, timeoutSeconds } = spec
  const isCommunity = family.maker === 'community'
  const made = isCommunity ? communityValues(spec.values, executor) : officialValues(spec.values, family, executor)
  const { overrides } = spec.values
  return { name, namespace, chart, timeoutSeconds, values: edited(made, isCommunity ? besideOurs(made, overrides) : overrides) }
}

/** What this chart is, with the Airflow that the configuration puts into it. */
export function familyFor({ values: { image, overrides } }: ReleaseSpec, chart: Chart): Family {
  return familyOf(chart, { ...(image.tag === undefined ? {} : versionTold(image.tag)), ...overrides })
}

/** The wish for this very chart, whichever the configuration leaves open. */
export function wishOf(spec: ReleaseSpec, chart: Chart, executor: string): ReleaseWish {
  const { chart: { reference, version }, candidates } = spec
  return { ...wishFor(spec, familyFor(spec, chart), executor), chart: { reference, version: chart.version }, ...(candidates.length > 0 ? { wanted: version } : {}) }
}

/** The executor that runs now; a release that does not say runs the chart's default, which is Celery's in all of them. */
export function executorOf({ values }: Pick<Release, 'values'>): string {
  const said = [values.executor, (values.airflow as { executor?: unknown } | undefined)?.executor]
  return said.find((one) => typeof one === 'string') ?? 'CeleryExecutor'
}

/** The one that step helm leaves as it is, until step executor changes it; a change of it that failed, or an install, is not tried again first. */
export function executorToKeep(release: Release, wanted: string): string {
  const { status, base, objects, name } = release
  const changed = base === undefined || hasCelery(base, name) !== hasCelery(objects, name)
  return status !== 'deployed' && changed ? wanted : executorOf(release)
}

/** Why Helm must work on the release; `sameWish` where only what was wanted before is made whole. */
export interface UpgradeReason {
  why: string
  sameWish: boolean
}

/**
 * Why the release must be upgraded, or undefined. Told from Helm's own record: a chart is never
 * rendered to find out that nothing changed.
 */
export function upgradeReason(wish: ReleaseWish, chart: Chart, release: Release, lease?: KubernetesObject): UpgradeReason | undefined {
  const changed = wishChanged(wish, chart, release, lease)
  // Both may be so; what is new weighs more than what is broken.
  if (release.status !== 'deployed') {
    // Whether a folder of one's own was edited since cannot be told where its mark is gone.
    const sure = !chart.local || markedFingerprint(release.description, lease) !== undefined
    return { why: `it is ${release.status}: ${firstSentence(release.description)}`, sameWish: changed === undefined && sure }
  }
  return changed === undefined ? undefined : { why: changed, sameWish: false }
}

/** What is new about the wish, in words; undefined where the record has all of it. */
export function wishChanged(wish: ReleaseWish, chart: Chart, release: Release, lease?: KubernetesObject): string | undefined {
  if (release.chart.name !== chart.name || release.chart.version !== chart.version) {
    return `chart ${release.chart.name} ${release.chart.version} is installed, ${chart.name} ${chart.version} is wanted`
  }
  const marked = markedFingerprint(release.description, lease)
  if (marked !== undefined && marked !== chart.fingerprint.slice(0, marked.length)) return `the chart at ${chart.path} was changed`
  const values = changedValues(wish.values, release.values)
  return values.length === 0 ? undefined : `values differ: ${values.slice(0, 4).join(', ')}${values.length > 4 ? ` and ${values.length - 4} more` : ''}`
}

/** Paths of values that are not the same, in either direction; to Helm an empty map is none. */
export function changedValues(wanted: unknown, had: unknown, path = ''): string[] {
  if ((isRecord(wanted) && isRecord(had ?? {})) || (isRecord(had) && wanted === undefined)) {
    const [one, other] = [wanted ?? {}, had ?? {}] as [Record<string, unknown>, Record<string, unknown>]
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])]
    return keys.flatMap((key) => changedValues(one[key], other[key], path === '' ? key : `${path}.${key}`))
  }
  return isDeepStrictEqual(wanted, had) ? [] : [path]
}

function firstSentence(text: string): string {
  return text.split('\n')[0]?.slice(0, 160) ?? ''
}
