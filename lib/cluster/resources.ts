import type { ObjectRef } from '../access.ts'
import type { Connection } from './connection.ts'
import { readJson } from './request.ts'

/** Where the objects of a kind are found. */
export interface Resource {
  apiVersion: string
  /** `deployments` */
  name: string
  namespaced: boolean
}

/** What the API server has: each version is asked for once in a look. Undefined for what it does not have. */
export interface Discovery {
  ofKind: (ref: Pick<ObjectRef, 'apiVersion' | 'kind'>) => Promise<Resource | undefined>
  /** `pods`, `deployments.apps`: in the version that the server prefers. */
  ofName: (resource: string) => Promise<Resource | undefined>
  /** All that a namespace can hold, and that can be deleted. */
  namespaced: () => Promise<Resource[]>
}

/** `/apis`, and the list of one version (`/apis/apps/v1`), as far as they are read here. */
interface Groups { groups: { name: string; preferredVersion: { groupVersion: string } }[] }
interface Kinds { resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[] }

export function createDiscovery(connection: Connection): Discovery {
  const answers = new Map<string, Promise<unknown>>()
  const once = <T>(path: string): Promise<T | undefined> => {
    const answer = (answers.get(path) as Promise<T | undefined> | undefined) ?? readJson<T>(connection, path, [404])
    answers.set(path, answer)
    return answer
  }
  return {
    async ofKind({ apiVersion, kind }) {
      const known = await once<Kinds>(rootOf(apiVersion))
      // `deployments/scale` is a part of another resource, and may be of the same kind.
      const found = known?.resources.find((one) => one.kind === kind && !one.name.includes('/'))
      return found === undefined ? undefined : { apiVersion, name: found.name, namespaced: found.namespaced }
    },
    async ofName(resource) {
      const [name = '', ...rest] = resource.split('.')
      if (rest.length === 0) return { apiVersion: 'v1', name, namespaced: true }
      const known = await once<Groups>('/apis')
      const group = known?.groups.find((one) => one.name === rest.join('.'))
      return group === undefined ? undefined : { apiVersion: group.preferredVersion.groupVersion, name, namespaced: true }
    },
    async namespaced() {
      const known = await once<Groups>('/apis')
      const versions = ['v1', ...(known?.groups ?? []).map(({ preferredVersion }) => preferredVersion.groupVersion)]
      const lists = await Promise.all(versions.map(async (apiVersion) => {
        const { resources } = (await once<Kinds>(rootOf(apiVersion))) ?? { resources: [] }
        const lasting = resources.filter(({ name, namespaced, verbs }) => namespaced && !name.includes('/') && verbs.includes('list') && verbs.includes('delete'))
        return lasting.map(({ name }): Resource => ({ apiVersion, name, namespaced: true }))
      }))
      return lists.flat()
    },
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

/** The path of all of them, in one namespace or in all. */
export function pathOf({ apiVersion, name, namespaced }: Resource, namespace: string | undefined): string {
  return `${rootOf(apiVersion)}${namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${name}`
}
