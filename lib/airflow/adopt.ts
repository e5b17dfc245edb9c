import type { KubernetesObject, ObjectRef, Release, ReleaseWish } from '../access.ts'
import { edited } from '../manifest/load.ts'
import type { Finding } from '../step.ts'
import { bringsDatabase, placesOf, textAt, type Place } from './adopted-places.ts'
import { partsOf as executorsIn } from './executors.ts'
import { familyOfRelease, type Family } from './families.ts'
import { readData, type Given, type KeySpec } from './keys.ts'
import { changedValues, executorOf } from './release.ts'
import { extraEnvOf, keyVariables, valueAt } from './values.ts'

export function adoptionRefs(release: Release, family: Family): ObjectRef[] {
  const names = new Set(placesOf(release, family).flatMap(({ secrets }) => secrets))
  return [...names].map((name) => ({ apiVersion: 'v1', kind: 'Secret', name, namespace: release.namespace }))
}

/** What Airflow is connected to, as the release has it. */
export interface Connected {
  user: string
  name: string
  host: string
  port: number
  sslmode: string
  password: string
}

/** What is taken over of a release: its keys and passwords, and where its data lies. */
export interface Adoption {
  given: Given
  connected?: Connected | undefined
}

export function adoption(release: Release, family: Family, secrets: readonly (KubernetesObject | undefined)[]): Adoption {
  const known = new Map(secrets.filter((secret) => secret !== undefined).map((secret) => [secret.metadata.name, readData(secret)]))
  const found: Partial<Record<Place['what'], string | undefined>> = {}
  for (const { what, secrets: names, key, value } of placesOf(release, family)) found[what] ??= value ?? names.map((name) => known.get(name)?.[key]).find((value) => value !== undefined && value !== '')
  const { connection, database, user, admin = adminPassword(release), ...keys } = found
  const connected = family.maker === 'community' ? connectedBy(release, database, user) : partsOf(connection)
  return { given: { ...keys, database: connected?.password, admin }, connected }
}

function partsOf(connection: string | undefined): Connected | undefined {
  if (connection === undefined || !URL.canParse(connection)) return undefined
  const { username, password, hostname, port, pathname, search } = new URL(connection)
  return { user: decodeURIComponent(username), password: decodeURIComponent(password), host: hostname, port: Number(port === '' ? 5432 : port), name: decodeURIComponent(pathname.slice(1)), sslmode: sslmodeIn(search) }
}

/** `?sslmode=require`; where nothing is said libpq prefers it. */
function sslmodeIn(query: string): string {
  return new URLSearchParams(query).get('sslmode') ?? 'prefer'
}

/** The community chart puts its connection together of these; the defaults are those of its values.yaml. airstrip knows no MySQL. */
function connectedBy({ name, namespace, values }: Release, password: string | undefined, user: string | undefined): Connected | undefined {
  if (password === undefined) return undefined
  const at = (path: string, preset: string): string => textAt(values, path) ?? preset
  if (bringsDatabase(values)) return { user: at('postgresql.postgresqlUsername', 'postgres'), name: at('postgresql.postgresqlDatabase', 'airflow'), host: `${name}-postgresql.${namespace}`, port: 5432, sslmode: 'disable', password }
  if (user === undefined || at('externalDatabase.type', 'postgres') !== 'postgres') return undefined
  return { user, name: at('externalDatabase.database', 'airflow'), host: at('externalDatabase.host', 'localhost'), port: Number(valueAt(values, 'externalDatabase.port') ?? 5432), sslmode: sslmodeIn(at('externalDatabase.properties', '')), password }
}

/** What the chart made the first user with, where nobody changed it since: the chart's own default is known to everybody. */
function adminPassword({ values }: Release): string {
  const users = (values.airflow as { users?: { password?: unknown }[] } | undefined)?.users
  const first = Array.isArray(users) ? users[0]?.password : undefined
  const said = [valueAt(values, 'createUserJob.defaultUser.password'), valueAt(values, 'webserver.defaultUser.password'), first]
  return said.find((one): one is string => typeof one === 'string') ?? 'admin'
}

/** Keys, passwords and the names of their Secrets: what these say is taken over, whatever they are called. */
const takenOver = [
  /^executor$/, /^airflow\.executor$/, /(^|\.)fernetKey(SecretName)?$/, /(^|\.)(webserverSecretKey|apiSecretKey|jwtSecret)(SecretName|Name)?$/,
  /^(webserver|createUserJob)\.defaultUser(\.|$)/, /^airflow\.(users|usersTemplates)(\.|$)/, /^data\.(metadataConnection|resultBackendConnection|metadataSecretName|resultBackendSecretName|brokerUrl|brokerUrlSecretName)(\.|$)/,
  /^postgresql\.(auth|global|existingSecret|existingSecretKey|postgresql(Username|Password|Database|PostgresPassword))(\.|$)/, /^redis\.(password|passwordSecretName|existingSecret|existingSecretPasswordKey)$/,
  /^externalDatabase\./, /^(workers|redis)\.enabled$/, /^airflowVersion$/, /^defaultAirflow(Tag|Repository)$/, /^airflow\.image\.(tag|repository)$/,
]

