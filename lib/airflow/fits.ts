import semver from 'semver'
import type { ChartFacts, NonEmpty } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import type { FaultId } from '../observe/faults.ts'
import { helmNeeded, kindsNeeded } from './chart-needs.ts'
import { familyOf, makerOf } from './families.ts'
import { chartAsksFor, kubernetesMinor } from './versions.ts'

/** Where a chart is to work. What is left out could not be asked. */
export interface Place {
  /** The API server's version. */
  server?: string | undefined
  helm?: string | undefined
  /** `batch/v1 CronJob`, of those that charts may want: what the server does not have. */
  lacks?: readonly string[] | undefined
}

/** What is wanted of the chart. */
export interface Wanted {
  executor: string
  /** Airflow's version where the configuration puts another one into the chart. */
  airflow?: string | undefined
  values: Record<string, unknown>
}

/** Why a chart does not fit, and what would have to move. */
export interface Reason {
  id: FaultId
  /** refused: it cannot work. unsupported: it may, but its makers do not say so. */
  weight: 'refused' | 'unsupported'
  because: string
  /** One side to move. */
  move: string
}

export type Fit =
  | { state: 'fits' }
  | { state: 'unfit'; reasons: NonEmpty<Reason> }
  /** Nothing speaks against it as far as could be judged; `missing` could not be. */
  | { state: 'unknown'; missing: string[] }

/** Whether a chart works here, as far as its metadata and what is known of it tell. */
export function judgeFit(chart: ChartFacts, place: Place, wanted: Wanted): Fit {
  const reasons = [...kubeVersion(chart, place), ...helm(chart, place), ...kinds(chart, place, wanted), ...executor(chart, wanted), ...readme(chart, place)]
  if (isNonEmpty(reasons)) return { state: 'unfit', reasons }
  const missing = [...(place.server === undefined ? ['the version of the cluster'] : []), ...(place.helm === undefined ? ['the version of Helm'] : [])]
  return missing.length > 0 ? { state: 'unknown', missing } : { state: 'fits' }
}

function kubeVersion({ kubeVersion: constraint, version }: ChartFacts, { server }: Place): Reason[] {
  if (constraint === undefined || server === undefined || allows(constraint, server) !== false) return []
  return [{
    id: 'kubeversion-refused',
    weight: 'refused',
    because: `chart ${version} takes Kubernetes ${constraint}, and the cluster is ${server}`,
    move: `Move the cluster into ${constraint}.`,
  }]
}

function helm(chart: ChartFacts, { helm: there }: Place): Reason[] {
  const need = helmNeeded(chart)
  if (need === undefined || there === undefined || semver.parse(there) === null || semver.gte(there, need.helm)) return []
  return [{
    id: 'helm-too-old-for-chart',
    weight: 'refused',
    because: `Helm ${there} cannot read it: ${need.why}`,
    move: `Move Helm to ${need.helm.replace(/\.0$/, '')} or later.`,
  }]
}

function kinds(chart: ChartFacts, { lacks = [] }: Place, { values }: Wanted): Reason[] {
  return kindsNeeded(chart, values).filter(({ apiVersion, kind }) => lacks.includes(`${apiVersion} ${kind}`)).map(({ apiVersion, kind, value }) => ({
    id: 'chart-api-removed',
    weight: 'refused',
    because: `with airflow.values.${value} it makes a ${kind} of ${apiVersion}, which this cluster does not have`,
    move: `Take ${value} out of airflow.values, or move the cluster.`,
  }))
}

function executor(chart: ChartFacts, wanted: Wanted): Reason[] {
  const appVersion = wanted.airflow ?? chart.appVersion
  if (makerOf(chart) === undefined || familyOf({ ...chart, appVersion }).executors.includes(wanted.executor)) return []
  return [{
    id: 'executor-not-supported-by-chart',
    weight: 'refused',
    because: `with Airflow ${appVersion} it does not take ${wanted.executor}`,
    move: 'Choose another airflow.executor.',
  }]
}

/** Helm does not enforce it, and the chart often works below; but nobody has promised that it does. */
function readme(chart: ChartFacts, { server }: Place): Reason[] {
  const asked = makerOf(chart) === 'official' ? chartAsksFor(chart.version) : undefined
  const minor = server === undefined ? undefined : kubernetesMinor(server)
  if (asked === undefined || minor === undefined || minor >= asked) return []
  return [{
    id: 'chart-kubernetes-skew',
    weight: 'unsupported',
    because: `its README asks for Kubernetes 1.${asked}, and the cluster is ${server ?? ''}`,
    move: `Move the cluster to 1.${asked} or later.`,
  }]
}

/**
 * Helm's own reading of a kubeVersion (Masterminds semver): parts joined by a comma or a space must all
 * hold, one of those between `||`; a pre-release (v1.27.3-gke.100) fits only where the part names one
 * (>=1.19.0-0). Undefined where it cannot be read.
 */
export function allows(constraint: string, server: string): boolean | undefined {
  const version = semver.parse(server, { loose: true })
  if (version === null) return undefined
  const alternatives = constraint.split('||').map((alternative) => allHold(alternative, version))
  if (alternatives.includes(true)) return true
  return alternatives.includes(undefined) ? undefined : false
}

function allHold(text: string, version: semver.SemVer): boolean | undefined {
  const parts = text.replaceAll(/\s+-\s+/g, '~to~').replaceAll(/([<>=!~^]+)\s+/g, '$1').split(/[\s,]+/).filter((part) => part !== '')
  const held = parts.map((part) => holds(part.replace('~to~', ' - ').replace('=>', '>=').replace('=<', '<='), version))
  if (held.includes(false)) return false
  return held.includes(undefined) || held.length === 0 ? undefined : true
}

function holds(part: string, version: semver.SemVer): boolean | undefined {
  const [, not] = /^!=(.+)$/.exec(part) ?? []
  const range = semver.validRange(not ?? part, { loose: true })
  if (range === null) return undefined
  if (version.prerelease.length > 0 && !/[\dxX*]-/.test(part)) return false
  return semver.satisfies(version, range, { includePrerelease: true }) === (not === undefined)
}
