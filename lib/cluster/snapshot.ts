import type { KubernetesObject, Reader } from '../access.ts'
import { keyOf } from './objects.ts'

/**
 * One look at the cluster, shared by all steps: within a snapshot the same question is asked once. A
 * new look is a new snapshot.
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
    get: getOnce(reader),
    list: async ({ resources, ...where }) => {
      // What is kept differs by who asks, and is much.
      if (where.keep !== undefined) return reader.list({ resources, ...where })
      const lists = await Promise.all(resources.map((resource) => once(['list', resource, where], () => reader.list({ resources: [resource], ...where }))))
      return lists.flat()
    },
    contents: (namespace) => once(['contents', namespace], () => reader.contents(namespace)),
    versions: () => once(['versions'], () => reader.versions()),
    permissions: (namespace) => once(['permissions', namespace], () => reader.permissions(namespace)),
    release: (name, namespace) => once(['release', name, namespace], () => reader.release(name, namespace)),
    charts: (reference) => once(['charts', reference], () => reader.charts(reference)),
    lacking: (asked) => once(['lacking', asked], () => reader.lacking(asked)),
    server: () => once(['server'], () => reader.server()),
    tools: () => once(['tools'], () => reader.tools()),
    chart: (source) => once(['chart', source], () => reader.chart(source)),
    render: (wish) => once(['render', wish], () => reader.render(wish)),
    images: (images) => once(['images', images], () => reader.images(images)),
    manifest: (source) => once(['manifest', source], () => reader.manifest(source)),
  }
}

/** Each object is asked for once; those that nobody asked for before come in one call. */
function getOnce(reader: Reader): Reader['get'] {
  const asked = new Map<string, Promise<KubernetesObject | undefined>>()
  return (refs) => {
    const fresh = refs.filter((ref) => !asked.has(keyOf(ref)))
    const answer = fresh.length === 0 ? Promise.resolve([]) : reader.get(fresh)
    for (const [index, ref] of fresh.entries()) asked.set(keyOf(ref), answer.then((objects) => objects[index]))
    return Promise.all(refs.map(async (ref) => asked.get(keyOf(ref))))
  }
}
