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
  passwords: { database?: SecretSource | undefined; admin?: SecretSource | undefined }
  ignore: readonly IgnoreRule[]
}

/** All that steps helm and executor want, of the configuration alone. */
export function airflowSpec({ airflow, ingress, diff }: AirflowSlice): AirflowSpec {
  const { database, admin, namespace, release } = airflow
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
    passwords: { database: databasePassword, admin: adminPassword },
    ignore: diff.ignore,
  }
}

/** The claim of the bundled PostgreSQL: its StatefulSet's template is called `data`. */
export function databaseClaimRef({ release }: AirflowSpec): ObjectRef {
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: `data-${release.name}-postgresql-0`, namespace: release.namespace }
}
