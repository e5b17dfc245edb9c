import type { KubernetesObject, ObjectRef, RandomBytes } from '../access.ts'
import { isPlace } from '../doctor/telling.ts'

/**
 * The keys and passwords of one Airflow, each in a Secret of airstrip's own. Helm knows them only
 * by name, so they survive an uninstall, and the same database opens again after the next install.
 */
export interface KeySpec {
  namespace: string
  release: string
  database: { user: string; name: string; host: string; port: number; sslmode: string }
  username: string
}

export function secretNames(release: string) {
  return {
    fernetKey: `${release}-airstrip-fernet-key`,
    webserverSecretKey: `${release}-airstrip-webserver-secret-key`,
    apiSecretKey: `${release}-airstrip-api-secret-key`,
    jwtSecret: `${release}-airstrip-jwt-secret`,
    postgresql: `${release}-airstrip-postgresql`,
    communityPostgresql: `${release}-airstrip-community-postgresql`,
    metadata: `${release}-airstrip-metadata`,
    resultBackend: `${release}-airstrip-result-backend`,
    redis: `${release}-airstrip-redis-password`,
    broker: `${release}-airstrip-broker-url`,
    admin: `${release}-airstrip-admin`,
  } as const
}

/** Those that hold the database's password: each of them tells it to the others. */
export function passwordSecrets(release: string): string[] {
  const { postgresql, communityPostgresql, metadata, resultBackend } = secretNames(release)
  return [postgresql, communityPostgresql, metadata, resultBackend]
}

export type KeyName = keyof ReturnType<typeof secretNames>

/** What a chart takes of them. */
export interface Takes {
  keys: readonly KeyName[]
}

/** Those that the chart is given. */
export function secretRefs({ namespace, release }: Pick<KeySpec, 'namespace' | 'release'>, { keys }: Takes): ObjectRef[] {
  const names = secretNames(release)
  return keys.map((key) => ({ apiVersion: 'v1', kind: 'Secret', name: names[key], namespace }))
}

/** Those that any of the charts is given, now or before. */
export function everySecretRef(spec: Pick<KeySpec, 'namespace' | 'release'>): ObjectRef[] {
  return secretRefs(spec, { keys: Object.keys(secretNames(spec.release)) as KeyName[] })
}

/** What is known already: passwords that a person brings, keys of a release that is taken over. What is left out is made. */
export interface Given {
  database?: string | undefined
  admin?: string | undefined
  redis?: string | undefined
  fernetKey?: string | undefined
  webserverSecretKey?: string | undefined
  apiSecretKey?: string | undefined
  jwtSecret?: string | undefined
  /** Of the bundled PostgreSQL. */
  superuser?: string | undefined
}

/** The Secrets that are missing, in step with those that are there: one password, one connection. */
export function makeSecrets(spec: KeySpec, { keys }: Takes, live: readonly (KubernetesObject | undefined)[], given: Given, random: RandomBytes): KubernetesObject[] {
  const names = secretNames(spec.release)
  const known = new Map(live.filter((secret) => secret !== undefined).map((secret) => [secret.metadata.name, readData(secret)]))
  const wanted = secretData(spec, knownPasswords(spec.release, known, given, random), random)
  return keys.filter((key) => !known.has(names[key])).map((key) => secret(spec, names[key], wanted[key]))
}

interface Passwords extends Given {
  database: string
  redis: string
}

/** A lost Secret is made again from its siblings. */
function knownPasswords(release: string, known: ReadonlyMap<string, Record<string, string>>, given: Given, random: RandomBytes): Passwords {
  const names = secretNames(release)
  const old = (name: string, key: string): string | undefined => known.get(name)?.[key]
  return {
    ...given,
    database: old(names.postgresql, 'password') ?? old(names.communityPostgresql, 'postgresql-password') ?? passwordOf(old(names.metadata, 'connection')) ?? passwordOf(old(names.resultBackend, 'connection')) ?? given.database ?? makePassword(random),
    redis: old(names.redis, 'password') ?? passwordOf(old(names.broker, 'connection')) ?? given.redis ?? makePassword(random),
  }
}

