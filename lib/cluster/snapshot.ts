import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesObject, ListQuery, ObjectRef, Reader } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import { keyOf } from './objects.ts'

/**
 * One look at the cluster, shared: within a snapshot the same question is asked once, and what
 * several steps want at the same moment, by name or by kind, is fetched in one process. A new look is
 * a new snapshot.
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
    list: gatheredLists(reader),
    versions: () => once(['versions'], () => reader.versions()),
    permissions: (namespace) => once(['permissions', namespace], () => reader.permissions(namespace)),
    release: (name, namespace) => once(['release', name, namespace], () => reader.release(name, namespace)),
    chart: (source) => once(['chart', source], () => reader.chart(source)),
    render: (wish) => once(['render', wish], () => reader.render(wish)),
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

/** Kinds that are asked for at the same moment, in the same namespace, come in one call. */
function gatheredLists(reader: Reader): Reader['list'] {
  const asked = new Map<string, Promise<KubernetesObject[]>>()
  const open = new Map<string, { resources: string[]; answer: Promise<KubernetesObject[]> }>()
  const fetchAll = async (where: string, query: Omit<ListQuery, 'resources'>): Promise<KubernetesObject[]> => {
    await sleep(gatherMs)
    const resources = open.get(where)?.resources ?? []
    open.delete(where)
    return isNonEmpty(resources) ? reader.list({ ...query, resources }) : []
  }
  const ask = async (resource: string, { namespace, selector }: ListQuery): Promise<KubernetesObject[]> => {
    const where = JSON.stringify([namespace, selector])
    const batch = open.get(where) ?? { resources: [], answer: fetchAll(where, { namespace, selector }) }
    open.set(where, batch)
    batch.resources.push(resource)
    try {
      return (await batch.answer).filter(({ kind }) => isNamed(resource, kind))
    } catch (error) {
      // One kind that may not be listed refuses all of them: alone, each gets an answer of its own.
      if (batch.resources.length === 1) throw error
      return reader.list({ resources: [resource], namespace, selector })
    }
  }
  return async (query) => {
    const lists = await Promise.all(query.resources.map((resource) => {
      const key = JSON.stringify([resource, query.namespace, query.selector])
      const list = asked.get(key) ?? ask(resource, query)
      asked.set(key, list)
      return list
    }))
    return lists.flat()
  }
}

/** `storageclasses.storage.k8s.io` are of kind StorageClass. */
function isNamed(resource: string, kind: string): boolean {
  const [name] = resource.split('.')
  const word = kind.toLowerCase()
  return [`${word}s`, `${word}es`, word.replace(/y$/, 'ies'), word].some((plural) => plural === name)
}
