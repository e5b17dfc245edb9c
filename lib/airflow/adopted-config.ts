import type { Release } from '../access.ts'
import type { Adoption } from './adopt.ts'
import { droppedValues } from './adopt.ts'
import { databaseTag } from './database.ts'
import { familyOfRelease } from './families.ts'
import { executorOf } from './release.ts'

const charts = { official: 'apache-airflow/airflow', community: 'airflow-stable/airflow' } as const

/** The part of the configuration under `airflow` that takes a release over as it is; holds no secret. */
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
  const dropped = [...droppedValues(values, {})]
  const withheld = dropped.filter(([path, value]) => isSecret(path, value)).map(([path]) => path)
  const kept = dropped.filter(([path]) => !withheld.includes(path))
  const bundled = connected === undefined || connected.host.startsWith(`${name}-postgresql`) || connected.host.startsWith(`${name}-pgbouncer`)
  const tag = databaseTag(release)
  const image = { repository: values.defaultAirflowRepository, tag: values.defaultAirflowTag }
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
      database: { ...(connected === undefined ? {} : { user: connected.user, name: connected.name }), ...(bundled ? {} : { external: connected.host }), ...(tag === undefined ? {} : { imageTag: tag }) },
      ...(image.repository === undefined && image.tag === undefined ? {} : { image }),
      ...(kept.length === 0 ? {} : { values: nested(kept) }),
    },
  }
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
