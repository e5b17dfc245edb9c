import type { KubernetesObject, ListQuery, ObjectRef } from '../access.ts'
import { readData, secretsInData } from '../airflow/keys.ts'
import type { Connection } from './connection.ts'
import { readJson } from './request.ts'
import { pathOf, type Discovery } from './resources.ts'

/** Identity without the version: the server may answer in another version of the same group. */
export function keyOf(ref: { apiVersion: string; kind: string; namespace?: string | undefined; name: string }): string {
  const group = ref.apiVersion.includes('/') ? ref.apiVersion.split('/')[0] : ''
  return `${group ?? ''}|${ref.kind}|${ref.namespace ?? ''}|${ref.name}`
}

export function refOf(object: KubernetesObject): ObjectRef {
  const { apiVersion, kind, metadata } = object
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace }
}

function learnSecrets(connection: Connection, objects: KubernetesObject[]): KubernetesObject[] {
  for (const object of objects) {
    // A Helm record is not one secret but a whole release; its parts are judged when it is read.
    if (object.kind !== 'Secret' || object.type === 'helm.sh/release.v1') continue
    for (const one of secretsInData(readData(object))) connection.redactor.add(one)
  }
  return objects
}

/**
 * From so many of a kind in a namespace on they are listed. Measured: ten by name take 4 ms, a hundred
 * 64 ms, and a list of a thousand 26 ms, of which maybe nobody asked for most.
 */
const manyOfAKind = 10
/** Longer lists come in parts. */
const listPart = 500

/** By name, in the order of the references. Kinds that the API server does not have are not there. */
export async function getObjects(connection: Connection, discovery: Discovery, refs: readonly ObjectRef[]): Promise<(KubernetesObject | undefined)[]> {
  const found = await Promise.all(groupsOf(refs).map((group) => getGroup(connection, discovery, group)))
  const byKey = new Map(found.flatMap((group) => [...group]))
  return refs.map((ref) => byKey.get(keyOf(ref)))
}

type Group = [ObjectRef, ...ObjectRef[]]

function groupsOf(refs: readonly ObjectRef[]): Group[] {
  const groups = new Map<string, Group>()
  for (const ref of refs) {
    const key = keyOf({ ...ref, name: '' })
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [ref])
    else group.push(ref)
  }
  return [...groups.values()]
}

/** Objects of one kind in one namespace, by the keys of their references. */
async function getGroup(connection: Connection, discovery: Discovery, group: Group): Promise<Map<string, KubernetesObject>> {
  const [first] = group
  const resource = await discovery.ofKind(first)
  if (resource === undefined) return new Map()
  const path = pathOf(resource, first.namespace ?? 'default')
  // What lies in no namespace is read by name: there are many of others, and who may read one may not list all.
  const many = resource.namespaced && group.length >= manyOfAKind
  const objects = many ? await listNamed(connection, path, group) : await Promise.all(group.map(({ name }) => getOne(connection, `${path}/${encodeURIComponent(name)}`)))
  return new Map(group.flatMap((ref, index) => (objects[index] === undefined ? [] : [[keyOf(ref), objects[index]]])))
}

async function getOne(connection: Connection, path: string): Promise<KubernetesObject | undefined> {
  const object = await readJson<KubernetesObject>(connection, path, [404])
  return object === undefined ? undefined : learnSecrets(connection, [object])[0]
}

/** Helm's records are left out: each is a whole release, and nobody asks for them by name. */
async function listNamed(connection: Connection, path: string, group: Group): Promise<(KubernetesObject | undefined)[]> {
  const objects = await listPath(connection, path, group[0].kind === 'Secret' ? { fieldSelector: 'type!=helm.sh/release.v1' } : {})
  const byName = new Map(objects.map((object) => [object.metadata.name, object]))
  return group.map(({ name }) => byName.get(name))
}

export async function listObjects(connection: Connection, discovery: Discovery, { resources, namespace, selector, fieldSelector, keep }: ListQuery): Promise<KubernetesObject[]> {
  const lists = await Promise.all(resources.map(async (name) => {
    const resource = await discovery.ofName(name)
    if (resource === undefined) return []
    const selectors = { ...(selector === undefined ? {} : { labelSelector: selector }), ...(fieldSelector === undefined ? {} : { fieldSelector }) }
    return listPath(connection, pathOf(resource, namespace), selectors, keep)
  }))
  return lists.flat()
}

/** What tells whose an object is; of all a namespace holds, the rest would be much. */
function outline({ apiVersion, kind, metadata, type }: KubernetesObject): KubernetesObject {
  return { apiVersion, kind, metadata, ...(type === undefined ? {} : { type }) }
}

/** Some kinds are served by two groups: an object is told by its uid. */
export async function listContents(connection: Connection, discovery: Discovery, namespace: string): Promise<KubernetesObject[]> {
  const lists = await Promise.all((await discovery.namespaced()).map((resource) => listPath(connection, pathOf(resource, namespace), {}, outline)))
  return [...new Map(lists.flat().map((object) => [object.metadata.uid ?? keyOf({ ...object, name: object.metadata.name }), object])).values()]
}

interface ObjectList {
  apiVersion: string
  kind: string
  metadata: { continue?: string }
  items: KubernetesObject[]
}

/** A list whose next part is no longer to be had (410) is begun anew, and then taken whole. */
async function listPath(connection: Connection, path: string, selectors: Record<string, string>, keep: ListQuery['keep'] = (object) => object, whole = false): Promise<KubernetesObject[]> {
  const objects: KubernetesObject[] = []
  let next: string | undefined
  do {
    const words = new URLSearchParams({ ...selectors, ...(whole ? {} : { limit: String(listPart) }), ...(next === undefined ? {} : { continue: next }) })
    const part = await readJson<ObjectList>(connection, `${path}?${words.toString()}`, next === undefined ? [404] : [404, 410])
    if (part === undefined) return next === undefined ? [] : listPath(connection, path, selectors, keep, true)
    objects.push(...learnSecrets(connection, itemsOf(part)).map(keep))
    next = part.metadata.continue
  } while (next !== undefined && next !== '')
  return objects
}

/** In a list of its own kind an object does not repeat what it is; custom ones do. */
function itemsOf({ apiVersion, kind, items }: ObjectList): KubernetesObject[] {
  return items.map((item) => ({ ...item, apiVersion: item.apiVersion ?? apiVersion, kind: item.kind ?? kind.replace(/List$/, '') }))
}

/** `Deployment.v1.apps`, as kubectl takes a kind that several groups may have. */
export function typeOf({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): string {
  const [group, version] = apiVersion.split('/')
  return version === undefined ? kind : `${kind}.${version}.${group ?? ''}`
}
