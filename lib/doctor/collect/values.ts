import type { Release } from '../../access.ts'

/**
 * A person's chart values without what may be secret: a text stays only where its key says what kind
 * of thing it is. Rules read names, switches and numbers.
 */
const readable = /^(executor|repository|tag|airflowVersion|defaultAirflow\w+|storageClass(Name)?|existingClaim|accessMode|base_url|enable_proxy_fix|type|\w*SecretName|existingSecret|host|path|subPath|protocol|sslmode|pullPolicy|apiVersion|kind|name|branch|rev|size)$/
const never = /pass|token|credential|^secretKey$|privateKey/i

export function readableValues(values: Record<string, unknown>): Record<string, unknown> {
  return of(values, '') as Record<string, unknown>
}

function of(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((one) => of(one, key))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, of(one, inner)]))
  if (typeof value !== 'string' || value === '') return value
  return readable.test(key) && !never.test(key) ? value : '••••••'
}

/** What charts and their documentation put in, and what is guessed first. */
const everybodys = ['admin', 'airflow', 'password', 'postgres', 'changeme', 'redis', 'test', 'secret', '123456']

export function isKnownPassword(value: string): boolean {
  return everybodys.includes(value.trim().toLowerCase())
}

interface LoginValues {
  webserver?: { defaultUser?: { enabled?: boolean; password?: unknown } }
  createUserJob?: { args?: unknown }
  airflow?: { users?: { username?: unknown; password?: unknown }[] }
}

/** Of the people that the chart makes; a chart that is told no password takes its own, `admin`. */
export function knownPasswords({ values, hooks, objects }: Release): string[] {
  const { webserver, createUserJob, airflow } = values as LoginValues
  const { enabled = true, password = 'admin' } = webserver?.defaultUser ?? {}
  const makes = hooks.some(({ ref }) => isCreateUser(ref.kind, ref.name)) || objects.some(({ kind, metadata }) => isCreateUser(kind, metadata.name))
  // Other arguments may take it from elsewhere.
  const official = enabled && makes && createUserJob?.args === undefined && isKnown(password) ? ['webserver.defaultUser.password'] : []
  const users = Array.isArray(airflow?.users) ? airflow.users : []
  return [...official, ...users.flatMap(({ password: one }, index) => (isKnown(one) ? [`airflow.users[${index}].password`] : []))]
}

function isCreateUser(kind: string, name: string): boolean {
  return kind === 'Job' && name.endsWith('create-user')
}

function isKnown(password: unknown): boolean {
  return typeof password === 'string' && isKnownPassword(password)
}
