/**
 * Who wrote what, as the API server keeps it in `metadata.managedFields` (kubernetes.io, Server-Side
 * Apply, "Field management"): for every writer a tree of the fields that are its own, `f:` before a
 * key, `k:` before the keys of a list item, `v:` before a plain list item, `.` for the thing itself.
 */
import type { KubernetesObject } from '../access.ts'
import { parsedJson } from '../json.ts'
import { isRecord } from './compare.ts'

export type Fields = Record<string, unknown>

export interface Writing {
  manager: string
  /** ISO time; empty where the server did not note it. */
  time: string
  fields: Fields
}

/** Writers of the object itself; who reports its status or binds it writes through a subresource. */
export function writingsOf({ metadata }: KubernetesObject): Writing[] {
  const entries = Array.isArray(metadata.managedFields) ? (metadata.managedFields as Record<string, unknown>[]) : []
  return entries.flatMap(({ manager, time, subresource, fieldsV1 }) =>
    (subresource === undefined || subresource === 'scale') && isRecord(fieldsV1)
      ? [{ manager: typeof manager === 'string' ? manager : '', time: typeof time === 'string' ? time : '', fields: fieldsV1 }]
      : [])
}

/** The index of the item that a `k:` or `v:` key names; undefined where it is gone. */
export function indexOf(list: readonly unknown[], key: string): number | undefined {
  const wanted = parsedJson(key.slice(2))
  const index = list.findIndex((one) => (key.startsWith('v:') ? one === wanted : isRecord(wanted) && isRecord(one) && hasAll(one, wanted)))
  return index < 0 ? undefined : index
}

/** A key that the item leaves out has its default there: the server fills in a port's protocol. */
export function hasAll(one: Record<string, unknown>, keys: Record<string, unknown>): boolean {
  return Object.entries(keys).every(([key, value]) => one[key] === value || (one[key] === undefined && key === 'protocol' && value === 'TCP'))
}

/** The last writer of a field of the live object; undefined where none is noted. */
export function lastWriter(object: KubernetesObject, at: readonly string[]): Writing | undefined {
  const writers = writingsOf(object).filter((writing) => writes(writing, object, at))
  return writers.sort((a, b) => b.time.localeCompare(a.time))[0]
}

/** Whether the field, or something in it, is that writer's. */
export function writes({ fields }: Writing, object: KubernetesObject, at: readonly string[]): boolean {
  return owns(fields, object, at)
}

function owns(fields: unknown, value: unknown, [first, ...rest]: readonly string[]): boolean {
  if (!isRecord(fields)) return false
  // Of a list or a map that has no tree of its own every part is the writer's.
  if (first === undefined || Object.keys(fields).length === 0) return true
  if (Array.isArray(value)) {
    const index = Number(first)
    const key = Object.keys(fields).find((one) => one !== '.' && indexOf(value, one) === index)
    return key !== undefined && owns(fields[key], value[index], rest)
  }
  return isRecord(value) && owns(fields[`f:${first}`], value[first], rest)
}
