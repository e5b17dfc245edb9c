/**
 * Collects the evidence: everything once, side by side, and each kind alone, so that one that this
 * user may not read costs one kind and is named.
 */
import type { KubernetesObject, ListQuery, Reader } from '../access.ts'
import type { Evidence } from './evidence.ts'
import { collectLogs } from './logs.ts'
import { type Redact, redacted, redactWith } from './redact.ts'

export interface Scope {
  namespace: string
  release?: string | undefined
  /** Takes the secrets that are known out of a text; what looks like one is taken out in any case. */
  redact?: Redact | undefined
}

const namespaced: Record<string, string> = {
  Pod: 'pods',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Event: 'events',
  Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps',
  DaemonSet: 'daemonsets.apps',
  ReplicaSet: 'replicasets.apps',
  Job: 'jobs.batch',
}

const clusterWide: Record<string, string> = {
  Node: 'nodes',
  StorageClass: 'storageclasses.storage.k8s.io',
  PersistentVolume: 'persistentvolumes',
}

export async function collect(reader: Reader, scope: Scope): Promise<Evidence> {
  const evidence = await collectObjects(reader, scope)
  const { logs, unknown } = await collectLogs(reader, evidence.pods, redactWith(scope.redact))
  return { ...evidence, logs, unknown: [...evidence.unknown, ...unknown] }
}

/** Without the logs: for a look that is repeated while something is waited for. */
export async function collectObjects(reader: Reader, scope: Scope): Promise<Evidence> {
  const { namespace, release } = scope
  const redact = redactWith(scope.redact)
  const [own, cluster, record] = await Promise.all([
    listKinds(reader, namespaced, namespace),
    listKinds(reader, clusterWide, undefined),
    readRecord(reader, release, namespace),
  ])
  const of = (kind: string) => own.byKind.get(kind) ?? []
  return {
    at: reader.now().toISOString(),
    namespace, release,
    record: record.record,
    pods: of('Pod').map((pod) => redacted(pod, redact)),
    claims: of('PersistentVolumeClaim'),
    events: of('Event').map((event) => redacted(event, redact)),
    workloads: [...of('Deployment'), ...of('StatefulSet'), ...of('DaemonSet')],
    jobs: of('Job'),
    replicaSets: own.byKind.get('ReplicaSet'),
    nodes: cluster.byKind.get('Node'),
    classes: cluster.byKind.get('StorageClass'),
    volumes: cluster.byKind.get('PersistentVolume'),
    logs: [],
    looked: [...looked(own), ...looked(cluster), ...(record.record ? [`Helm release ${namespace}/${record.record.name}: ${record.record.status}`] : [])],
    unknown: [...own.unknown, ...cluster.unknown, ...record.unknown],
  }
}

interface Listed {
  /** Has a list, maybe an empty one, for every kind that could be read. */
  byKind: Map<string, KubernetesObject[]>
  unknown: string[]
}

async function listKinds(reader: Reader, kinds: Record<string, string>, namespace: string | undefined): Promise<Listed> {
  const lists = await Promise.all(Object.entries(kinds).map(([kind, resource]) => listKind(reader, kind, { resources: [resource], ...(namespace === undefined ? {} : { namespace }) })))
  return { byKind: new Map(lists.flatMap(({ byKind }) => [...byKind])), unknown: lists.flatMap(({ unknown }) => unknown) }
}

async function listKind(reader: Reader, kind: string, query: ListQuery): Promise<Listed> {
  try {
    return { byKind: new Map([[kind, await reader.list(query)]]), unknown: [] }
  } catch (error) {
    return { byKind: new Map(), unknown: [`${query.resources[0]} could not be read: ${messageOf(error)}`] }
  }
}

async function readRecord(reader: Reader, release: string | undefined, namespace: string): Promise<Pick<Evidence, 'record' | 'unknown'>> {
  if (release === undefined) return { unknown: [] }
  try {
    return { record: await reader.release(release, namespace), unknown: [] }
  } catch (error) {
    return { unknown: [`the record of Helm release ${namespace}/${release} could not be read: ${messageOf(error)}`] }
  }
}

function looked({ byKind }: Listed): string[] {
  return [...byKind].map(([kind, objects]) => `${objects.length} × ${kind}`)
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
