import type { KubernetesObject } from '../access.ts'
import { sameQuantity } from './quantity.ts'

export interface Difference {
  /** `spec.template.spec.containers[scheduler].image` */
  path: string
  want: unknown
  live: unknown
}

/**
 * What is wanted and not so. Only what we declare is ours: fields that a server or a controller
 * adds are none of our business, so the live object may have more, never less or other.
 */
export function differences(want: KubernetesObject, live: KubernetesObject): Difference[] {
  const found: Difference[] = []
  const { labels, annotations } = want.metadata
  compare('metadata', { labels, annotations }, live.metadata, found)
  for (const [field, value] of Object.entries(withData(want))) {
    if (field !== 'metadata' && field !== 'status') compare(field, value, live[field], found)
  }
  return found
}

/** `stringData` is how a Secret is written; `data` is how it is read. */
function withData(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object
  if (object.kind !== 'Secret' || stringData === undefined) return object
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { ...rest, data: { ...(rest.data as object | undefined), ...Object.fromEntries(encoded) } }
}

function compare(path: string, want: unknown, live: unknown, found: Difference[]): void {
  // A field that is not said is not wanted to be empty.
  if (want === undefined || want === null || (isNothing(want) && isNothing(live))) return
  if (Array.isArray(want)) {
    compareLists(path, want, live, found)
  } else if (isRecord(want)) {
    compareRecords(path, want, live, found)
  } else if (want !== live && !sameQuantity(path, want, live)) {
    found.push({ path, want, live })
  }
}

function compareRecords(path: string, want: Record<string, unknown>, live: unknown, found: Difference[]): void {
  if (isRecord(live) || isNothing(live)) {
    for (const [key, value] of Object.entries(want)) compare(`${path}.${key}`, value, isRecord(live) ? live[key] : undefined, found)
  } else {
    found.push({ path, want, live })
  }
}

function compareLists(path: string, want: unknown[], live: unknown, found: Difference[]): void {
  // A list that is said to be empty must be: elsewhere the live one may have more.
  if (!Array.isArray(live) || want.length === 0) {
    found.push({ path, want, live })
    return
  }
  const names = namesOf(want)
  if (names !== undefined) {
    const byName = new Map(live.filter(isRecord).map((item) => [item.name, item]))
    want.forEach((item, index) => {
      compare(`${path}[${names[index] ?? index}]`, item, byName.get(names[index]), found)
    })
  } else if (want.length === live.length) {
    want.forEach((item, index) => {
      compare(`${path}[${index}]`, item, live[index], found)
    })
  } else {
    found.push({ path, want, live })
  }
}

/** Containers, variables, volumes and the like are known by name; an order may change, a name not. */
function namesOf(items: unknown[]): string[] | undefined {
  const names = items.map((item) => (isRecord(item) && typeof item.name === 'string' ? item.name : undefined))
  const known = names.filter((name) => name !== undefined)
  return known.length === items.length && new Set(known).size === items.length ? known : undefined
}

/** A server leaves out what has its zero value; writing it or not is the same. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.values(value).every(isNothing)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
