import { edited } from '../manifest/load.ts'
import { versionTold } from './airflow-version.ts'
import type { Family } from './families.ts'
import { secretNames } from './keys.ts'
import { baseUrl, type ValuesSpec } from './values.ts'

const passwordFolder = '/run/airstrip/admin'

/**
 * `airflow users create` asks for the password, twice, on its stdin when it is not given: so the
 * password is in no argument and in no value, only in a file of the pod.
 */
const createUser = `password=$(cat ${passwordFolder}/password) && printf '%s\\n%s\\n' "$password" "$password" | airflow users create "$@"`

/** For apache-airflow/airflow from 1.8 on, with Airflow 2 and, from 1.17 on, with Airflow 3. */
export function officialValues(spec: ValuesSpec, family: Family, executor: string): Record<string, unknown> {
  return edited({ executor, ...secretValues(spec, family), ...volumeValues(spec), ...imageValues(spec), ...webValues(spec, family) }, userValues(spec))
}

const webKeys = [['webserverSecretKey', 'webserverSecretKeySecretName'], ['apiSecretKey', 'apiSecretKeySecretName'], ['jwtSecret', 'jwtSecretName']] as const

/** Keys and passwords by reference: none of them is in a value, so none is in Helm's record. */
function secretValues({ release, database }: ValuesSpec, { keys, firstUser, imageTag }: Family): Record<string, unknown> {
  const names = secretNames(release)
  const tag = database.imageTag ?? imageTag
  const auth = { enablePostgresUser: true, existingSecret: names.postgresql, username: database.user, database: database.name }
  return {
    fernetKeySecretName: names.fernetKey,
    ...Object.fromEntries(webKeys.filter(([key]) => keys.includes(key)).map(([key, value]) => [value, names[key]])),
    // The chart prints both of its default passwords in its notes unless they are emptied.
    [firstUser]: { defaultUser: { password: '' } },
    data: { metadataConnection: { pass: '' }, metadataSecretName: names.metadata, resultBackendSecretName: names.resultBackend, brokerUrlSecretName: names.broker },
    redis: { passwordSecretName: names.redis },
    postgresql: database.external === undefined ? { enabled: true, ...(tag === undefined ? {} : { image: { tag } }), auth } : { enabled: false },
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
    ...(tag === undefined ? {} : { defaultAirflowTag: tag, ...versionTold(tag) }),
  }
}

/** The chart takes the path of its probes from this value, so it must not be set by a variable. */
function webValues(spec: ValuesSpec, family: Family): Record<string, unknown> {
  const base_url = baseUrl(spec, family)
  if (family.id === 'official-3') return { config: { api: { base_url }, fab: { enable_proxy_fix: 'True' } } }
  return { config: { webserver: { base_url, enable_proxy_fix: 'True' } } }
}
