import { heldSince, operationRef } from '../airflow/operation.ts'
import { refOf } from '../changes.ts'
import type { KubernetesObject, Reader, Release } from '../access.ts'
import type { Look } from '../step.ts'
import { surroundings } from './look.ts'
import { isWatched } from './registry.ts'
import { notBegun, observeRelease, type ReleaseView } from './release.ts'

interface Asked {
  /** Not waited for. */
  spared?: (object: KubernetesObject) => boolean
  /** When the change began that Helm is a part of; before that comes the dump of the database. What is older is not judged. */
  since?: Date | undefined
}

/**
 * Whether the release works. A healthy one is told from its own objects; pods, claims, events and
 * the cluster around them are only read where something is not ready.
 */
export async function lookAtRelease(name: string, namespace: string, reader: Reader, { spared = () => false, since }: Asked = {}): Promise<Look> {
  const found = await reader.release(name, namespace)
  const release = found && { ...found, objects: found.objects.filter((object) => !spared(object)) }
  if (release === undefined) return { state: 'waiting', on: [{ object: `Helm release ${namespace}/${name}`, reason: 'has no record yet' }] }
  if (since !== undefined && Date.parse(release.updatedAt) < since.getTime()) return notBegun(release)
  const near = await nearOf(release, reader)
  const alone = observeRelease({ release, ...near, events: [], pods: [], claims: [], now: reader.now() })
  if (alone.state === 'done') return alone
  return observeRelease({ release, ...near, ...(await surroundings([namespace], reader)) })
}

type Near = Pick<ReleaseView, 'objects' | 'hooks' | 'workingSince'>

/** The Lease has a holder exactly while a Helm of ours is at work. */
async function nearOf(release: Release, reader: Reader): Promise<Near> {
  const watched = release.objects.filter(({ kind }) => isWatched(kind)).map(refOf)
  const [lease, ...live] = await reader.get([operationRef(release), ...watched, ...release.hooks.map(({ ref }) => ref)])
  const there = (objects: (KubernetesObject | undefined)[]): KubernetesObject[] => objects.filter((object) => object !== undefined)
  return { objects: there(live.slice(0, watched.length)), hooks: there(live.slice(watched.length)), workingSince: heldSince(lease) }
}
