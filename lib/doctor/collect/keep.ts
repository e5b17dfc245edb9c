/**
 * What is kept of an object. Only what rules read: the rest is much, and an annotation, a variable or an
 * argument may hold a password. Texts (messages, descriptions) are kept here and cleaned when all is
 * together, for by then more secrets are known.
 */
import type { KubernetesObject } from '../../access.ts'
import { isSecretKey, readData } from '../../airflow/keys.ts'
import { isSecretName, learnFromText, learnSetting } from '../learn.ts'
import { mask } from '../redact.ts'
import type { Scope } from './collector.ts'
import { readableArguments } from './arguments.ts'

/** Their values are the program's own settings and no secrets, and rules read them. */
const readableVariables = /^AIRFLOW__(WEBSERVER|API)__(BASE_URL|ENABLE_PROXY_FIX)$|^AIRFLOW__CORE__EXECUTOR$/

/** Kubernetes' own, and Helm's. */
const readableAnnotations = /^(?:volume\.(?:beta\.)?kubernetes\.io\/[\w.-]+|storageclass\.(?:beta\.)?kubernetes\.io\/is-default-class|meta\.helm\.sh\/release-name(?:space)?|helm\.sh\/(?:hook|hook-weight|hook-delete-policy|resource-policy)|pv\.kubernetes\.io\/[\w.-]+|deployment\.kubernetes\.io\/[\w.-]+|deprecated\.daemonset\.template\.generation|kubectl\.kubernetes\.io\/restartedAt|kubernetes\.io\/(?:ingress\.class|config\.source|config\.mirror|config\.hash|config\.seen)|node\.alpha\.kubernetes\.io\/ttl|volumes\.kubernetes\.io\/[\w.-]+|ingressclass\.kubernetes\.io\/is-default-class|control-plane\.alpha\.kubernetes\.io\/leader)$/

const readableHeaders = /^(?:host|accept|user-agent|content-type|x-forwarded-\w+|x-script-name)$/i

/** Of a StorageClass or a volume's driver. */
const readableParameters = /^(?:server|share|path|nodePath|pathPattern|subDir|type|fsType|fsName|pool|clusterID|monitors|archiveOnDelete|onDelete|encrypted|iops\w*|throughput|zones?|numberOfReplicas|staleReplicaTimeout|dataLocality|diskSelector|nodeSelector|replication-type|storage\.kubernetes\.io\/\S*|csi\.storage\.k8s\.io\/\S*)$/

export type Keepers = ReturnType<typeof keepers>

export function keepers({ learn = () => undefined, count = () => undefined }: Pick<Scope, 'learn' | 'count'>) {
  const cleaned = (object: KubernetesObject): KubernetesObject => {
    const { managedFields: _, ...metadata } = object.metadata
    return { ...object, metadata: walk(metadata) as KubernetesObject['metadata'], ...(walk(withoutMetadata(object)) as object) }
  }

  /** By the name of the field that a value lies under, however deep. */
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, special(key, inner)]))
  }

  const special = (key: string, value: unknown): unknown => {
    if (Array.isArray(value)) {
      if (key === 'env') return value.map(variable)
      if (key === 'args' || key === 'command') return readableArguments(value, learn, count)
      if (key === 'httpHeaders') return value.map((one) => { const { name, value: said } = one as Setting; return { name, value: header(name, said) } })
      if (key === 'users') return value.map((one) => (typeof one === 'string' ? hidden('parameters', key, one) : walk(one)))
    }
    if (typeof value === 'string' && /^ca(?:Bundle|Data|\.crt)$|-data$/.test(key)) return hidden('certificates', '', value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return walk(value)
    if (key === 'annotations') return annotations(value as Record<string, string>)
    if (/^custom(?:Request|Response)Headers$/.test(key)) return mapped(value, header)
    // A route's options are a reference, and have a name.
    if (['parameters', 'volumeAttributes'].includes(key) || (key === 'options' && !('name' in value))) return mapped(value, (name, said) => (readableParameters.test(name) && !isSecretName(name) ? said : hidden('parameters', name, said)))
    if (key === 'plugin') return texts(value, (name, said) => hidden('parameters', name, said))
    return walk(value)
  }

  const hidden = (what: 'certificates' | 'headers' | 'parameters', name: string, value: unknown): string => {
    count(what)
    if (typeof value === 'string') learnSetting(learn, name, value)
    return mask
  }

  const header = (name: string, value: unknown): unknown => (readableHeaders.test(name) ? value : hidden('headers', name, value))

  const annotations = (all: Record<string, string>): Record<string, string> => {
    const readable = Object.entries(all).filter(([name, value]) => {
      if (readableAnnotations.test(name)) return true
      count('annotations')
      learnSetting(learn, name, value)
      return false
    })
    return Object.fromEntries(readable)
  }

  /** Variables keep their names, and a reference to a Secret or ConfigMap its target. */
  const variable = (one: unknown): unknown => {
    const { name, value, valueFrom } = one as Setting & { valueFrom?: unknown }
    if (valueFrom !== undefined) return { name, valueFrom }
    if (readableVariables.test(name)) return { name, value }
    if (typeof value === 'string' && value !== '') {
      count('variables')
      learnSetting(learn, name, value)
    }
    return { name }
  }

  const nameOnly = ({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject => ({ apiVersion, kind, metadata: namesOf(metadata) })

  /** A Secret or a ConfigMap. */
  const keysOnly = (object: KubernetesObject): KubernetesObject => {
    const data = object.kind === 'Secret' ? { ...readData(object), ...(object.stringData as object | undefined) } : { ...(object.data as object | undefined), ...(object.binaryData as object | undefined) }
    count(object.kind === 'Secret' ? 'secrets' : 'configMaps', Object.keys(data).length)
    for (const [key, value] of Object.entries(data as Record<string, unknown>)) {
      if (typeof value === 'string') (object.kind === 'Secret' ? learnSecret : learnSetting)(learn, key, value)
    }
    return { ...nameOnly(object), keys: Object.keys(data) }
  }

  /** Headers and plugins may hold tokens; rules read which kind it is, and the prefixes. */
  const middleware = (object: KubernetesObject): KubernetesObject => ({ ...cleaned(object), spec: onlyPrefix(object.spec) })

  return { plain: cleaned, event: cleaned, pod: cleaned, workload: cleaned, middleware, nameOnly, keysOnly }
}

interface Setting {
  name: string
  value?: unknown
}

/** All of it, and where it is an address or a file, what in it looks secret too. */
export function learnSecret(learn: (value: string) => void, key: string, value: string): void {
  if (!isSecretKey(key)) return
  learn(value)
  learnFromText(learn, value)
}

function withoutMetadata({ metadata: _, ...rest }: KubernetesObject): object {
  return rest
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
