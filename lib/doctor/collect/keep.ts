/**
 * What is kept of an object. Only what rules read: the rest is much, and an annotation, a variable or an
 * argument may hold a password. Texts (messages, descriptions) are kept here and cleaned when all is
 * together, for by then more secrets are known.
 */
import type { KubernetesObject } from '../../access.ts'
import { isSecretEntry, readData, secretsInEntry } from '../../airflow/keys.ts'
import { lastWriter } from '../../diff/managed.ts'
import { learnParts } from '../learn-parts.ts'
import { isSecretName, type Learn, learnFromText, learnLogin, learnSetting } from '../learn.ts'
import { loginInImage } from '../looks/addresses.ts'
import { type Count, mask } from '../redact.ts'
import type { Scope } from './collector.ts'
import { commandLineOf, isPause, readableArguments } from './arguments.ts'

/** Their values are the program's own settings and no secrets, and rules read them. */
const readableVariables = /^AIRFLOW__(WEBSERVER|API)__(BASE_URL|ENABLE_PROXY_FIX)$|^AIRFLOW__CORE__EXECUTOR$|^PGDATA$/

/** Kubernetes' own, and Helm's. */
const readableAnnotations = /^(?:volume\.(?:beta\.)?kubernetes\.io\/[\w.-]+|storageclass\.(?:beta\.)?kubernetes\.io\/is-default-class|meta\.helm\.sh\/release-name(?:space)?|helm\.sh\/(?:hook|hook-weight|hook-delete-policy|resource-policy)|pv\.kubernetes\.io\/[\w.-]+|deployment\.kubernetes\.io\/[\w.-]+|deprecated\.daemonset\.template\.generation|kubectl\.kubernetes\.io\/restartedAt|kubernetes\.io\/(?:limit-ranger|ingress\.class|config\.source|config\.mirror|config\.hash|config\.seen)|node\.alpha\.kubernetes\.io\/ttl|volumes\.kubernetes\.io\/[\w.-]+|ingressclass\.kubernetes\.io\/is-default-class|control-plane\.alpha\.kubernetes\.io\/leader)$/

const readableHeaders = /^(?:host|accept|user-agent|content-type|x-forwarded-(?:proto|for|host|port|prefix)|x-script-name)$/i

/** Of a StorageClass or a volume's driver. */
const readableParameters = /^(?:server|share|path|nodePath|pathPattern|subDir|type|fsType|fsName|pool|clusterID|monitors|archiveOnDelete|onDelete|encrypted|iops\w*|throughput|zones?|numberOfReplicas|staleReplicaTimeout|dataLocality|diskSelector|nodeSelector|replication-type|storage\.kubernetes\.io\/\S*|csi\.storage\.k8s\.io\/\S*)$/

