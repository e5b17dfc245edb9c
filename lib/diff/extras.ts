import type { KubernetesObject } from '../access.ts'
import { below, isEmpty, isRecord, item, root, withData, type Difference, type Place } from './compare.ts'
import { hasAll, indexOf, parsed, writingsOf, type Fields } from './managed.ts'

/** Of the metadata only this can be wanted or not; the rest is the server's. */
const ownMetadata = ['f:labels', 'f:annotations', 'f:ownerReferences', 'f:finalizers']

/**
 * What is there and not wanted, since somebody added it: fields that nobody declared and that a
 * writer other than the quiet ones owns. What a server fills in by itself belongs to no writer, or to
 * the one whose object it filled in, so it is not among them.
 */
export function extras(want: KubernetesObject, live: KubernetesObject, quiet: (manager: string) => boolean): Difference[] {
  const found = new Map<string, Difference>()
  const wanted = withData(want)
  for (const { manager, fields } of writingsOf(live)) {
    if (quiet(manager)) continue
    for (const [key, inner] of Object.entries(fields)) {
      const field = key.slice(2)
      if (['f:status', 'f:apiVersion', 'f:kind', '.'].includes(key)) continue
      const own = key === 'f:metadata' && isRecord(inner) ? Object.fromEntries(Object.entries(inner).filter(([name]) => ownMetadata.includes(name))) : inner
      walk(below(root, field), wanted[field], live[field], own, found)
    }
  }
  return [...found.values()]
}

function walk(place: Place, want: unknown, live: unknown, fields: unknown, found: Map<string, Difference>): void {
  if (isEmpty(live) || !isRecord(fields)) return
  const keys = Object.keys(fields).filter((key) => key !== '.')
  if (want === undefined && isWhole(live, fields, keys)) {
    found.set(place.at.join('/'), { ...place, want, live })
  } else if (Array.isArray(live)) {
    walkItems(place, want, live, fields, keys, found)
  } else if (isRecord(live)) {
    for (const key of keys) {
      const name = key.slice(2)
      walk(below(place, name), isRecord(want) ? (want[name] ?? undefined) : undefined, live[name], fields[key], found)
    }
  }
}

function walkItems(place: Place, want: unknown, live: readonly unknown[], fields: Fields, keys: readonly string[], found: Map<string, Difference>): void {
  const wanted = Array.isArray(want) ? (want as unknown[]) : []
  for (const key of keys) {
    const index = indexOf(live, key)
    if (index === undefined) continue
    const one = live[index]
    const name = isRecord(one) && typeof one.name === 'string' ? one.name : String(index)
    const inner = fields[key]
    const other = counterpart(wanted, key, one, index)
    // An item that somebody added goes whole: what the server filled in would be no item without the rest.
    const added = other === undefined && isRecord(inner) && (inner['.'] !== undefined || Object.keys(inner).length === 0)
    walk(item(place, index, name), other, one, added ? {} : inner, found)
  }
}

/** The wanted item that the live one is: by the server's own keys, or by name. */
function counterpart(wanted: readonly unknown[], key: string, live: unknown, index: number): unknown {
  if (key.startsWith('v:')) return wanted.includes(live) ? live : undefined
  if (key.startsWith('i:')) return wanted[index]
  const keys = parsed(key.slice(2))
  const records = wanted.filter(isRecord)
  const byKeys = isRecord(keys) ? records.find((one) => hasAll(one, keys)) : undefined
  return byKeys ?? (isRecord(live) && typeof live.name === 'string' ? records.find(({ name }) => name === live.name) : undefined)
}

/** Nothing in it is anybody else's, so it goes as one. */
function isWhole(live: unknown, fields: Fields, keys: readonly string[]): boolean {
  if (keys.length === 0) return true
  if (fields['.'] === undefined) return false
  return keys.length >= (Array.isArray(live) ? live.length : isRecord(live) ? Object.keys(live).length : 0)
}
