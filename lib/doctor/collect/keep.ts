/**
 * What is kept of an object. Only what rules read: the rest is much, and an annotation or a variable
 * may hold a password.
 */
import type { KubernetesObject } from '../../access.ts'
import { type Redact, redacted } from '../redact.ts'

/** Their values are the program's own settings and no secrets, and rules read them. */
const readableVariables = /^AIRFLOW__(WEBSERVER|API)__(BASE_URL|ENABLE_PROXY_FIX)$|^AIRFLOW__CORE__EXECUTOR$/

export function keepers(redact: Redact) {
  return {
    text: redact,
    plain: (object: KubernetesObject): KubernetesObject => withoutNoise(object),
    nameOnly: ({ apiVersion, kind, metadata }: KubernetesObject): KubernetesObject => ({ apiVersion, kind, metadata: namesOf(metadata) }),
    keysOnly: ({ apiVersion, kind, metadata, data }: KubernetesObject): KubernetesObject => ({ apiVersion, kind, metadata: namesOf(metadata), keys: Object.keys(data ?? {}) }),
    event: (object: KubernetesObject): KubernetesObject => redacted(withoutNoise(object), redact),
    pod: (object: KubernetesObject): KubernetesObject => redacted({ ...withoutNoise(object), spec: withoutValues(object.spec, redact) }, redact),
    workload: (object: KubernetesObject): KubernetesObject => ({ ...withoutNoise(object), spec: withoutValues(object.spec, redact) }),
    middleware: (object: KubernetesObject): KubernetesObject => ({ ...withoutNoise(object), spec: onlyPrefix(object.spec) }),
  }
}

function namesOf({ name, namespace, uid, labels, creationTimestamp, deletionTimestamp }: KubernetesObject['metadata']): KubernetesObject['metadata'] {
  return { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }), ...(labels === undefined ? {} : { labels }), ...(creationTimestamp === undefined ? {} : { creationTimestamp }), ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) }
}

function withoutNoise(object: KubernetesObject): KubernetesObject {
  const metadata = { ...object.metadata }
  delete metadata.managedFields
  if (metadata.annotations !== undefined) {
    metadata.annotations = { ...metadata.annotations }
    delete metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']
  }
  return { ...object, metadata }
}

/** Headers and plugins of a Middleware may hold tokens; rules read which kind it is, and the prefixes. */
function onlyPrefix(spec: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).map(([kind, value]) => [kind, kind === 'stripPrefix' ? (value as unknown) : {}]))
}

/** Variables keep their names, and a reference to a Secret or ConfigMap its target; of arguments only what is known to be no secret is whole. */
function withoutValues(value: unknown, redact: Redact): unknown {
  if (Array.isArray(value)) return value.map((one) => withoutValues(one, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, !Array.isArray(inner) ? withoutValues(inner, redact) : key === 'env' ? inner.map(variable) : key === 'args' || key === 'command' ? words(inner, redact) : withoutValues(inner, redact)]))
}

/** Traefik's own settings, without addresses of people and keys of DNS providers. */
const readableFlags = /^--(entrypoints\.|providers\.kubernetes|core\.|configfile$|certificatesresolvers\.[^.]+\.acme\.(storage|caserver|tlschallenge|httpchallenge|dnschallenge)\b)/i
const secretFlags = /^--?\S*(pass|token|secret|credential|key)/i
const mask = '••••••'

function words(list: readonly unknown[], redact: Redact): unknown[] {
  return list.map((word, index) => {
    if (typeof word !== 'string') return word
    const before = list[index - 1]
    if (typeof before === 'string' && !before.includes('=') && secretFlags.test(before) && !word.startsWith('-')) return mask
    const [, flag = '', value = ''] = /^(--[^=\s]+)=(.*)$/s.exec(word) ?? []
    if (flag === '' || /^(true|false|\d+)$/.test(value)) return redact(word)
    return readableFlags.test(flag) && !secretFlags.test(flag) ? word : `${flag}=${mask}`
  })
}

function variable(one: unknown): unknown {
  const { name, value, valueFrom } = one as { name: string; value?: string; valueFrom?: unknown }
  if (valueFrom !== undefined) return { name, valueFrom }
  return readableVariables.test(name) ? { name, value } : { name }
}
