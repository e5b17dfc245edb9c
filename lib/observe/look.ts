import type { KubernetesObject, ObjectRef, Reader } from '../access.ts'
import type { Look } from '../step.ts'
import { isNonEmpty } from '../check.ts'
import { causesOf, isFoundation, merged, type Part } from './causes.ts'
import { waitsForConsumer } from './claim.ts'
import { saidMissing } from './config-error.ts'
import { lookForProvisioners } from './look-provisioners.ts'
import { nameOf, newestTry, waiting, type Context, type Observation } from './observation.ts'
import { loginsOf } from './pull-secret.ts'
import { observe } from './registry.ts'

/** Whether all of these are there and work; what lies beside them is only read where one is not. */
export async function lookAt(refs: readonly ObjectRef[], reader: Reader): Promise<Look> {
  const live = await reader.get(refs)
  const alone = partsOf(refs, live, { events: [], pods: [], claims: [], now: reader.now() })
  return judge(alone.every(({ observation }) => observation.state === 'done') ? alone : partsOf(refs, live, await surroundings(namespacesOf(refs), reader)))
}

function judge(parts: Part[]): Look {
  const { roots, pending } = causesOf(parts)
  const findings = merged(roots)
  if (isNonEmpty(findings)) return { state: 'failed', findings, settleMs: Math.max(...roots.map(({ settleMs }) => settleMs)), triedAt: newestTry(roots), on: pending }
  if (isNonEmpty(pending)) return { state: 'waiting', on: pending }
  return { state: 'done', evidence: parts.flatMap(({ observation }) => (observation.state === 'done' ? [observation.evidence] : [])) }
}

function partsOf(refs: readonly ObjectRef[], live: readonly (KubernetesObject | undefined)[], context: Context): Part[] {
  return refs.map((ref, index) => {
    const object = live[index]
    const name = object === undefined ? `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}` : nameOf(object)
    return { name, observation: object === undefined ? waiting('does not exist') : settled(object, context), foundation: object !== undefined && isFoundation(object) }
  })
}

/** A claim that waits for its first consumer is as ready as it can be before there is one. */
function settled(object: KubernetesObject, context: Context): Observation {
  const observation = observe(object, context)
  const idle = object.kind === 'PersistentVolumeClaim' && observation.state === 'waiting' && waitsForConsumer(object, context)
  return idle ? { state: 'done', evidence: `${nameOf(object)} ${observation.reason}` } : observation
}

function namespacesOf(refs: readonly ObjectRef[]): string[] {
  return [...new Set(refs.flatMap(({ namespace }) => namespace ?? []))]
}

/** Everything beside the objects that a verdict may need: one list for the cluster, one per namespace. */
export async function surroundings(namespaces: readonly string[], reader: Reader): Promise<Context> {
  const [cluster, ...inside] = await Promise.all([
    reader.list({ resources: ['nodes', 'persistentvolumes', 'storageclasses.storage.k8s.io'] }),
    ...namespaces.map((namespace) => reader.list({ resources: ['pods', 'events', 'persistentvolumeclaims', 'replicasets.apps'], namespace })),
  ])
  const near = inside.flat()
  const claims = near.filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const nodes = cluster.filter(({ kind }) => kind === 'Node')
  const events = near.filter(({ kind }) => kind === 'Event')
  const pods = near.filter(({ kind }) => kind === 'Pod')
  const [provisioners, present, logins] = await Promise.all([
    lookForProvisioners(claims, { nodes, now: reader.now() }, reader),
    foundOf(saidMissing(pods, events), reader),
    foundOf(loginsOf(pods), reader),
  ])
  return {
    events,
    pods,
    claims,
    provisioners,
    present: present.map(nameOf),
    // When they were written is asked of them, and nothing of what is in them.
    logins: logins.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata })),
    replicaSets: near.filter(({ kind }) => kind === 'ReplicaSet'),
    classes: cluster.filter(({ kind }) => kind === 'StorageClass'),
    volumes: cluster.filter(({ kind }) => kind === 'PersistentVolume'),
    nodes,
    now: reader.now(),
  }
}

/** None for who may not read them: then what the kubelet said last counts. */
async function foundOf(refs: readonly ObjectRef[], reader: Reader): Promise<KubernetesObject[]> {
  if (refs.length === 0) return []
  const found: (KubernetesObject | undefined)[] = await reader.get(refs).catch(() => [])
  return found.filter((object) => object !== undefined)
}
