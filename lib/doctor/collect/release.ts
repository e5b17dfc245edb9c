/** What Helm knows of the release, and the Secrets beside it without their values. */
import { readData } from '../../airflow/keys.ts'
import { readLease } from '../../airflow/lock.ts'
import { operationRef } from '../../airflow/operation.ts'
import type { KubernetesObject, Reader, Release } from '../../access.ts'
import { lastWriter } from '../../diff/managed.ts'
import { AirstripError } from '../../errors.ts'
import type { SecretFacts } from '../evidence.ts'
import type { Learn } from '../learn.ts'
import { type Scope, type Found, messageOf } from './collector.ts'
import { keepers, learnBytes, learnSecret } from './keep.ts'
import { isKnownPassword, knownPasswords, readableValues } from './values.ts'

export async function collectRelease(reader: Reader, scope: Scope): Promise<Found> {
  const { namespace, release } = scope
  if (release === undefined) return {}
  try {
    const record = await reader.release(release, namespace)
    if (record === undefined) return {}
    const kept = keptOf(record, scope)
    return { record: kept, records: record.records ?? [], knownPasswords: knownPasswords(record), looked: [`Helm release ${namespace}/${record.name}: ${record.status}`] }
  } catch (error) {
    if (error instanceof AirstripError && error.code === 'CLUSTER_UNREACHABLE') throw error
    return { unknown: [`the record of Helm release ${namespace}/${release} could not be read: ${messageOf(error)}`] }
  }
}

/** Who says to be at work on the release, and whether that process is there. */
export async function collectOperation(reader: Reader, { namespace, release }: Scope): Promise<Found> {
  if (release === undefined) return {}
  const [lease] = await reader.get([operationRef({ name: release, namespace })])
  const held = readLease(lease)
  const { holderIdentity = '' } = held
  return { operation: { ...held, alive: holderIdentity === '' ? undefined : await reader.alive(holderIdentity) } }
}

/** A record holds every manifest and value of the release, passwords among them. */
function keptOf(record: Release, scope: Scope): Release {
  const { values, hooks, objects, base = [], ...rest } = record
  const keep = keepers(scope)
  const kept = (object: KubernetesObject): KubernetesObject => (['Secret', 'ConfigMap'].includes(object.kind) ? keep.keysOnly(object) : keep.workload(object))
  // Not kept, but the last revision's secrets may be in what is said today.
  base.forEach(kept)
  return {
    ...rest,
    base: undefined,
    values: readableValues(values, scope),
    objects: objects.map(kept),
    hooks: hooks.map(({ object, ...hook }) => ({ ...hook, ...(object === undefined ? {} : { object: kept(object) }) })),
  }
}

export async function collectSecrets(reader: Reader, { namespace, learn = () => undefined, count }: Scope): Promise<Found> {
  try {
    const secrets = await reader.list({ resources: ['secrets'], namespace, fieldSelector: 'type!=helm.sh/release.v1' })
    for (const secret of secrets) count?.('secrets', Object.keys(readData(secret)).length)
    const unknown = secrets.filter((secret) => !isLearned(learn, secret)).map(({ metadata: { name } }) => `Secret ${namespace}/${name} could not be looked through`)
    return { secrets: factsOf(secrets), looked: [`${secrets.length} secrets`], unknown }
  } catch (error) {
    if (error instanceof AirstripError && error.code === 'CLUSTER_UNREACHABLE') throw error
    return { unknown: [`secrets in ${namespace} could not be read: ${messageOf(error)}`] }
  }
}

/** One that cannot be looked through must not leave the others unknown; why it cannot may quote it. */
function isLearned(learn: Learn, secret: KubernetesObject): boolean {
  try {
    for (const [key, value] of Object.entries(readData(secret))) learnSecret(learn, key, value)
    learnBytes(learn, secret)
    return true
  } catch {
    return false
  }
}

