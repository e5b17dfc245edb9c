/**
 * Secrets in `airflow.values`, where the charts' own documentation puts them.
 *
 * Values pass through, so what is written here would end up in the Helm release, in diffs and in
 * the file itself. Only places that are known to hold a secret are refused: a guess by the word
 * would also refuse `fernetKeySecretName`, which is the right way.
 */
import type { Found, Path } from './mistakes.ts'
import { spotKey, type Tree } from './tree.ts'

const ofAdmin = 'write airflow.admin.password: { env: NAME } or { file: /path }, or leave it out and one is generated'
const ofDatabase = 'write airflow.database.password: { env: NAME } or { file: /path }, or leave it out and one is generated'
const made = 'leave it out: it is made once and kept in a Kubernetes Secret'
const named = (key: string) => `put it into a Kubernetes Secret and name that in ${key}`

/** `*` is any one key or index, and may begin a word. Both charts, as of 1.x and 8.x. */
const places: readonly (readonly [place: string, write: string])[] = [
  ['webserver.defaultUser.password', ofAdmin],
  ['createUserJob.defaultUser.password', ofAdmin],
  ['fernetKey', made],
  ['webserverSecretKey', made],
  ['jwtSecret', made],
  ['apiSecretKey', made],
  ['data.metadataConnection.pass', ofDatabase],
  ['data.resultBackendConnection.pass', ofDatabase],
  ['data.brokerUrl', named('airflow.values.data.brokerUrlSecretName')],
  ['postgresql.*assword', ofDatabase],
  ['postgresql.auth.*assword', ofDatabase],
  ['postgresql.global.postgresql.auth.*assword', ofDatabase],
  ['redis.password', made],
  ['redis.auth.password', made],
  ['registry.connection.pass', named('airflow.values.registry.secretName')],
  ['elasticsearch.connection.pass', named('airflow.values.elasticsearch.secretName')],
  ['config.core.fernet_key', made],
  ['config.webserver.secret_key', made],
  ['config.database.sql_alchemy_conn', ofDatabase],
  ['config.core.sql_alchemy_conn', ofDatabase],
  ['config.smtp.smtp_password', named('airflow.values.extraEnvFrom')],
  ['airflow.fernetKey', made],
  ['airflow.webserverSecretKey', made],
  ['airflow.users.*.password', ofAdmin],
  ['airflow.config.AIRFLOW__CORE__FERNET_KEY', made],
  ['airflow.config.AIRFLOW__WEBSERVER__SECRET_KEY', made],
  ['externalDatabase.password', ofDatabase],
  ['externalRedis.password', named('airflow.values.externalRedis.passwordSecret')],
]

const variables = new Set(
  [
    'CORE__FERNET_KEY',
    'CORE__SQL_ALCHEMY_CONN',
    'DATABASE__SQL_ALCHEMY_CONN',
    'WEBSERVER__SECRET_KEY',
    'CELERY__BROKER_URL',
    'CELERY__RESULT_BACKEND',
    'SMTP__SMTP_PASSWORD',
  ].map((name) => `AIRFLOW__${name}`),
)

export function plainSecrets(tree: Tree): Found[] {
  const airflow = child(tree.value, 'airflow')
  const values = child(airflow, 'values')
  const found = places.flatMap(([place, write]) =>
    matches(values, place.split('.'), ['airflow', 'values']).map((path) => secretAt(tree, path, write)),
  )
  return [
    ...found,
    ...environment(tree, ['env'], 'leave it out, or write it as an entry of airflow.values.secret'),
    ...environment(tree, ['airflow', 'extraEnv'], 'leave it out, or name a Kubernetes Secret in its valueFrom'),
  ]
}

function matches(value: unknown, [part, ...rest]: string[], path: Path): Path[] {
  if (part === undefined) return isSecret(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
    .filter(([key]) => (part.startsWith('*') ? key.endsWith(part.slice(1)) : key === part))
    .flatMap(([key, inner]) => matches(inner, rest, [...path, Array.isArray(value) ? Number(key) : key]))
}

/** Empty or null is how the charts say "none"; `${NAME}` is the community chart's own reference. */
function isSecret(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && !/^\$\{\w+\}$/u.test(value))
}

/** Of a list of variables, the official chart's or the community's. */
function environment(tree: Tree, place: readonly string[], write: string): Found[] {
  const path = ['airflow', 'values', ...place]
  const list = path.reduce<unknown>((value, key) => child(value, key), tree.value)
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown, index) => {
    const named = variables.has(String(child(entry, 'name'))) && isSecret(child(entry, 'value'))
    return named ? [secretAt(tree, [...path, index, 'value'], write)] : []
  })
}

function secretAt(tree: Tree, path: Path, write: string): Found {
  return { offset: tree.spots.get(spotKey(path))?.value ?? 0, path, message: 'is a secret in plain text', write }
}

function child(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}
