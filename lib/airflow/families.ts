import type { ChartFacts, Release } from '../access.ts'
import type { Takes } from './keys.ts'

/**
 * The charts that are known, told apart by who makes them and by the Airflow that they carry, with
 * all that differs between them as data. Each fact stands in the chart's own values.yaml or templates.
 */
export interface Family extends Takes {
  id: 'official-2' | 'official-3' | 'community'
  title: string
  /** Who makes the chart. Its StatefulSets have other selectors than another's, so a release cannot change it. */
  maker: 'official' | 'community'
  /** Executors that it takes, as its `executor` value has them. */
  executors: readonly string[]
  /** What serves the web page: `RELEASE-web` is its Service, and what runs it. */
  web: 'webserver' | 'api-server' | 'web'
  /** Below the prefix, or below the root where that is taken away. */
  healthPath: string
  /**
   * Airflow 3 serves everything below the path of its base_url, the execution API that tasks call
   * among it: what Traefik took away nobody gives back (https://github.com/apache/airflow/issues/51450).
   */
  keepsPrefix: boolean
  /** Of the official chart: below which value the first user stands whose password it would make known. */
  firstUser: 'webserver' | 'createUserJob'
  /** Tag of the bundled PostgreSQL; undefined where it is the chart's own. */
  imageTag?: string | undefined
}

const connections = ['fernetKey', 'postgresql', 'metadata', 'resultBackend', 'redis', 'broker', 'admin'] as const

const official2: Family = {
  id: 'official-2',
  title: 'the official chart with Airflow 2',
  maker: 'official',
  executors: ['LocalExecutor', 'LocalKubernetesExecutor', 'CeleryExecutor', 'KubernetesExecutor', 'CeleryKubernetesExecutor'],
  web: 'webserver',
  healthPath: '/health',
  keepsPrefix: false,
  keys: [...connections, 'webserverSecretKey'],
  firstUser: 'webserver',
}

const official3: Family = {
  ...official2,
  id: 'official-3',
  title: 'the official chart with Airflow 3',
  // Airflow 3 took out the two that joined others by name; a list of executors does what they did.
  executors: ['LocalExecutor', 'CeleryExecutor', 'KubernetesExecutor', 'CeleryExecutor,KubernetesExecutor', 'LocalExecutor,KubernetesExecutor'],
  web: 'api-server',
  healthPath: '/api/v2/monitor/health',
  keepsPrefix: true,
  keys: [...connections, 'apiSecretKey', 'jwtSecret'],
}

const community: Family = {
  ...official2,
  id: 'community',
  title: 'the community chart',
  maker: 'community',
  executors: ['CeleryExecutor', 'KubernetesExecutor', 'CeleryKubernetesExecutor'],
  web: 'web',
  keys: ['fernetKey', 'webserverSecretKey', 'communityPostgresql', 'redis', 'admin'],
}

export const families = [official2, official3, community] as const

export function familyById(id: Family['id']): Family {
  return families.find((family) => family.id === id) ?? official2
}

/** By the name of a container or the `component` of its pod: the community chart calls its container `airflow-web`. */
export function servesWeb(name: string): boolean {
  return families.some(({ web }) => name === web || name === `airflow-${web}`)
}

type Identity = Pick<ChartFacts, 'version' | 'home'>

/**
 * Who makes a chart, by the home that Chart.yaml names and the index repeats. Helm's record has none,
 * nor has the official 1.0.0: then by the version, where the two never met. Undefined for anybody else.
 */
export function makerOf({ home = '', version }: Identity): Family['maker'] | undefined {
  if (home.includes('airflow-helm')) return 'community'
  if (home.includes('airflow.apache.org')) return 'official'
  return home === '' ? (numbers(version)[0] >= 7 ? 'community' : 'official') : undefined
}

/** A chart of somebody else's is taken for the official one, which most are made from. */
export function familyOf(chart: Identity & Pick<ChartFacts, 'appVersion'>, values: Record<string, unknown> = {}): Family {
  if (makerOf(chart) === 'community') return community
  const { version, appVersion } = chart
  const [, minor] = numbers(version)
  const [airflow, release] = numbers(typeof values.airflowVersion === 'string' ? values.airflowVersion : appVersion)
  const family = airflow >= 3 ? official3 : official2
  // Release notes of the chart: `[api] secret_key` came with 1.18.0 (#52269), `createUserJob.defaultUser` with 1.19.0 (#59767).
  const keys = airflow >= 3 && minor < 18 ? official3.keys.map((key) => (key === 'apiSecretKey' ? 'webserverSecretKey' : key)) : family.keys
  // Airflow 2.9 wants PostgreSQL 12 (its README, Requirements); below it is what the reference has.
  const imageTag = airflow === 2 && release < 9 ? '11' : undefined
  return { ...family, keys, imageTag, firstUser: minor >= 19 ? 'createUserJob' : 'webserver' }
}

/** What runs now, as Helm's record has it. */
export function familyOfRelease({ chart, values }: Pick<Release, 'chart' | 'values'>): Family {
  return familyOf(chart, values)
}

function numbers(version: string): [major: number, minor: number] {
  const [, major = '0', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  return [Number(major), Number(minor)]
}