/** Each Secret's facts, compared with all the others. */
export function factsOf(secrets: readonly KubernetesObject[]): SecretFacts[] {
  const cores = new Map(secrets.map((secret) => [secret, Object.entries(readData(secret)).map(([key, value]) => ({ key, core: coreOf(value), value }))]))
  const holders = new Map<string, string[]>()
  for (const [{ metadata }, entries] of cores) for (const { key, core } of entries) holders.set(core, [...(holders.get(core) ?? []), `${metadata.name}/${key}`])
  return secrets.map((secret) => {
    const { name, labels = {}, creationTimestamp = '' } = secret.metadata
    const entries = cores.get(secret) ?? []
    return {
      name, labels, type: typeof secret.type === 'string' ? secret.type : 'Opaque', createdAt: creationTimestamp,
      keys: entries.map(({ key }) => key),
      same: Object.fromEntries(entries.map(({ key, core }) => [key, (holders.get(core) ?? []).filter((one) => one !== `${name}/${key}`)])),
      ...changeOf(secret),
      remarks: Object.fromEntries(entries.flatMap(({ key, value }) => { const said = remarkOn(key, value); return said === undefined ? [] : [[key, said]] })),
    }
  })
}

/** The API server notes the writers of each field; whoever made the Secret wrote at its own time. */
function changeOf(secret: KubernetesObject): Pick<SecretFacts, 'changed'> {
  const writers = Object.keys(readData(secret)).map((key) => lastWriter(secret, ['data', key])).filter((writer) => writer !== undefined)
  const [last] = writers.sort((a, b) => b.time.localeCompare(a.time))
  const isLater = last !== undefined && Date.parse(last.time) > Date.parse(secret.metadata.creationTimestamp ?? '')
  return isLater ? { changed: { by: last.manager, at: last.time } } : {}
}

/** The password of an address, since that is what two Secrets must agree on; anything else whole. */
function coreOf(value: string): string {
  const encoded = /^[a-z][a-z0-9+.-]*:\/\/[^:/@]*:([^@/]+)@/i.exec(value)?.[1]
  if (encoded === undefined) return value
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** For everybody to read: the keys of the community chart, of Bitnami's and puckel's images, and of Airflow's own template before 2.0. */
const published = [
  '7T512UXSSmBOkpWimFHIVb8jK6lfmSAvx4mO6Arehnc=', 'THIS IS UNSAFE!',
  '46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=', 'a25mQ1FHTUh3MnFRSk5KMEIyVVU2YmN0VGRyYTVXY08=',
  'temporary_key',
]

/** Where a connection leads is no secret, and wrong often enough; its user may be one, where somebody forgot a colon, and so may a part of a password that was not encoded. */
function whereTo(connection: string): string {
  const [, host, port = '', name = ''] = /^(?:db\+)?(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|sqlite|cockroachdb)(?:\+\w{1,20})?:\/\/(?:[^/]*@)?(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(?:\/([\w.-]*))?(?:\?[^@]*)?$/is.exec(connection.trim()) ?? []
  const sslmode = /[?&]sslmode=([a-z-]{1,20})(?:&|$)/.exec(connection.trim())?.[1]
  // An `echo` without -n: libpq takes it for a part of the database's name; of a query SQLAlchemy reads one line.
  const read = connection.includes('?') ? connection.replace(/\n$/, '') : connection
  const edge = read === connection.trim() ? '' : ', with a space or a line break around it'
  return host === undefined ? 'is not the address of a database' : `leads to ${host}:${port}/${name}${sslmode === undefined ? '' : ` with sslmode=${sslmode}`}${edge}`
}

function remarkOn(key: string, value: string): string | undefined {
  if (published.includes(value)) return 'is one that stands in a documentation'
  if (value.trim() === '') return 'is empty'
  if (key === 'connection') return whereTo(value)
  if (key.endsWith("password") && isKnownPassword(value)) return 'is a password that everybody knows'
  if (/fernet/i.test(key) && !value.split(',').every((one) => /^[A-Za-z0-9_-]{43}=$/.test(one.trim()))) return 'is not a Fernet key'
  return undefined
}
