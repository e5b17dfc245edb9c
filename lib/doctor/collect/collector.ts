/** What a collector is: it looks at one area and gives its parts of the evidence. */
import type { KubernetesObject, ListQuery, Reader, Unreachable } from '../../access.ts'
import { AirstripError } from '../../errors.ts'
import type { Evidence, Said, StateFacts, Wanted } from '../evidence.ts'
import type { Learn } from '../learn.ts'
import type { Count, Known } from '../redact.ts'
import type { Seen } from '../witnessed.ts'

export interface Scope {
  namespace: string
  release?: string | undefined
  /** What the configuration wants; without it only what is there is judged. */
  wanted?: Wanted | undefined
  /** What the state file says; read by whoever knows where it lies. `witnessed` is asked last, since a run may still be reading logs. */
  recorded?: { state: StateFacts; said: Said[]; witnessed?: () => readonly Seen[] } | undefined
  /** Asked before everything else, since each question would learn the same in its own time. */
  unreachable?: Unreachable | undefined
  /** Takes the secrets that are known out of a text; what looks like one is taken out in any case. */
  redact?: Known | undefined
  /** Told of each secret that is met, so that `redact` knows it from then on. */
  learn?: Learn | undefined
  /** Told of each thing that is left out. */
  count?: Count | undefined
  /** Values of ConfigMaps that were met, each with its number: the record and the cluster are compared by those. */
  marks?: Map<string, number> | undefined
}

export type Found = Partial<Evidence>

/** What cannot be read costs only itself and is named among `unknown`; a cluster that cannot be reached is thrown. */
export type Collector = (reader: Reader, scope: Scope) => Promise<Found>

export async function gathered(collector: Collector, reader: Reader, scope: Scope): Promise<{ found: Found } | { error: unknown }> {
  try {
    return { found: await collector(reader, scope) }
  } catch (error) {
    return { error }
  }
}

/** Lists are put together, anything else replaces what was there. */
export function merged<T extends object>(one: T, other: Partial<T>): T {
  const sum = { ...one } as Record<string, unknown>
  for (const [key, value] of Object.entries(other)) {
    const there = sum[key]
    if (value !== undefined) sum[key] = Array.isArray(there) && Array.isArray(value) ? [...(there as unknown[]), ...(value as unknown[])] : value
  }
  return sum as T
}

export interface Kind {
  /** As the list query has it: `deployments.apps`. */
  resource: string
  /** The part of the evidence that the objects go to. */
  part: keyof { [K in keyof Evidence as NonNullable<Evidence[K]> extends KubernetesObject[] ? K : never]: true }
  /** What is kept of an object; the rest may hold secrets, and is much. */
  keep: (object: KubernetesObject) => KubernetesObject
}

/** One kind, alone. */
export async function listKind(reader: Reader, { resource, part, keep }: Kind, where: Omit<ListQuery, 'resources' | 'keep'>): Promise<Found> {
  try {
    const objects = await reader.list({ resources: [resource], ...where, keep })
    return { [part]: objects, looked: [`${objects.length} ${resource.split('.')[0] ?? resource}`] }
  } catch (error) {
    if (error instanceof AirstripError && error.code === 'CLUSTER_UNREACHABLE') throw error
    return { unknown: [`${resource}${where.namespace === undefined ? '' : ` in ${where.namespace}`} could not be read: ${messageOf(error)}`] }
  }
}

export async function listKinds(reader: Reader, kinds: readonly Kind[], where: Omit<ListQuery, 'resources' | 'keep'>): Promise<Found> {
  const lists = await Promise.all(kinds.map((kind) => listKind(reader, kind, where)))
  return lists.reduce((sum, list) => merged<Found>(sum, list), {})
}

/** Counts of one kind from several places as one, and none of what there is none of. */
export function summed(looked: readonly string[]): string[] {
  const counts = new Map<string, number>()
  const others = looked.filter((line) => {
    const [, count, kind] = /^(\d+) ([a-z]+)$/.exec(line) ?? []
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + Number(count))
    return kind === undefined
  })
  return [...[...counts].filter(([, count]) => count > 0).map(([kind, count]) => `${count} ${kind}`), ...others]
}

/** The first line of what went wrong, and of a refused call the first line of the refusal. */
export function messageOf(error: unknown): string {
  const said = error instanceof AirstripError ? error.seen[0] : undefined
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return said === undefined ? line : `${line} ${said}`
}
