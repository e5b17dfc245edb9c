import semver from 'semver'
import type { ChartFacts } from '../access.ts'
import { makerOf } from './families.ts'
import { valueAt } from './values.ts'

/**
 * What charts need that neither their Chart.yaml nor the repository's index says, as data with its
 * source. None of the charts that were looked at (official 1.8.0 to 1.22.0, community 8.7.1 and 8.9.0)
 * has a kubeVersion or a schema of another draft than 7, and with their own values they make nothing
 * but v1, apps/v1, batch/v1 Jobs and rbac.authorization.k8s.io/v1, which every server since 1.19 has.
 */
interface HelmNeed {
  /** Versions of the official chart. */
  charts: string
  helm: string
  why: string
}

/** Each was tried with the charts themselves and Helm 3.9.4, 3.11.1, 3.12.1, 3.16.4, 3.17.3 and 4.1.4. */
const helmNeeds: readonly HelmNeed[] = [
  // Helm 3.9.4: `parse error at (airflow/templates/check-values.yaml:38): function "break" not defined`. Go has it since 1.18, Helm since 3.10.
  { charts: '>=1.16.0', helm: '3.10.0', why: 'its templates use break, which Helm knows since 3.10' },
  // Helm 3.11.1: `at <eq $val nil>: error calling eq: uncomparable type []interface {}`. Fixed in the chart later: 1.22.0 asks by kindIs.
  { charts: '>=1.19.0 <1.20.0', helm: '3.12.0', why: 'its templates compare a list with nothing, which Helm can since 3.12' },
]

/** The highest Helm that any part of it needs. */
export function helmNeeded(chart: ChartFacts): HelmNeed | undefined {
  if (!isOfficial(chart)) return undefined
  const needs = helmNeeds.filter(({ charts }) => semver.satisfies(chart.version, charts, { includePrerelease: true }))
  return needs.sort((a, b) => semver.rcompare(a.helm, b.helm))[0]
}

/** Kinds that a chart makes where a value says so, and that not every server has. */
interface KindNeed {
  charts: string
  /** The value that is true then. */
  value: string
  apiVersion: string
  kind: string
}

/** From the templates of the official chart; 1.8.0 itself falls back to the beta versions that older servers have. */
const kindNeeds: readonly KindNeed[] = [
  { charts: '>=1.9.0', value: 'cleanup.enabled', apiVersion: 'batch/v1', kind: 'CronJob' },
  { charts: '>=1.22.0', value: 'databaseCleanup.enabled', apiVersion: 'batch/v1', kind: 'CronJob' },
  ...['scheduler', 'webserver', 'workers', 'apiServer', 'dagProcessor', 'triggerer'].map((part) => ({ charts: '>=1.9.0', value: `${part}.podDisruptionBudget.enabled`, apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' })),
  ...['workers', 'webserver', 'apiServer'].map((part) => ({ charts: '>=1.15.0', value: `${part}.hpa.enabled`, apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' })),
  ...['workers', 'triggerer'].map((part) => ({ charts: '>=1.0.0', value: `${part}.keda.enabled`, apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject' })),
]

export interface Kind {
  apiVersion: string
  kind: string
}

/** All kinds that are worth asking the server for. */
export const optionalKinds: readonly Kind[] = [...new Map(kindNeeds.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }])).values()]

/** The kinds that this chart makes with these values, each with the value that asks for it. */
export function kindsNeeded(chart: ChartFacts, values: Record<string, unknown>): KindNeed[] {
  if (!isOfficial(chart)) return []
  return kindNeeds.filter(({ charts, value }) => semver.satisfies(chart.version, charts, { includePrerelease: true }) && isOn(values, value))
}

function isOn(values: Record<string, unknown>, path: string): boolean {
  return valueAt(values, path) === true
}

function isOfficial(chart: ChartFacts): boolean {
  return makerOf(chart) === 'official'
}
