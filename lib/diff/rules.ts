import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject } from '../access.ts'
import { below, differences, isBelow, isRecord, item, nameIn, type Place } from './compare.ts'
import type { Difference } from '../step.ts'
import { extras } from './extras.ts'
import { lastWriter } from './managed.ts'
import { additions, type IgnoreRule } from './noise.ts'

const quietManagers = new Set(additions.flatMap(({ manager }) => (manager === undefined ? [] : [manager])))

/** Not a person's hand: what it writes beyond what is wanted is its own affair. */
export function isQuiet(manager: string): boolean {
  return quietManagers.has(manager)
}

/**
 * All that is not as wanted on a live object: declared fields that differ, and what somebody added.
 * `ignore` holds for both; the rules for additions only for what nobody declared.
 */
export function drift(want: KubernetesObject, live: KubernetesObject, ignore: readonly IgnoreRule[] = []): Difference[] {
  const declared = differences(want, live)
  // What is replaced as a whole takes with it what was added to it.
  const added = extras(want, live, isQuiet).filter((one) => !isIgnored(one, live, additions) && !declared.some(({ at }) => isBelow(one.at, at)))
  return counted([...declared, ...added], live, ignore)
}

/** Without what is to be ignored, also in what goes whole. */
export function counted(found: readonly Difference[], live: KubernetesObject, ignore: readonly IgnoreRule[]): Difference[] {
  return found.flatMap((one) => (one.want === undefined ? entriesOf(one, live, ignore) : [one])).filter((one) => !isIgnored(one, live, ignore))
}

/** Of these each entry stands for itself. */
const maps = ['labels', 'annotations', 'data', 'binaryData', 'nodeSelector']

/** A whole list or map that was added, taken apart where an entry of it may stay. */
function entriesOf(added: Difference, live: KubernetesObject, ignore: readonly IgnoreRule[]): Difference[] {
  const entries = childrenOf(added)
  return entries.some((one) => isIgnored(one, live, ignore)) ? entries : [added]
}

function childrenOf(added: Difference): Difference[] {
  const { live } = added
  const child = (place: Place, value: unknown): Difference => ({ ...place, want: undefined, live: value })
  if (Array.isArray(live)) return live.map((one: unknown, index) => child(item(added, index, nameIn(added, one) ?? String(index)), one))
  return isRecord(live) && maps.includes(added.names.at(-1) ?? '') ? Object.entries(live).map(([key, value]) => child(below(added, key), value)) : []
}

function isIgnored(found: Difference, live: KubernetesObject, rules: readonly IgnoreRule[]): boolean {
  return rules.some((rule) => matches(rule, found, live))
}

function matches({ kind, namespace, name, path, value, manager }: IgnoreRule, found: Difference, live: KubernetesObject): boolean {
  if (kind !== undefined && kind !== live.kind) return false
  if (namespace !== undefined && namespace !== live.metadata.namespace) return false
  if (name !== undefined && name !== live.metadata.name) return false
  if (path !== undefined && !leadsTo(segmentsOf(path), found.names)) return false
  if (value !== undefined && !isDeepStrictEqual(value, found.live)) return false
  return manager === undefined || lastWriter(live, found.at)?.manager === manager
}

/** `/spec/template/~1x` without its first slash, `~1` read as `/` and `~0` as `~`. */
function segmentsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** True where the pattern is the place or one above it. */
function leadsTo([first, ...rest]: readonly string[], names: readonly string[]): boolean {
  if (first === undefined) return true
  if (first === '**') return leadsTo(rest, names) || (names.length > 0 && leadsTo([first, ...rest], names.slice(1)))
  const [name, ...below] = names
  return name !== undefined && (first === '*' || first === name) && leadsTo(rest, below)
}