/** What a route of Traefik wants of a header or a query, which may be a token: Headers(`X-Token`, `X`), Query(`token=X`). */
const pairs = /(\b(?:Headers?|Query)(?:Regexp)?\(\s*(?:`[^`]*`|"[^"]*")\s*,\s*([`"]))((?:(?!\2).)*)/gis
const assignments = /(\b(?:Headers?|Query)(?:Regexp)?\(\s*([`"])(?:(?!\2)[^=,])*=)((?:(?!\2).)*)/gis

export type Keepers = ReturnType<typeof keepers>

/** Who is told of what is not kept. */
interface Told {
  learn: Learn
  count: Count
  /** Learns a setting; what thousands of pods say alike is looked at once. */
  note: (name: string, value: string) => void
  marks: Map<string, number>
}

export function keepers({ learn = () => undefined, count = () => undefined, marks = new Map() }: Pick<Scope, 'learn' | 'count' | 'marks'>) {
  const noted = new Set<string>()
  const note: Told['note'] = (name, value) => {
    const setting = `${name}=${value}`
    if (!noted.has(setting)) learnSetting(learn, name, value)
    noted.add(setting)
  }
  const told: Told = { learn, count, note, marks }
  const kept = (object: KubernetesObject): KubernetesObject => cleaned(object, told)
  return {
    plain: kept, event: kept, pod: kept, workload: kept, nameOnly, definition,
    // Headers and plugins may hold tokens; rules read which kind it is, and the prefixes.
    middleware: (object: KubernetesObject): KubernetesObject => ({ ...kept(object), spec: onlyPrefix(object.spec) }),
    keysOnly: (object: KubernetesObject): KubernetesObject => keysOnly(object, told),
  }
}

function cleaned(object: KubernetesObject, told: Told): KubernetesObject {
  const metadata = { ...object.metadata }
  delete metadata.managedFields
  return { ...object, ...(walk({ ...object, metadata: undefined }, told) as object), metadata: walk(metadata, told) as KubernetesObject['metadata'] }
}

/** By the name of the field that a value lies under, however deep. */
function walk(value: unknown, told: Told): unknown {
  if (Array.isArray(value)) return value.map((one) => walk(one, told))
  if (typeof value !== 'object' || value === null) return value
  return mapped(value, (key, inner) => special(key, inner, told))
}

function special(key: string, value: unknown, told: Told): unknown {
  if (Array.isArray(value)) return specialList(key, value, told)
  if (typeof value === 'string') return specialText(key, value, told)
  if (typeof value !== 'object' || value === null) return value
  if (key === 'annotations') return annotations(value as Record<string, string>, told)
  if (/^custom(?:Request|Response)Headers$/.test(key)) return mapped(value, (name, said) => header(name, said, told))
  // A route's options are a reference, and have a name.
  if (['parameters', 'volumeAttributes'].includes(key) || (key === 'options' && !('name' in value))) return mapped(value, (name, said) => parameter(name, said, told))
  if (key === 'plugin') return texts(value, (name, said) => hidden('parameters', name, said, told))
  return walk(value, told)
}

function specialText(key: string, value: string, told: Told): string {
  if (/^ca(?:Bundle|Data|\.crt)$|-data$/.test(key)) return hidden('certificates', '', value, told)
  if (key === 'match') return [pairs, assignments].reduce((rule, pattern) => rule.replace(pattern, (_, before: string, _sign: string, said: string) => before + hidden('headers', '', said, told)), value)
  // Of a probe.
  if (key === 'host') return value.replace(/^.*@/s, (login) => `${hidden('headers', 'password', login.replace(/^[^:]*:|@$/g, ''), told)}@`)
  // It stays as it is until all is swept, beside the events that quote it.
  const login = /^image(?:ID)?$/.test(key) ? loginInImage.exec(value)?.groups?.secret : undefined
  if (login !== undefined) told.note('password', login)
  return value
}

function specialList(key: string, list: readonly unknown[], told: Told): unknown {
  switch (key) {
    case 'env':
      return list.map((one) => variable(one as Setting, told))
    case 'args':
    case 'command':
      told.note('', commandLineOf(list))
      return readableArguments(list, told.learn, told.count)
    case 'httpHeaders':
      return (list as readonly Setting[]).map(({ name, value }) => ({ name, value: header(name, value, told) }))
    case 'users':
      return list.map((one) => (typeof one === 'string' ? hidden('parameters', key, one, told) : walk(one, told)))
    default:
      return list.map((one) => walk(one, told))
  }
}

function hidden(what: 'certificates' | 'headers' | 'parameters', name: string, value: unknown, { count, note }: Told): string {
  count(what)
  if (typeof value === 'string') note(name, value)
  return mask
}

function header(name: string, value: unknown, told: Told): unknown {
  return readableHeaders.test(name) ? value : hidden('headers', name, value, told)
}

function parameter(name: string, value: unknown, told: Told): unknown {
  return readableParameters.test(name) && !isSecretName(name) ? value : hidden('parameters', name, value, told)
}

function annotations(all: Record<string, string>, told: Told): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => {
    if (readableAnnotations.test(name)) return true
    told.count('annotations')
    told.note(name, value)
    if (name === 'kubectl.kubernetes.io/last-applied-configuration') learnApplied(value, told)
    return false
  }))
}

/** An object as it once was: its parts say which of them may be secret. */
function learnApplied(text: string, told: Told): void {
  const learning = { ...told, count: () => undefined, marks: new Map() }
  try {
    const object = JSON.parse(text) as KubernetesObject
    if (['Secret', 'ConfigMap'].includes(object.kind)) keysOnly(object, learning)
    else walk({ ...object, metadata: undefined }, learning)
  } catch {
    // Cut short, or none of kubectl's: its looks have been seen.
  }
}

/** Variables keep their names, and a reference to a Secret or ConfigMap its target. */
function variable({ name, value, valueFrom }: Setting, { count, note }: Told): unknown {
  if (valueFrom !== undefined) return { name, valueFrom }
  if (readableVariables.test(name) || (/^GIT_?SYNC_(?:PERIOD|WAIT)$/.test(name) && isPause(String(value)))) return { name, value }
  if (typeof value === 'string' && value !== '') {
    count('variables')
    note(name, value)
  }
  return { name }
}

function nameOnly({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject {
  return { apiVersion, kind, metadata: namesOf(metadata) }
}

/** Schemas fill most of it. */
function definition(object: KubernetesObject): KubernetesObject {
  const { conditions } = (object.status ?? {}) as { conditions?: unknown }
  return { ...nameOnly(object), status: { conditions } }
}

/** A Secret or a ConfigMap. */
function keysOnly(object: KubernetesObject, { learn, count, marks }: Told): KubernetesObject {
  const isSecret = object.kind === 'Secret'
  const parts = isSecret ? [readData(object), object.stringData] : [object.data, object.binaryData]
  const binary = readData({ ...object, data: object.binaryData ?? {} })
  const data = Object.entries(Object.assign({}, ...parts) as Record<string, unknown>)
  count(isSecret ? 'secrets' : 'configMaps', data.length)
  for (const [key, value] of data) if (typeof value === 'string') (isSecret ? learnSecret : learnSetting)(learn, key, value)
  if (isSecret) learnBytes(learn, object)
  else for (const [key, value] of Object.entries(binary)) learnSetting(learn, key, value)
  return { ...nameOnly(object), keys: data.map(([key]) => key), ...(isSecret ? {} : { marks: marksOf(data, marks), ...writtenBy(object, data) }) }
}

/** Numbers in the order in which values were met: equal ones have the same, and none tells what it is of. */
function marksOf(data: readonly [string, unknown][], marks: Map<string, number>): Record<string, number> {
  return Object.fromEntries(data.map(([key, value]) => {
    const mark = marks.get(String(value)) ?? marks.size + 1
    marks.set(String(value), mark)
    return [key, mark]
  }))
}

/** Who wrote any of it last, where the API server has noted that. */
function writtenBy(object: KubernetesObject, data: readonly [string, unknown][]): { written?: { by: string; at: string } } {
  const writers = data.flatMap(([key]) => lastWriter(object, ['data', key]) ?? [])
  const [last] = writers.sort((a, b) => b.time.localeCompare(a.time))
  return last === undefined ? {} : { written: { by: last.manager, at: last.time } }
}

interface Setting {
  name: string
  value?: unknown
  valueFrom?: unknown
}

/** All of it, and what lies within; of what is no secret itself, an address with a password in it for example, what looks secret. */
export function learnSecret(learn: Learn, key: string, value: string): void {
  for (const one of secretsInEntry(key, value)) learn(one)
  if (isSecretEntry(key, value)) learnParts(learn, value)
  else {
    learnFromText(learn, value)
    learnLogin(learn, value)
  }
}

/** What is no text is printed in base64, as a Secret has it, or in hexadecimal. */
export function learnBytes(learn: Learn, secret: KubernetesObject): void {
  const data = (secret.data ?? {}) as Record<string, string>
  for (const [key, value] of Object.entries(readData(secret))) {
    const bytes = data[key] ?? ''
    if (isSecretEntry(key, value) && value.includes('\uFFFD')) for (const one of [bytes, bytes.replace(/=+$/, ''), Buffer.from(bytes, 'base64').toString('hex')]) learn(one)
  }
}

function mapped(value: object, act: (name: string, value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, act(name, inner)]))
}

/** However deep. */
function texts(value: unknown, act: (name: string, value: string) => unknown, name = ''): unknown {
  if (typeof value === 'string') return act(name, value)
  if (Array.isArray(value)) return value.map((one) => texts(one, act, name))
  if (typeof value !== 'object' || value === null) return value
  return mapped(value, (key, inner) => texts(inner, act, key))
}

function namesOf({ name, namespace, uid, labels, creationTimestamp, deletionTimestamp }: KubernetesObject['metadata']): KubernetesObject['metadata'] {
  return { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }), ...(labels === undefined ? {} : { labels }), ...(creationTimestamp === undefined ? {} : { creationTimestamp }), ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) }
}

function onlyPrefix(spec: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).map(([kind, value]) => [kind, kind === 'stripPrefix' ? (value as unknown) : {}]))
}
