import type { Config } from '../config/schema.ts'
import type { IgnoreRule } from '../diff/noise.ts'
import { claims } from '../manifest/storage.ts'
import type { ObjectRef, SecretSource } from '../access.ts'
import type { KeySpec } from './keys.ts'
import type { ReleaseSpec } from './release.ts'

export type AirflowSlice = Pick<Config, 'airflow' | 'ingress' | 'diff'>

/** Helm's own patience, in seconds; airstrip watches and ends it sooner where that is right. */
const helmTimeoutSeconds = 1800

export interface AirflowSpec {
  release: ReleaseSpec
  keys: KeySpec
  /** A release of other means is taken over. */
  adopt: boolean
  passwords: { database?: SecretSource | undefined; admin?: SecretSource | undefined }
  ignore: readonly IgnoreRule[]
  /** Image with PostgreSQL's clients, where the database is not in the cluster. */
  client?: string | undefined
}

/** All that steps helm and executor want, of the configuration alone. */
export function airflowSpec({ airflow, ingress, diff }: AirflowSlice): AirflowSpec {
  const { database, admin, namespace, release, backups } = airflow
  const { password: databasePassword, user, name, port, sslmode, imageTag, external } = database
  const { password: adminPassword, ...person } = admin
  return {
    release: {
      name: release,
      namespace,
      chart: { reference: airflow.chart, version: airflow.version },
      candidates: airflow.candidates,
      executor: airflow.executor,
      timeoutSeconds: helmTimeoutSeconds,
      values: {
        release,
        admin: person,
        database: { user, name, imageTag, external, port, sslmode },
        image: airflow.image ?? {},
        claims,
        origin: `https://${ingress.host}`,
        path: ingress.path,
        prefix: ingress.prefix,
        overrides: airflow.values,
      },
    },
    keys: { namespace, release, username: admin.username, database: { user, name, port, sslmode, host: external ?? `${release}-postgresql.${namespace}` } },
    adopt: airflow.adopt,
    passwords: { database: databasePassword, admin: adminPassword },
    ignore: diff.ignore,
    client: external === undefined ? undefined : backups.image,
  }
}

/** The claim of the bundled PostgreSQL: its StatefulSet's template is called `data`. */
export function databaseClaimRef({ release }: AirflowSpec): ObjectRef {
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: `data-${release.name}-postgresql-0`, namespace: release.namespace }
}
