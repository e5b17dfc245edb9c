import type { KubernetesObject, ObjectRef, RandomBytes } from '../access.ts'

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

/** The data keys are those that the official chart reads (its values.yaml names each). */
export function secretNames(release: string) {
  return {
    fernetKey: `${release}-airstrip-fernet-key`,
    webserverSecretKey: `${release}-airstrip-webserver-secret-key`,
    postgresql: `${release}-airstrip-postgresql`,
    metadata: `${release}-airstrip-metadata`,
    resultBackend: `${release}-airstrip-result-backend`,
    redis: `${release}-airstrip-redis-password`,
    broker: `${release}-airstrip-broker-url`,
    admin: `${release}-airstrip-admin`,
  } as const
}

export function secretRefs({ namespace, release }: Pick<KeySpec, 'namespace' | 'release'>): ObjectRef[] {
  return Object.values(secretNames(release)).map((name) => ({ apiVersion: 'v1', kind: 'Secret', name, namespace }))
}

/** Passwords that a person brings; what is left out is made. */
export interface Given {
  database?: string | undefined
  admin?: string | undefined
}

/** The Secrets that are missing, in step with those that are there: one password, one connection. */
export function makeSecrets(spec: KeySpec, live: readonly (KubernetesObject | undefined)[], given: Given, random: RandomBytes): KubernetesObject[] {
  const names = secretNames(spec.release)
  const known = new Map(live.filter((secret) => secret !== undefined).map((secret) => [secret.metadata.name, readData(secret)]))
  const old = (name: string, key: string): string | undefined => known.get(name)?.[key]
  const password = old(names.postgresql, 'password') ?? passwordOf(old(names.metadata, 'connection')) ?? passwordOf(old(names.resultBackend, 'connection')) ?? given.database ?? makePassword(random)
  const redis = old(names.redis, 'password') ?? passwordOf(old(names.broker, 'connection')) ?? makePassword(random)
  const wanted: Record<string, Record<string, string>> = {
    [names.fernetKey]: { 'fernet-key': fernetKey(random) },
    [names.webserverSecretKey]: { 'webserver-secret-key': random(32).toString('hex') },
    [names.postgresql]: { password, 'postgres-password': makePassword(random) },
    [names.metadata]: { connection: connectionTo(spec, 'postgresql', password) },
    [names.resultBackend]: { connection: connectionTo(spec, 'db+postgresql', password) },
    [names.redis]: { password: redis },
    [names.broker]: { connection: `redis://:${encodeURIComponent(redis)}@${spec.release}-redis:6379/0` },
    [names.admin]: { username: spec.username, password: given.admin ?? makePassword(random) },
  }
  return Object.entries(wanted).filter(([name]) => !known.has(name)).map(([name, stringData]) => secret(spec, name, stringData))
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
const publicKeys = ['username', 'namespace', 'ca.crt', 'tls.crt']

export function isSecretKey(key: string): boolean {
  return !publicKeys.includes(key)
}

export function readData(secret: KubernetesObject): Record<string, string> {
  const data = (secret.data ?? {}) as Record<string, string>
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
