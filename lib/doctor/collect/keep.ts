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
    pod: (object: KubernetesObject): KubernetesObject => redacted({ ...withoutNoise(object), spec: withoutValues(object.spec) }, redact),
    workload: (object: KubernetesObject): KubernetesObject => ({ ...withoutNoise(object), spec: withoutValues(object.spec) }),
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

/** Variables keep their names, and a reference to a Secret or ConfigMap its target; arguments may hold anything. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === 'env' && Array.isArray(inner) ? inner.map(variable) : withoutValues(inner)]))
}

function variable(one: unknown): unknown {
  const { name, value, valueFrom } = one as { name: string; value?: string; valueFrom?: unknown }
  if (valueFrom !== undefined) return { name, valueFrom }
  return readableVariables.test(name) ? { name, value } : { name }
}
