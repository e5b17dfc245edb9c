import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesObject, ObjectRef, Reader } from '../access.ts'
import { keyOf } from './objects.ts'

/**
 * One look at the cluster, shared: within a snapshot the same question is asked once, and the
 * objects that several steps want by name at the same moment are fetched in one process. A new look
 * is a new snapshot.
 */
export function snapshot(reader: Reader): Reader {
  const answers = new Map<string, Promise<unknown>>()
  const once = <T>(key: unknown, ask: () => Promise<T>): Promise<T> => {
    const text = JSON.stringify(key)
    const known = answers.get(text) as Promise<T> | undefined
    if (known !== undefined) return known
    const answer = ask()
    answers.set(text, answer)
    return answer
  }
  return {
    ...reader,
    get: gathered(reader),
    list: (query) => once(['list', query], () => reader.list(query)),
    versions: () => once(['versions'], () => reader.versions()),
    permissions: (namespace) => once(['permissions', namespace], () => reader.permissions(namespace)),
    release: (name, namespace) => once(['release', name, namespace], () => reader.release(name, namespace)),
    chart: (source) => once(['chart', source], () => reader.chart(source)),
    manifest: (source) => once(['manifest', source], () => reader.manifest(source)),
  }
}

/** Long enough for steps that were started together to have asked, too short to be noticed. */
const gatherMs = 5

type Found = Map<string, KubernetesObject | undefined>

interface Batch {
  refs: Map<string, ObjectRef>
  answer: Promise<Found>
}

/** Objects that are asked for at the same moment come in one call, and each is asked for once. */
function gathered(reader: Reader): Reader['get'] {
  const asked = new Map<string, Promise<KubernetesObject | undefined>>()
  let open: Batch | undefined
  const fetchAll = async (refs: Batch['refs']): Promise<Found> => {
    await sleep(gatherMs)
    open = undefined
    const objects = await reader.get([...refs.values()])
    return new Map([...refs.keys()].map((key, index) => [key, objects[index]]))
  }
  const openBatch = (): Batch => {
    const refs: Batch['refs'] = new Map()
    return (open = { refs, answer: fetchAll(refs) })
  }
  const ask = (ref: ObjectRef, key: string): Promise<KubernetesObject | undefined> => {
    const { refs, answer } = open ?? openBatch()
    refs.set(key, ref)
    return answer.then((found) => found.get(key))
  }
  return (refs) =>
    Promise.all(refs.map((ref) => {
      const key = keyOf(ref)
      const object = asked.get(key) ?? ask(ref, key)
      asked.set(key, object)
      return object
    }))
}