/** The data keys are those that the charts read: each values.yaml names its own, and the community chart's PostgreSQL has them built in. */
function secretData(spec: KeySpec, { database, redis, ...given }: Passwords, random: RandomBytes): Record<KeyName, Record<string, string>> {
  // Who is the superuser has one password.
  const superuser = spec.database.user === 'postgres' ? database : (given.superuser ?? makePassword(random))
  return {
    fernetKey: { 'fernet-key': given.fernetKey ?? fernetKey(random) },
    webserverSecretKey: { 'webserver-secret-key': given.webserverSecretKey ?? random(32).toString('hex') },
    apiSecretKey: { 'api-secret-key': given.apiSecretKey ?? random(32).toString('hex') },
    jwtSecret: { 'jwt-secret': given.jwtSecret ?? random(64).toString('hex') },
    postgresql: { 'password': database, 'postgres-password': superuser },
    communityPostgresql: { 'postgresql-password': database, 'postgresql-postgres-password': superuser },
    metadata: { connection: connectionTo(spec, 'postgresql', database) },
    resultBackend: { connection: connectionTo(spec, 'db+postgresql', database) },
    redis: { password: redis },
    broker: { connection: `redis://:${encodeURIComponent(redis)}@${spec.release}-redis:6379/0` },
    admin: { username: spec.username, password: given.admin ?? makePassword(random) },
  }
}

function connectionTo({ database }: KeySpec, scheme: string, password: string): string {
  const { user, host, port, name, sslmode } = database
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${name}?sslmode=${sslmode}`
}

/** The password inside a connection of ours, so that a lost Secret can be made again from its sibling. */
function passwordOf(connection: string | undefined): string | undefined {
  const encoded = /^[a-z+]+:\/\/[^:]*:([^@]+)@/.exec(connection ?? '')?.[1]
  return encoded === undefined ? undefined : decodeURIComponent(encoded)
}

function secret({ namespace, release }: KeySpec, name: string, stringData: Record<string, string>): KubernetesObject {
  const labels = { 'app.kubernetes.io/managed-by': 'airstrip', 'app.kubernetes.io/instance': release }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, type: 'Opaque', stringData }
}

/** Keys of Secrets that hold nothing secret; to mask their words would only blur what is said. */
const publicKeys = ['username', 'ca.crt', 'tls.crt']

/** The community chart keeps all settings in a Secret, most of which are none: to mask `KubernetesExecutor` everywhere helps nobody. */
const settings = /^(?:AIRFLOW__(?!\w*(?:PASS|SECRET|KEY|TOKEN|CONN|BROKER|BACKEND|AUTH|CREDENTIAL|DSN))\w+|(?:DATABASE|REDIS)_(?:HOST|PORT|DB|DBNUM)|TZ)$/

/** As operators of databases and registries keep them beside a password: a host or a registry masked everywhere hides what cannot be reached. */
const places = /^(?:host|hostname|server|registry|port|dbname|database|db|user|type|provider|region|bucket|namespace|image|email)$/i

export function isSecretKey(key: string): boolean {
  return !publicKeys.includes(key) && !settings.test(key) && !places.test(key)
}

/** Where to and as whom only if the value looks so: people put a password anywhere. */
export function isSecretEntry(key: string, value: string): boolean {
  return isSecretKey(key) || (places.test(key) && !isPlace(value.trim()))
}

/** The value, and of `user:password` in the place of a user the password. */
export function secretsInEntry(key: string, value: string): string[] {
  if (!isSecretEntry(key, value)) return []
  const password = isSecretKey(key) ? undefined : /^[^:\s]{1,100}:(?!\/\/)(.+)$/s.exec(value.trim())?.[1]
  return password === undefined ? [value] : [value, password]
}

/** Of all entries of a Secret, `data` or `stringData` as it is read. */
export function secretsInData(data: Record<string, string>): string[] {
  return Object.entries(data).flatMap(([key, value]) => secretsInEntry(key, value))
}

export function readData(secret: object): Record<string, string> {
  const { data = {} } = secret as { data?: Record<string, string> }
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/** 256 bits; letters and digits only, so that no shell, URL or INI file can misread it. */
function makePassword(random: RandomBytes): string {
  return random(32).toString('hex')
}

/** Fernet: 32 bytes in URL-safe base64 with its padding. */
function fernetKey(random: RandomBytes): string {
  return random(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}
