import type { KubernetesObject, ObjectRef, Reader } from '../step.ts'
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

interface Waiting {
  refs: readonly ObjectRef[]
  resolve(objects: (KubernetesObject | undefined)[]): void
  reject(error: unknown): void
}

/** Long enough for steps that were started together to have asked, too short to be noticed. */
const gatherMs = 5

function gathered(reader: Reader): Reader['get'] {
  let waiting: Waiting[] = []
  const flush = (): void => {
    const batch = waiting
    waiting = []
    const refs = new Map(batch.flatMap((one) => one.refs).map((ref) => [keyOf(ref), ref]))
    reader.get([...refs.values()]).then(
      (objects) => {
        const found = new Map([...refs.keys()].map((key, index) => [key, objects[index]]))
        for (const one of batch) one.resolve(one.refs.map((ref) => found.get(keyOf(ref))))
      },
      (error: unknown) => {
        for (const one of batch) one.reject(error)
      },
    )
  }
  return (refs) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setTimeout(flush, gatherMs)
      waiting.push({ refs, resolve, reject })
    })
}
