import type { Release } from '../access.ts'
import { decisionsOf, droppedValues, type Adoption, type Connected } from './adopt.ts'
import { databaseTag } from './database.ts'
import { familyOfRelease } from './families.ts'
import { executorOf } from './release.ts'
import { valueAt } from './values.ts'

const charts = { official: 'apache-airflow/airflow', community: 'airflow-stable/airflow' } as const

/** The part of the configuration under `airflow` that takes a release over as it is; without what looks like a secret. */
export interface AdoptedConfig {
  airflow: Record<string, unknown>
  /** Values that hold a secret, or may: by path, to be given another way. */
  withheld: string[]
}

interface FirstUser {
  username?: unknown
  email?: unknown
  firstName?: unknown
  lastName?: unknown
  role?: unknown
}

export function adoptedConfig(release: Release, { connected }: Adoption, isSecret: (path: string, value: unknown) => boolean): AdoptedConfig {
  const { name, namespace, chart, values } = release
  const { maker } = familyOfRelease(release)
  const dropped = [...droppedValues(decisionsOf(release), {})]
  const withheld = dropped.filter(([path, value]) => isSecret(path, value)).map(([path]) => path)
  const kept = dropped.filter(([path]) => !withheld.includes(path))
  const tag = databaseTag(release)
  const image = imageOf(values)
  return {
    withheld,
    airflow: {
      chart: charts[maker],
      version: chart.version,
      namespace,
      release: name,
      executor: executorOf(release),
      adopt: true,
      admin: firstUser(values),
      database: { ...(connected === undefined ? {} : reachedBy(connected, name)), ...(tag === undefined ? {} : { imageTag: tag }) },
      ...(Object.keys(image).length === 0 ? {} : { image }),
      ...(kept.length === 0 ? {} : { values: nested(kept) }),
    },
  }
}

/** An Airflow image of their own, as either chart is told of it. */
function imageOf(values: Record<string, unknown>): Record<string, unknown> {
  const repository = values.defaultAirflowRepository ?? valueAt(values, 'airflow.image.repository')
  const tag = values.defaultAirflowTag ?? valueAt(values, 'airflow.image.tag')
  return { ...(repository === undefined ? {} : { repository }), ...(tag === undefined ? {} : { tag }) }
}

function reachedBy({ user, name, host, port, sslmode }: Connected, release: string): Record<string, unknown> {
  return { user, name, port, sslmode, ...(host.startsWith(`${release}-postgresql`) ? {} : { external: host }) }
}

/** As the charts' defaults have it, where the release does not say. */
function firstUser(values: Record<string, unknown>): Record<string, unknown> {
  const { createUserJob, webserver, airflow } = values as { createUserJob?: { defaultUser?: FirstUser }; webserver?: { defaultUser?: FirstUser }; airflow?: { users?: FirstUser[] } }
  const { username = 'admin', email = 'admin@example.com', firstName = 'admin', lastName = 'user', role = 'Admin' } = createUserJob?.defaultUser ?? webserver?.defaultUser ?? airflow?.users?.[0] ?? {}
  return { username, email, firstName, lastName, role }
}

function nested(values: readonly (readonly [path: string, value: unknown])[]): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, value] of values) {
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    let at = root
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>
    at[last] = value
  }
  return root
}
