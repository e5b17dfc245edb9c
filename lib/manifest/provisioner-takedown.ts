import { nameOf } from '../changes.ts'
import { isLeaving, leavingOf } from '../observe/leaving.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Change, Demolition, Kept, Takedown } from '../step.ts'
import { hasNoHand, othersHand } from './ours.ts'
import { contentsOf, holdsMore, namedFew, strangersIn } from './strangers.ts'

/**
 * All of it or nothing: half a provisioner serves nobody. While a volume of its making is there it
 * stays, for without it the volume would neither be given to a claim nor taken away. `live` is in the
 * order of its manifest, so it goes in the reverse: the namespace last.
 */
export async function takeDownProvisioner(live: readonly (KubernetesObject | undefined)[], reader: Reader, { goes }: Demolition): Promise<Takedown> {
  const there = live.filter((object) => object !== undefined)
  const leaving = leavingOf(there)
  const objects = there.filter((object) => !isLeaving(object)).reverse()
  const made = objects.filter((object) => othersHand(object) === undefined)
  const others = objects.flatMap((object) => {
    const why = isNamedOnly(object) && made.some((one) => isOfOneMoment(one, object)) ? undefined : othersHand(object)
    return why === undefined ? [] : [{ object: nameOf(object), why }]
  })
  if (others.length > 0) return { state: 'ready', goes: [], leaving, stays: others }
  const reason = usersOf(there, await reader.list({ resources: ['persistentvolumes', 'persistentvolumeclaims'] }), goes)
  if (reason !== undefined) return { state: 'ready', goes: [], leaving, stays: objects.filter(isWorthNaming).map((object) => ({ object: nameOf(object), why: reason })) }
  const deletes = objects.map((object): Change => ({ op: 'delete', live: object, why: 'airstrip made it, and no volume needs it' }))
  const why = holdsMore(await strangersOf(objects, deletes, reader))
  const isKept = ({ kind }: KubernetesObject): boolean => kind === 'Namespace' && why !== undefined
  return {
    state: 'ready',
    goes: deletes.filter((change) => change.op !== 'delete' || !isKept(change.live)),
    stays: objects.filter(isKept).map((object): Kept => ({ object: nameOf(object), why: why ?? '' })),
    leaving,
  }
}

/** Of one that has no field but its name no writer is noted; the whole manifest is applied in one call. */
function isNamedOnly(object: KubernetesObject): boolean {
  return ['Namespace', 'ServiceAccount'].includes(object.kind) && hasNoHand(object)
}

const momentMs = 60_000

function isOfOneMoment(one: KubernetesObject, other: KubernetesObject): boolean {
  return Math.abs(Date.parse(one.metadata.creationTimestamp ?? '') - Date.parse(other.metadata.creationTimestamp ?? '')) <= momentMs
}

/** Of its eight objects these are what a person knows it by. */
function isWorthNaming({ kind }: KubernetesObject): boolean {
  return ['Deployment', 'StorageClass'].includes(kind)
}

async function strangersOf(objects: readonly KubernetesObject[], goes: readonly Change[], reader: Reader): Promise<KubernetesObject[] | undefined> {
  const own = objects.find(({ kind }) => kind === 'Namespace')
  const contents = own === undefined ? [] : await contentsOf(own.metadata.name, reader)
  return contents && strangersIn(contents, { goes, stays: [] })
}

interface Classed {
  storageClassName?: string
  volumeName?: string
}

/** Its volumes, and claims that wait for one; those whose claim goes with the data go before it. */
function usersOf(live: readonly KubernetesObject[], classed: readonly KubernetesObject[], goes: readonly Change[]): string | undefined {
  const names = live.filter(({ kind }) => kind === 'StorageClass').map(({ metadata }) => metadata.name)
  const deleted = goes.flatMap((change) => (change.op === 'delete' ? [change.live] : []))
  const isGoing = (object: KubernetesObject): boolean => deleted.some((one) => nameOf(one) === nameOf(object) || (one.kind === 'PersistentVolumeClaim' && (one.spec as Classed).volumeName === object.metadata.name && isReclaimed(object)))
  const users = classed.filter((object) => names.includes((object.spec as Classed).storageClassName ?? '') && !isGoing(object))
  const volumes = users.filter(({ kind }) => kind === 'PersistentVolume')
  if (volumes.length > 0) return `${namedFew(volumes)} ${volumes.length === 1 ? 'is' : 'are'} of its making`
  return users.length > 0 ? `${namedFew(users)} ${users.length === 1 ? 'waits' : 'wait'} for a volume` : undefined
}

/** One that could not be taken away is tried again only while there is a provisioner. */
function isReclaimed({ spec, status }: KubernetesObject): boolean {
  const { phase } = (status ?? {}) as { phase?: string }
  return (spec as { persistentVolumeReclaimPolicy?: string }).persistentVolumeReclaimPolicy === 'Delete' && phase !== 'Failed'
}
