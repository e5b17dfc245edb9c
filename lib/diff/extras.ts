import type { KubernetesObject } from '../access.ts'
import { below, isBelow, isEmpty, isRecord, item, nameIn, namesOf, root, withData, type Place } from './compare.ts'
import type { Difference } from '../step.ts'
import { parsedJson } from '../json.ts'
import { hasAll, indexOf, writes, writingsOf, type Fields } from './managed.ts'

/** Of the metadata only this can be wanted or not; the rest is the server's, and finalizers guard what controllers have still to clean up. */
const ownMetadata = ['f:labels', 'f:annotations', 'f:ownerReferences']

/**
 * What is there and not wanted, since somebody added it: fields that nobody declared and that a
 * writer other than the quiet ones owns. What a server fills in by itself belongs to no writer, or to
 * the one whose object it filled in, so it is not among them.
 */
export function extras(want: KubernetesObject, live: KubernetesObject, quiet: (manager: string) => boolean): Difference[] {
  const found = new Map<string, Difference>()
  const wanted = withData(want)
  const writings = writingsOf(live)
  for (const writing of writings) {
    if (quiet(writing.manager)) continue
    const others = writings.filter((other) => other !== writing)
    const shared = (at: readonly string[]): boolean => others.some((other) => writes(other, live, at))
    for (const [key, inner] of Object.entries(writing.fields)) {
      const field = key.slice(2)
      if (['f:status', 'f:apiVersion', 'f:kind', '.'].includes(key)) continue
      const own = key === 'f:metadata' && isRecord(inner) ? Object.fromEntries(Object.entries(inner).filter(([name]) => ownMetadata.includes(name))) : inner
      walk(below(root, field), wanted[field], live[field], own, { found, shared })
    }
  }
  const all = [...found.values()]
  // Of a thing that goes whole no part is told again: one hand added it, another changed it.
  return all.filter((one) => !all.some((other) => other !== one && isBelow(one.at, other.at)))
}

interface Walk {
  found: Map<string, Difference>
  /** Whether others wrote in that place, too. */
  shared(at: readonly string[]): boolean
}

function walk(place: Place, want: unknown, live: unknown, fields: unknown, walked: Walk): void {
  if (isEmpty(live) || !isRecord(fields)) return
  const keys = Object.keys(fields).filter((key) => key !== '.')
  if (want === undefined && (keys.length === 0 || (!isMap(place) && !walked.shared(place.at)))) {
    // As one: what the server filled in would be nothing without the rest.
    walked.found.set(place.at.join('/'), { ...place, want, live })
  } else if (Object.keys(fields).length === 0) {
    if (!walked.shared(place.at)) walkWhole(place, want, live, walked)
  } else if (Array.isArray(live)) {
    walkItems(place, want, live, fields, walked)
  } else if (isRecord(live)) {
    for (const key of keys) {
      const name = key.slice(2)
      walk(below(place, name), isRecord(want) ? (want[name] ?? undefined) : undefined, live[name], fields[key], walked)
    }
  }
}

/** A list or a map without a tree of its own is one thing to the server, all of it the writer's; what was added is found by comparing. */
function walkWhole(place: Place, want: unknown, live: unknown, walked: Walk): void {
  if (isEmpty(live)) return
  if (want === undefined || want === null) {
    walked.found.set(place.at.join('/'), { ...place, want: undefined, live })
  } else if (Array.isArray(live) && Array.isArray(want)) {
    const names = namesOf(place, want)
    live.forEach((one: unknown, index) => {
      const name = nameIn(place, one) ?? String(index)
      const other: unknown = want[names?.indexOf(name) ?? index]
      // An item too many is told by the list itself.
      if (other !== undefined) walkWhole(item(place, index, name), other, one, walked)
    })
  } else if (isRecord(live) && isRecord(want)) {
    for (const [key, value] of Object.entries(live)) walkWhole(below(place, key), want[key], value, walked)
  }
}

/** Of these each entry stands for itself, and some are noise. */
function isMap({ names }: Place): boolean {
  return ['metadata', 'labels', 'annotations'].includes(names.at(-1) ?? '')
}

function walkItems(place: Place, want: unknown, live: readonly unknown[], fields: Fields, walked: Walk): void {
  const wanted = Array.isArray(want) ? (want as unknown[]) : []
  for (const key of Object.keys(fields)) {
    const index = key === '.' ? undefined : indexOf(live, key)
    if (index === undefined) continue
    const one = live[index]
    const inner = fields[key]
    const other = counterpart(place, wanted, key, one, index)
    const added = other === undefined && isRecord(inner) && (inner['.'] !== undefined || Object.keys(inner).length === 0)
    walk(item(place, index, nameIn(place, one) ?? String(index)), other, one, added ? {} : inner, walked)
  }
}

/** The wanted item that the live one is: by the server's own keys, or by name. */
function counterpart(list: Place, wanted: readonly unknown[], key: string, live: unknown, index: number): unknown {
  if (key.startsWith('v:')) return wanted.includes(live) ? live : undefined
  if (key.startsWith('i:')) return wanted[index]
  const [keys, name] = [parsedJson(key.slice(2)), nameIn(list, live)]
  const records = wanted.filter(isRecord)
  const byKeys = isRecord(keys) ? records.find((one) => hasAll(one, keys)) : undefined
  return byKeys ?? records.find((one) => name !== undefined && nameIn(list, one) === name)
}
