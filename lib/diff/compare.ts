import type { KubernetesObject } from '../access.ts'
import type { Difference } from '../step.ts'
import { sameQuantity } from './quantity.ts'

/** A place in an object, as a person reads it, as rules name it and as a JSON patch finds it. */
export interface Place {
  path: string
  names: readonly string[]
  at: readonly string[]
}

export const root: Place = { path: '', names: [], at: [] }

export function below({ path, names, at }: Place, key: string): Place {
  return { path: path === '' ? key : `${path}.${key}`, names: [...names, key], at: [...at, key] }
}

/** `index` is the one in the live list; undefined where the item is not there. */
export function item({ path, names, at }: Place, index: number | undefined, name: string): Place {
  return { path: `${path}[${name}]`, names: [...names, name], at: [...at, index === undefined ? '-' : String(index)] }
}

/** Whether a place is the other one, or in it. */
export function isBelow(at: readonly string[], above: readonly string[]): boolean {
  return above.every((part, index) => at[index] === part)
}

/**
 * What is wanted and not so. Only what we declare is ours: fields that a server or a controller
 * adds are none of our business, so the live object may have more, never less or other.
 */
export function differences(want: KubernetesObject, live: KubernetesObject): Difference[] {
  const found: Difference[] = []
  const { labels, annotations } = want.metadata
  compareRecords(below(root, 'metadata'), { labels, annotations }, live.metadata, found)
  for (const [field, value] of Object.entries(withData(want))) {
    if (!['apiVersion', 'kind', 'metadata', 'status'].includes(field)) compare(below(root, field), value, live[field], found)
  }
  return found
}

/** `stringData` is how a Secret is written; `data` is how it is read. */
export function withData(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object
  if (object.kind !== 'Secret' || stringData === undefined) return object
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { ...rest, data: { ...(rest.data as object | undefined), ...Object.fromEntries(encoded) } }
}

function compare(place: Place, want: unknown, live: unknown, found: Difference[]): void {
  // A field that is not said is not wanted to be empty.
  if (want === undefined || want === null || (isNothing(want) && isNothing(live) && !speaks(place, live))) return
  if (Array.isArray(want) && Array.isArray(live)) {
    compareLists(place, want, live, found)
  } else if (isRecord(want) && isRecord(live)) {
    compareRecords(place, want, live, found)
  } else if (want !== live && !sameQuantity(place.path, want, live)) {
    found.push({ ...place, want, live })
  }
}

function compareRecords(place: Place, want: Record<string, unknown>, live: Record<string, unknown>, found: Difference[]): void {
  for (const [key, value] of Object.entries(want)) compare(below(place, key), value, live[key], found)
}

/** The lists that more than one may write in, item by item; of any other the live one may not have more either. */
const sharedLists = ['containers', 'initContainers', 'ephemeralContainers', 'env', 'ports', 'volumes', 'volumeMounts', 'volumeDevices', 'imagePullSecrets', 'secrets', 'hostAliases', 'topologySpreadConstraints', 'ownerReferences']

function compareLists(place: Place, want: unknown[], live: unknown[], found: Difference[]): void {
  const names = namesOf(place, want)
  // A list that is said to be empty must be.
  if (want.length === 0 || hasStrays(place, names, want, live)) {
    found.push({ ...place, want, live })
    return
  }
  want.forEach((one, index) => {
    const name = names?.[index] ?? String(index)
    const there = names === undefined ? index : live.findIndex((other) => nameIn(place, other) === name)
    compare(item(place, there < 0 ? undefined : there, name), one, live[there], found)
  })
}

/** A subject that somebody added to a binding must not pass as somebody else's item. */
function hasStrays(place: Place, names: readonly string[] | undefined, want: readonly unknown[], live: readonly unknown[]): boolean {
  if (names === undefined) return live.length !== want.length
  if (sharedLists.includes(place.names.at(-1) ?? '')) return false
  return live.length > want.length || live.some((one) => !names.includes(nameIn(place, one) ?? ''))
}

/** Containers, variables, volumes and the like are known by name; an order may change, a name not. */
export function namesOf(list: Place, items: readonly unknown[]): string[] | undefined {
  const names = items.map((one) => nameIn(list, one))
  const known = names.filter((name) => name !== undefined)
  return known.length === items.length && new Set(known).size === items.length ? known : undefined
}

/**
 * A mount's name is that of its volume, which a container may mount twice; the API server knows it by
 * its path. Ports it knows by number and protocol, so that one that was renamed is not another.
 */
export function nameIn({ names }: Place, one: unknown): string | undefined {
  if (!isRecord(one)) return undefined
  const list = names.at(-1)
  const port = list === 'ports' ? (one.containerPort ?? one.port) : undefined
  if (typeof port === 'number') return `${port}/${typeof one.protocol === 'string' ? one.protocol : 'TCP'}`
  const name = one[list === 'volumeMounts' ? 'mountPath' : 'name']
  return typeof name === 'string' ? name : undefined
}

/** Fields that mean something else where they are not said: root, or whatever the image says; no, or what the account says. */
const pointers = ['runAsUser', 'runAsGroup', 'fsGroup', 'runAsNonRoot', 'allowPrivilegeEscalation', 'readOnlyRootFilesystem', 'automountServiceAccountToken', 'enableServiceLinks']

function speaks({ names }: Place, live: unknown): boolean {
  return pointers.includes(names.at(-1) ?? '') && (live === undefined || live === null)
}

/** A server leaves out what has its zero value; writing it or not is the same. */
function isNothing(value: unknown): boolean {
  return value === 0 || value === false || isEmpty(value) || (isRecord(value) && Object.values(value).every(isNothing))
}

export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
