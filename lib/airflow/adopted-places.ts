/** Where a release that was installed by hand has its keys and passwords: what its values name, then what its chart makes. */
import type { Release } from '../access.ts'
import type { Family } from './families.ts'
import { extraEnvOf, keyVariables, valueAt } from './values.ts'

/** The first Secret that there is counts. */
export interface Place {
  what: 'fernetKey' | 'webserverSecretKey' | 'apiSecretKey' | 'jwtSecret' | 'connection' | 'database' | 'user' | 'superuser' | 'redis' | 'admin'
  secrets: string[]
  key: string
  /** Where it stands in the values themselves. */
  value?: string | undefined
}

export function textAt(values: Record<string, unknown>, path: string): string | undefined {
  const found = valueAt(values, path)
  return typeof found === 'string' && found !== '' ? found : undefined
}

/** Whether the community chart brought the database; it does unless it is told otherwise. */
export function bringsDatabase(values: Record<string, unknown>): boolean {
  return valueAt(values, 'postgresql.enabled') !== false
}

export function placesOf(release: Release, { maker }: Family): Place[] {
  return maker === 'community' ? communityPlaces(release) : officialPlaces(release)
}

/** By the names that the chart gives its own Secrets (`_helpers.yaml`). */
function officialPlaces({ name, values }: Release): Place[] {
  const named = (path: string, ...own: string[]): string[] => [textAt(values, path), ...own.map((suffix) => `${name}-${suffix}`)].filter((one) => one !== undefined)
  return [
    { what: 'fernetKey', secrets: named('fernetKeySecretName', 'fernet-key'), key: 'fernet-key' },
    { what: 'webserverSecretKey', secrets: named('webserverSecretKeySecretName', 'webserver-secret-key'), key: 'webserver-secret-key' },
    { what: 'apiSecretKey', secrets: named('apiSecretKeySecretName', 'api-secret-key'), key: 'api-secret-key' },
    { what: 'jwtSecret', secrets: named('jwtSecretName', 'jwt-secret'), key: 'jwt-secret' },
    // Up to 1.8 the name of the chart stood in the middle.
    { what: 'connection', secrets: named('data.metadataSecretName', 'metadata', 'airflow-metadata'), key: 'connection' },
    { what: 'superuser', secrets: named('postgresql.auth.existingSecret', 'postgresql'), key: 'postgres-password' },
    { what: 'redis', secrets: named('redis.passwordSecretName', 'redis-password'), key: 'password' },
  ]
}

/** A Secret that the values name is the one, and no other: the chart's own then holds what everybody knows, or nothing. */
function communityPlaces({ name, values }: Release): Place[] {
  const named = (what: Place['what'], [path, keyPath]: [string, string], preset: string, own?: [secret: string, key: string]): Place[] => {
    const secret = textAt(values, path)
    if (secret !== undefined) return [{ what, secrets: [secret], key: textAt(values, keyPath) ?? preset }]
    return own === undefined ? [] : [{ what, secrets: [`${name}-${own[0]}`], key: own[1] }]
  }
  const database = bringsDatabase(values)
    // Bitnami's chart reads this key, whatever Airflow is told.
    ? named('database', ['postgresql.existingSecret', 'postgresql.existingSecretKey'], 'postgresql-password', ['postgresql', 'postgresql-password'])
    : [
        ...named('database', ['externalDatabase.passwordSecret', 'externalDatabase.passwordSecretKey'], 'postgresql-password', ['config-envs', 'DATABASE_PASSWORD']),
        ...named('user', ['externalDatabase.userSecret', 'externalDatabase.userSecretKey'], 'postgresql-user', ['config-envs', 'DATABASE_USER']),
      ]
  return [
    variablePlace('fernetKey', name, values),
    variablePlace('webserverSecretKey', name, values),
    ...database,
    ...named('redis', ['redis.existingSecret', 'redis.existingSecretPasswordKey'], 'redis-password', ['redis', 'redis-password']),
    ...adminPlace(values),
  ]
}

interface UserValues {
  users?: { password?: unknown }[]
  usersTemplates?: Record<string, { kind?: string; name?: string; key?: string }>
}

/** The first user's password, where the values name a Secret for it: `${NAME}` is a key of `usersTemplates`. */
function adminPlace({ airflow }: Record<string, unknown>): Place[] {
  const { users, usersTemplates = {} } = (airflow ?? {}) as UserValues
  const [, template = ''] = /^\$\{(\w+)\}$/.exec(String((Array.isArray(users) ? users : [])[0]?.password)) ?? []
  const { kind = '', name, key } = usersTemplates[template] ?? {}
  return kind.toLowerCase() === 'secret' && name !== undefined && key !== undefined ? [{ what: 'admin', secrets: [name], key }] : []
}

/** Its documentation advises a Secret of one's own in `extraEnv`, which Airflow gets instead of the key that the chart still has. */
function variablePlace(what: keyof typeof keyVariables, name: string, values: Record<string, unknown>): Place {
  const variable = keyVariables[what]
  const own = extraEnvOf(values).findLast((one) => one.name === variable)
  if (own === undefined) return { what, secrets: [`${name}-config-envs`], key: variable }
  const { name: secret, key = '' } = own.valueFrom?.secretKeyRef ?? {}
  return { what, secrets: secret === undefined ? [] : [secret], key, value: own.value }
}
