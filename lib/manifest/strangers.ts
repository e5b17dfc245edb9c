/** What lies in a namespace and is neither airstrip's nor made by itself: with it the namespace stays. */
import { nameOf, refOf } from '../changes.ts'
import { isLeaving } from '../observe/leaving.ts'
import { AirstripError } from '../errors.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Change, Demolition } from '../step.ts'

/** Kinds that others write down about an object, and that go with it. */
const shadows = ['Event', 'Endpoints', 'EndpointSlice']

export function strangersIn(contents: readonly KubernetesObject[], { goes, stays }: Pick<Demolition, 'goes' | 'stays'>): KubernetesObject[] {
  const known = new Set([...goes.flatMap(takenBy), ...stays.map(({ object }) => object)])
  const records = goes.flatMap((change) => (change.op === 'uninstall' ? [change.live.name] : []))
  const isRecord = ({ type, metadata: { labels } }: KubernetesObject): boolean => type === 'helm.sh/release.v1' && records.includes(labels?.name ?? '')
  const isKnown = (object: KubernetesObject): boolean => known.has(nameOf(object)) || isBuiltIn(object) || isRecord(object)
  const uids = new Set(contents.map(({ metadata }) => metadata.uid))
  return contents.filter((object) => !isLeaving(object) && !isShadow(object, uids) && !isKnown(object))
}

/** Kinds whose objects lie in a namespace: what they own is collected a moment after them. */
const collected = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'ReplicationController', 'Service']

/** What comes and goes with something else: that is looked at itself. */
function isShadow({ kind, type, metadata }: KubernetesObject, uids: ReadonlySet<string | undefined>): boolean {
  const owners = (metadata.ownerReferences ?? []) as { kind: string; uid: string }[]
  return shadows.includes(kind) || type === 'kubernetes.io/service-account-token' || owners.some((owner) => uids.has(owner.uid) || collected.includes(owner.kind))
}

function takenBy(change: Change): string[] {
  if (change.op === 'delete') return [nameOf(change.live)]
  return change.op === 'uninstall' ? change.live.objects.map((object) => nameOf(refOf(object))) : []
}

/** Every namespace has these. */
function isBuiltIn({ kind, metadata: { name } }: KubernetesObject): boolean {
  return (kind === 'ServiceAccount' && name === 'default') || (kind === 'ConfigMap' && ['kube-root-ca.crt', 'openshift-service-ca.crt'].includes(name))
}

/** Undefined where not every kind could be listed: a metrics API that is down, or a right that is missing. */
export async function contentsOf(namespace: string, reader: Reader): Promise<KubernetesObject[] | undefined> {
  return reader.contents(namespace).catch((error: unknown) => {
    if (error instanceof AirstripError && error.code === 'CALL_FAILED') return undefined
    throw error
  })
}

/** Why the namespace stays, if it does. */
export function holdsMore(strangers: readonly KubernetesObject[] | undefined): string | undefined {
  if (strangers === undefined) return 'what it holds could not all be looked at'
  return strangers.length === 0 ? undefined : `it also holds ${namedFew(strangers)}`
}

/** A few by name, the rest by number. */
export function namedFew(objects: readonly KubernetesObject[]): string {
  const names = objects.slice(0, 3).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return objects.length > names.length ? `${names.join(', ')} and ${objects.length - names.length} more` : names.join(', ')
}
