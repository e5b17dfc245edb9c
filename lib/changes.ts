import { lastWriter } from './diff/managed.ts'
import type { IgnoreRule } from './diff/noise.ts'
import { patchOf } from './diff/patch.ts'
import { drift, isQuiet } from './diff/rules.ts'
import { AirstripError } from './errors.ts'
import type { DumpWish, KubernetesObject, NonEmpty, ObjectRef, Writer } from './access.ts'
import type { Change, Difference } from './step.ts'

/** `Kind namespace/name`, as everything that is printed names an object. */
export function nameOf(object: KubernetesObject | ObjectRef): string {
  const { name, namespace } = 'metadata' in object ? (object.metadata as { name: string; namespace?: string }) : object
  return namespace === undefined ? `${object.kind} ${name}` : `${object.kind} ${namespace}/${name}`
}

export function refOf({ apiVersion, kind, metadata }: KubernetesObject): ObjectRef {
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace }
}

/** The objects that a change is about, for the table and the events. */
export function objectsOf(change: Change): string[] {
  switch (change.op) {
    case 'create':
    case 'update':
    case 'replace':
      return [nameOf(change.want)]
    case 'delete':
    case 'patch':
      return [nameOf(change.live)]
    case 'generate':
      return change.refs.map(nameOf)
    case 'release':
      return [`Helm release ${change.want.namespace}/${change.want.name}`]
    case 'backup':
      return [`Database ${change.wish.place.namespace}/${change.wish.place.database}`]
    case 'unlock':
      return [`Helm release ${change.release.namespace}/${change.release.name}`]
    case 'uninstall':
      return [`Helm release ${change.live.namespace}/${change.live.name}`]
  }
}

/** Create what is not there and update what differs; nothing where the live objects are as wanted. */
export function objectChanges(wanted: readonly KubernetesObject[], live: readonly (KubernetesObject | undefined)[], ignore: readonly IgnoreRule[] = []): Change[] {
  return wanted.flatMap((want, index) => changeOf(want, live[index], ignore))
}

function changeOf(want: KubernetesObject, live: KubernetesObject | undefined, ignore: readonly IgnoreRule[]): Change[] {
  if (live === undefined) return [{ op: 'create', want, why: 'it is not there' }]
  const found = drift(want, live, ignore)
  return found.length === 0 ? [] : [{ op: 'update', want, live, found, why: describe(found, live) }]
}

/** Names the fields, not their values, since some of them are secret; and who wrote them last, where the server knows. */
export function describe(found: readonly Difference[], live?: KubernetesObject): string {
  const paths = found.slice(0, 3).map(({ path }) => path)
  const more = found.length > paths.length ? ` and ${found.length - paths.length} more` : ''
  const by = live === undefined ? '' : writtenBy(found, live)
  return `${paths.join(', ')}${more} ${found.length === 1 ? 'differs' : 'differ'}${by}`
}

function writtenBy(found: readonly Difference[], live: KubernetesObject): string {
  const writers = found.map(({ at }) => lastWriter(live, at)).filter((writer) => writer !== undefined && !isQuiet(writer.manager))
  const last = new Map(writers.map((writer) => [writer?.manager, writer?.time]))
  return last.size === 0 ? '' : `; written by ${[...last].map(([manager, time]) => `${manager ?? ''} at ${time ?? ''}`).join(' and ')}`
}

/** Makes the changes in their order; neighbours that are plain applies go in one call. */
export async function makeChanges(changes: NonEmpty<Change>, writer: Writer): Promise<void> {
  let applies: KubernetesObject[] = []
  const flush = async (): Promise<void> => {
    if (applies.length > 0) await writer.apply(applies)
    applies = []
  }
  for (const change of changes) {
    if (change.op === 'create' || change.op === 'update') {
      if (change.op === 'update') await takeAway(change, writer)
      applies.push(change.want)
    } else {
      await flush()
      await makeOne(change, writer)
    }
  }
  await flush()
}

/** A server-side apply leaves alone what it does not name, so what somebody added is removed by name. */
async function takeAway({ live, found }: Extract<Change, { op: 'update' }>, writer: Writer): Promise<void> {
  const added = found.filter(({ want }) => want === undefined)
  if (added.length > 0) await writer.patch(live, patchOf(added))
}

async function makeOne(change: Exclude<Change, { op: 'create' } | { op: 'update' }>, writer: Writer): Promise<void> {
  switch (change.op) {
    case 'replace':
      await writer.remove(change.live)
      await writer.apply([change.want])
      break
    case 'delete':
      await writer.remove(change.live, { keepsPods: change.keepsPods })
      break
    case 'patch':
      await writer.patch(change.live, change.patch)
      break
    case 'generate':
      await writer.create(change.make(writer.random))
      break
    case 'release':
      await writer.upgrade(change.want)
      break
    case 'backup':
      await dumpFirst(change.wish, writer)
      break
    case 'unlock':
      await writer.unlock(change.release)
      break
    case 'uninstall':
      await writer.uninstall(change.live)
      break
  }
}

/** What comes after it needs it: a dump that failed says how to go on without. */
async function dumpFirst(wish: DumpWish, writer: Writer): Promise<void> {
  try {
    await writer.dump(wish)
  } catch (error) {
    if (!(error instanceof AirstripError) || error.code === 'INTERRUPTED') throw error
    const { code, message, seen, findings, next, transient } = error
    throw new AirstripError(code, `The upgrade was not begun: ${message}`, { seen, findings, transient, next: `${next} To go on without a dump: apply --dangerous-skip-backup.`, cause: error })
  }
}