/** Without the variables that hold the keys: what else stands in that list is the person's own. */
function withoutKeys(values: Record<string, unknown>): Record<string, unknown> {
  const all = extraEnvOf(values)
  const rest = all.filter(({ name }) => !(Object.values(keyVariables) as string[]).includes(name))
  return rest.length === all.length ? values : { ...values, airflow: { ...(values.airflow as object), extraEnv: rest.length === 0 ? undefined : rest } }
}

/**
 * What decides over a release, beside its values: the community chart brings Flower with Celery, and
 * airstrip leaves it out; either chart makes a claim for DAGs or logs where it is given none, which Helm
 * would delete, with all that is in it, once it is given airstrip's; and DAGs that git-sync brings lie in
 * no volume unless they were given one, which the community chart refuses to have beside it.
 */
export function decisionsOf(release: Release): Record<string, unknown> {
  const { name, values, objects } = release
  const hasFlower = familyOfRelease(release).maker === 'community' && executorsIn(executorOf(release))?.celery === true
  const claimed = ['dags', 'logs'].filter((what) => objects.some(({ kind, metadata }) => kind === 'PersistentVolumeClaim' && metadata.name === `${name}-${what}`))
  const synced = valueAt(values, 'dags.gitSync.enabled') === true && valueAt(values, 'dags.persistence.enabled') === undefined
  return {
    ...values,
    ...(synced ? { dags: edited(values.dags, { persistence: { enabled: false } }) } : {}),
    ...(hasFlower ? { flower: { enabled: true, ...(values.flower as object | undefined) } } : {}),
    ...Object.fromEntries(claimed.map((what) => [what, edited(values[what] ?? {}, { persistence: { existingClaim: '' } })])),
  }
}

/** Values of the release that the wish does not have: what they decided would be lost. By path, with what stood there. */
export function droppedValues(decided: Record<string, unknown>, wish: Record<string, unknown>): Map<string, unknown> {
  const [had, wanted] = [withoutKeys(decided), withoutKeys(wish)]
  const paths = changedValues(wanted, had).filter((path) => !takenOver.some((pattern) => pattern.test(path)))
  return new Map(paths.map((path) => [path, valueAt(had, path)] as const).filter(([, value]) => value !== undefined && value !== null))
}

/** What must be written into the configuration first, so that nothing of the release is lost. */
export function guardAdoption(wish: ReleaseWish, release: Release, { given, connected }: Adoption, database: KeySpec['database']): Finding[] {
  const pooled = connected?.host.startsWith(`${release.name}-pgbouncer`) === true
  const lacking = [
    ...(given.fernetKey === undefined ? ['its Fernet key was not found'] : []),
    ...(connected === undefined ? ['the connection to its database was not found'] : []),
    ...(pooled ? ['it reaches its database through PgBouncer, which airstrip gives no connection: switch pgbouncer.enabled off first'] : []),
  ]
  const writes = [
    ...(connected === undefined || pooled ? [] : otherConnection(connected, database, release)),
    ...[...droppedValues(decisionsOf(release), wish.values).keys()].map((path) => `airflow.values.${path}`),
  ]
  if (lacking.length === 0 && writes.length === 0) return []
  return [{
    id: 'adoption-incomplete',
    severity: 'error',
    title: `The configuration does not have all that release ${release.namespace}/${release.name} is made of`,
    evidence: [...lacking, ...writes.map((line) => `not as the release has it: ${line}`), `it runs ${executorOf(release)}`],
    why: 'What it has and the configuration does not would be taken away from it, or its database would not be found.',
    fix: ['npx tsx run.ts adopt # prints the part of the configuration that fits it'],
  }]
}

function otherConnection(connected: Connected, database: KeySpec['database'], release: Release): string[] {
  const other = (['user', 'name', 'port', 'sslmode'] as const).filter((key) => connected[key] !== database[key]).map((key) => `airflow.database.${key}: ${connected[key]}`)
  return sameHost(connected.host, database.host, release) ? other : [...other, `airflow.database.external: ${connected.host}`]
}

function sameHost(had: string, wanted: string, { name, namespace }: Release): boolean {
  const bundled = [`${name}-postgresql`, `${name}-postgresql.${namespace}`]
  const short = (host: string): string => host.replace(/\.svc(\.cluster\.local)?$/, '')
  return short(had) === short(wanted) || (bundled.includes(short(had)) && bundled.includes(short(wanted)))
}
