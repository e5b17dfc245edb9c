import { edited } from '../manifest/load.ts'
import { secretNames } from './keys.ts'

/** What the values of the official chart (apache-airflow/airflow 1.8 to 1.10) are made of. */
export interface ValuesSpec {
  release: string
  admin: { username: string; email: string; firstName: string; lastName: string; role: string }
  database: { user: string; name: string; imageTag: string; external: boolean }
  image: { repository?: string | undefined; tag?: string | undefined }
  claims: { dags: string; logs: string }
  /** What the webserver is told of its own address. */
  baseUrl: string
  /** The person's own values, over all of these. */
  overrides: Record<string, unknown>
}

const passwordFolder = '/run/airstrip/admin'

/**
 * `airflow users create` asks for the password, twice, on its stdin when it is not given: so the
 * password is in no argument and in no value, only in a file of the pod.
 */
const createUser = `password=$(cat ${passwordFolder}/password) && printf '%s\\n%s\\n' "$password" "$password" | airflow users create "$@"`

export function officialValues(spec: ValuesSpec, executor: string): Record<string, unknown> {
  return edited({ executor, ...secretValues(spec), ...volumeValues(spec), ...userValues(spec), ...imageValues(spec), ...webserverValues(spec) }, spec.overrides)
}

/** Keys and passwords by reference: none of them is in a value, so none is in Helm's record. */
function secretValues({ release, database }: ValuesSpec): Record<string, unknown> {
  const names = secretNames(release)
  const auth = { enablePostgresUser: true, existingSecret: names.postgresql, username: database.user, database: database.name }
  return {
    fernetKeySecretName: names.fernetKey,
    webserverSecretKeySecretName: names.webserverSecretKey,
    // The chart prints both of its default passwords in its notes unless they are emptied.
    webserver: { defaultUser: { password: '' } },
    data: { metadataConnection: { pass: '' }, metadataSecretName: names.metadata, resultBackendSecretName: names.resultBackend, brokerUrlSecretName: names.broker },
    redis: { passwordSecretName: names.redis },
    postgresql: database.external ? { enabled: false } : { enabled: true, image: { tag: database.imageTag }, auth },
  }
}

function volumeValues({ claims }: ValuesSpec): Record<string, unknown> {
  return {
    dags: { persistence: { enabled: true, existingClaim: claims.dags, accessMode: 'ReadOnlyMany' } },
    logs: { persistence: { enabled: true, existingClaim: claims.logs } },
  }
}

function userValues({ release, admin }: ValuesSpec): Record<string, unknown> {
  const { username, email, firstName, lastName, role } = admin
  const words = ['-r', role, '-u', username, '-e', email, '-f', firstName, '-l', lastName]
  return {
    createUserJob: {
      args: ['bash', '-c', createUser, '--', ...words],
      extraVolumes: [{ name: 'admin', secret: { secretName: secretNames(release).admin, defaultMode: 0o440 } }],
      extraVolumeMounts: [{ name: 'admin', mountPath: passwordFolder, readOnly: true }],
    },
  }
}

function imageValues({ image }: ValuesSpec): Record<string, unknown> {
  const { repository, tag } = image
  return {
    ...(repository === undefined ? {} : { defaultAirflowRepository: repository }),
    ...(tag === undefined ? {} : { defaultAirflowTag: tag, airflowVersion: versionOf(tag) }),
  }
}

/** `2.6.2-python3.10` carries Airflow 2.6.2; the chart compares the version, not the tag. */
function versionOf(tag: string): string {
  return /^\d+\.\d+\.\d+/.exec(tag)?.[0] ?? tag
}

/** The chart takes the path of its probes from this value, so it must not be set by a variable. */
function webserverValues({ baseUrl }: ValuesSpec): Record<string, unknown> {
  return { config: { webserver: { base_url: baseUrl, enable_proxy_fix: 'True' } } }
}
