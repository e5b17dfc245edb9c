import { nameOf, refOf } from '../changes.ts'
import { isLeaving, leavingOf } from '../observe/leaving.ts'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Change, Demolition, Kept, Takedown } from '../step.ts'
import { hasOurLabel, othersHand } from './ours.ts'
import { storageObjects, type StorageSpec } from './storage.ts'
import { contentsOf, holdsMore, namedFew, strangersIn } from './strangers.ts'

/** What a volume or a claim says of its class. */
interface Classed {
  storageClassName?: string
  claimRef?: { namespace?: string; name?: string }
}

/** Jobs always; claims, volumes, class and namespace only with the data, and the folders on the node never. */
export async function takeDownStorage(spec: StorageSpec, reader: Reader, asked: Demolition): Promise<Takedown> {
  const { namespace } = spec
  const [live, jobs, contents, classed] = await Promise.all([
    reader.get(storageObjects(spec).map(refOf)),
    reader.list({ resources: ['jobs.batch'], namespace }),
    contentsOf(namespace, reader),
    reader.list({ resources: ['persistentvolumes', 'persistentvolumeclaims'] }),
  ])
  const there = live.filter((object) => object !== undefined)
  const goes: Change[] = ours(jobs.filter((job) => hasOurLabel(job) && job.metadata.labels?.['app.kubernetes.io/component'] === 'folders'), 'it made the folders on its node; they stay')
  const stays: Kept[] = [folders(spec)]
  const settle = (object: KubernetesObject | undefined, reason: string | undefined, why: string): void => {
    if (object === undefined || isLeaving(object)) return
    const kept = othersHand(object) ?? (asked.data ? reason : why)
    if (kept === undefined) goes.push({ op: 'delete', live: object, why: 'airstrip made it' })
    else stays.push({ object: nameOf(object), why: kept })
  }
  const all = (): Pick<Demolition, 'goes' | 'stays'> => ({ goes: [...asked.goes, ...goes], stays: [...asked.stays, ...stays] })
  for (const kind of ['PersistentVolumeClaim', 'PersistentVolume']) for (const object of there.filter((one) => one.kind === kind)) settle(object, undefined, 'your DAGs or logs are behind it')
  const storageClass = there.find(({ kind }) => kind === 'StorageClass')
  settle(storageClass, usersOf(storageClass, classed, all().goes), 'its volumes stay')
  const strangers = contents && strangersIn(contents, all())
  const own = there.find(({ kind }) => kind === 'Namespace')
  stays.push(...(strangers ?? []).map((object) => ({ object: nameOf(object), why: 'airstrip did not make it' })))
  settle(own, holdsMore(strangers) ?? leftIn(namespace, all().stays), 'your data is in it')
  return { state: 'ready', goes, stays, leaving: leavingOf([...there, ...jobs.filter(hasOurLabel)]) }
}

function ours(objects: readonly KubernetesObject[], why: string): Change[] {
  return objects.filter((object) => !isLeaving(object)).map((live) => ({ op: 'delete', live, why }))
}

/** Where the way back is: whoever deletes a folder with DAGs must be a person. */
function folders({ path }: StorageSpec): Kept {
  return { object: `${path}/dags and ${path}/logs on the node`, why: 'your DAGs and logs: airstrip never deletes a folder' }
}

/** One class serves several Airflows. */
function usersOf(storageClass: KubernetesObject | undefined, classed: readonly KubernetesObject[], goes: readonly Change[]): string | undefined {
  const leaving = new Set(goes.flatMap((change) => (change.op === 'delete' ? [nameOf(change.live)] : [])))
  const users = classed.filter((object) => (object.spec as Classed).storageClassName === storageClass?.metadata.name && !isLeaving(object) && !leaving.has(nameOf(object)))
  return users.length === 0 ? undefined : `${namedFew(users)} still ${users.length === 1 ? 'has' : 'have'} it`
}

/** What another step leaves in it would go with the namespace. */
function leftIn(namespace: string, stays: readonly Kept[]): string | undefined {
  const left = stays.filter(({ object }) => object.includes(` ${namespace}/`))
  return left.length === 0 ? undefined : `${left[0]?.object ?? ''} stays in it`
}
