import { gunzipSync, gzipSync } from 'node:zlib'
import type { KubernetesObject, RecordFacts, Release, ReleaseHook } from '../access.ts'
import { AirstripError } from '../errors.ts'
import { withoutRecord } from '../airflow/lock.ts'
import { refOf } from './objects.ts'
import { parseKubernetesYaml } from './yaml.ts'

/** The parts of Helm's own record that are read here (helm pkg/release, storage driver v1). */
interface HelmRecord {
  name: string
  namespace: string
  version: number
  info: { status: string; description?: string; last_deployed?: string; deleted?: string }
  chart: { metadata: { name: string; version: string; appVersion?: string } }
  config?: Record<string, unknown> | null
  manifest: string
  hooks?: { kind: string; name: string; manifest: string; events?: string[]; delete_policies?: string[]; last_run?: { phase?: string; completed_at?: string } }[] | null
}

/** Secret data (base64) around base64 around gzip around JSON. */
export function decodeRecord(data: string): HelmRecord {
  const inner = Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')
  return JSON.parse(gunzipSync(inner).toString()) as HelmRecord
}

function encodeRecord(record: HelmRecord): string {
  return Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64')
}

export function readRelease(secret: KubernetesObject): Release {
  const record = unpacked(secret)
  return {
    name: record.name,
    namespace: record.namespace,
    revision: record.version,
    status: record.info.status,
    description: record.info.description ?? '',
    updatedAt: (record.info.status === 'uninstalling' ? record.info.deleted : undefined) ?? record.info.last_deployed ?? '',
    chart: { name: record.chart.metadata.name, version: record.chart.metadata.version, appVersion: record.chart.metadata.appVersion ?? '' },
    values: record.config ?? {},
    objects: parseManifest(record.manifest, record.namespace),
    hooks: (record.hooks ?? []).map((hook) => readHook(hook, record.namespace)),
    record: refOf(secret),
  }
}

/** A record that was edited, cut off or put back wrongly. Without it the one before counts, or none, and apply takes the objects over. */
function unpacked(secret: KubernetesObject): HelmRecord {
  const { name, namespace = 'default' } = secret.metadata
  try {
    return decodeRecord((secret.data as { release: string }).release)
  } catch (error) {
    // Node quotes what it cannot parse, and the record has passwords: neither its message nor the error goes on.
    const reason = error instanceof Error && !(error instanceof SyntaxError) ? error.message : 'what is packed in it is no JSON'
    throw new AirstripError('BLOCKED', `Helm's record in Secret ${namespace}/${name} cannot be unpacked: ${reason}`, { place: `Secret ${namespace}/${name}`, next: withoutRecord(namespace, name) })
  }
}

function readHook(hook: NonNullable<HelmRecord['hooks']>[number], namespace: string): ReleaseHook {
  const apiVersion = /^apiVersion:\s*["']?([^\s"']+)/m.exec(hook.manifest)?.[1] ?? 'v1'
  return {
    ref: { apiVersion, kind: hook.kind, name: hook.name, namespace },
    events: hook.events ?? [],
    deletePolicies: hook.delete_policies ?? [],
    phase: hook.last_run?.phase ?? 'Unknown',
    ...(hook.last_run?.completed_at ? { endedAt: hook.last_run.completed_at } : {}),
    // Of a Job nobody asks for more than its name, and reading YAML takes its time.
    object: ['Secret', 'ConfigMap'].includes(hook.kind) ? parseManifest(hook.manifest, namespace)[0] : undefined,
  }
}

/** Helm leaves the namespace out of the manifest; kinds that have none are told by the list below. */
export function parseManifest(manifest: string, namespace: string): KubernetesObject[] {
  return parseKubernetesYaml(manifest)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null)
    .map((object) => withoutNulls(object))
    // Helm takes a list apart, too.
    .flatMap((object) => (object.kind.endsWith('List') && Array.isArray(object.items) ? (object.items as KubernetesObject[]) : [object]))
    .map((object) => (clusterScoped.has(object.kind) ? object : { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace } }))
}

/** A field with nothing after it (Bitnami's StatefulSet has `initContainers:`) is none for Kubernetes. */
function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map((one: unknown) => withoutNulls(one)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null).map(([key, one]) => [key, withoutNulls(one as unknown)])) as T
}

/** Kinds without a namespace that a chart may carry. */
const clusterScoped = new Set([
  'Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume', 'StorageClass', 'CustomResourceDefinition',
  'PriorityClass', 'PodSecurityPolicy', 'SecurityContextConstraints', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', 'IngressClass',
])

/** The newest record that a `status!=superseded` list returned. */
export function newestRecord(secrets: readonly KubernetesObject[]): KubernetesObject | undefined {
  const revision = (secret: KubernetesObject): number => Number(secret.metadata.labels?.version ?? 0)
  return [...secrets].sort((a, b) => revision(b) - revision(a))[0]
}

export function recordFacts({ metadata }: KubernetesObject): RecordFacts {
  return { name: metadata.name, revision: Number(metadata.labels?.version ?? 0), status: metadata.labels?.status ?? '', createdAt: metadata.creationTimestamp ?? '' }
}

/** The record as Helm itself would have left it had it been able to say that it failed. */
export function asFailed(secret: KubernetesObject, description: string): { release: string; status: string } {
  const record = decodeRecord((secret.data as { release: string }).release)
  record.info.status = 'failed'
  record.info.description = description
  return { release: encodeRecord(record), status: 'failed' }
}
