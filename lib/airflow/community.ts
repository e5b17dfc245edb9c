import { partsOf } from './executors.ts'
import { secretNames } from './keys.ts'
import { baseUrl, extraEnvOf, keyVariables, type ValuesSpec, type Variable } from './values.ts'

/** For airflow-stable/airflow 8: its values.yaml, and what its validate-values.tpl refuses. */
export function communityValues(spec: ValuesSpec, executor: string): Record<string, unknown> {
  const celery = partsOf(executor)?.celery === true
  const names = secretNames(spec.release)
  return {
    airflow: airflowValues(spec, executor),
    // What cleans a folder that other pods write as well is refused.
    scheduler: { logCleanup: { enabled: false } },
    workers: { enabled: celery, logCleanup: { enabled: false } },
    flower: { enabled: false },
    // It writes the password into psql's arguments, for everybody on the node to see, to learn whether that was changed; ours never is.
    pgbouncer: { livenessProbe: { enabled: false } },
    redis: celery ? { enabled: true, existingSecret: names.redis, existingSecretPasswordKey: 'password' } : { enabled: false },
    dags: { persistence: { enabled: true, existingClaim: spec.claims.dags, accessMode: 'ReadOnlyMany' } },
    logs: { persistence: { enabled: true, existingClaim: spec.claims.logs, accessMode: 'ReadWriteMany' } },
    ...databaseValues(spec),
  }
}

/**
 * A person's values with ours in their list of variables: as a list it would take the place of the whole of
 * ours, and Airflow would run with no Fernet key at all. One that they name themselves is theirs.
 */
export function besideOurs(made: Record<string, unknown>, overrides: Record<string, unknown>): Record<string, unknown> {
  const theirs = extraEnvOf(overrides)
  if (theirs.length === 0) return overrides
  const ours = extraEnvOf(made).filter(({ name }) => !theirs.some((one) => one.name === name))
  return { ...overrides, airflow: { ...(overrides.airflow as object), extraEnv: [...ours, ...theirs] } }
}

/** Both keys have defaults that everybody knows; emptied, they come from variables by reference. */
function airflowValues(spec: ValuesSpec, executor: string): Record<string, unknown> {
  const { release, admin, image } = spec
  const names = secretNames(release)
  const fromSecret = (name: string, secret: string, key: string): Variable => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } })
  return {
    executor,
    fernetKey: '',
    webserverSecretKey: '',
    extraEnv: [
      fromSecret(keyVariables.fernetKey, names.fernetKey, 'fernet-key'),
      fromSecret(keyVariables.webserverSecretKey, names.webserverSecretKey, 'webserver-secret-key'),
    ],
    config: {
      AIRFLOW__WEBSERVER__BASE_URL: baseUrl(spec, { keepsPrefix: false }),
      AIRFLOW__WEBSERVER__ENABLE_PROXY_FIX: 'True',
    },
    users: [{ username: admin.username, password: '${AIRSTRIP_ADMIN_PASSWORD}', role: admin.role, email: admin.email, firstName: admin.firstName, lastName: admin.lastName }],
    usersTemplates: { AIRSTRIP_ADMIN_PASSWORD: { kind: 'secret', name: names.admin, key: 'password' } },
    // A password that somebody chose in the web page is theirs.
    usersUpdate: false,
    ...(image.repository === undefined && image.tag === undefined ? {} : { image }),
  }
}

/** Its bundled PostgreSQL has the names of its Secret's keys built in. */
function databaseValues({ release, database }: ValuesSpec): Record<string, unknown> {
  const { user, name, imageTag, external, port, sslmode } = database
  const { communityPostgresql: secret } = secretNames(release)
  const reference = { existingSecret: secret, existingSecretKey: 'postgresql-password' }
  if (external === undefined) {
    return { postgresql: { enabled: true, postgresqlUsername: user, postgresqlDatabase: name, ...reference, ...(imageTag === undefined ? {} : { image: { tag: imageTag } }) } }
  }
  return {
    postgresql: { enabled: false },
    externalDatabase: { type: 'postgres', host: external, port, database: name, user, passwordSecret: secret, passwordSecretKey: 'postgresql-password', properties: `?sslmode=${sslmode}` },
  }
}
