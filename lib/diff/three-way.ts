import type { KubernetesObject } from '../access.ts'
import { below, isRecord, item, nameIn, namesOf, root, type Place } from './compare.ts'
import type { Difference } from '../step.ts'

/**
 * What an upgrade takes away: fields of the old manifest that the new one has not, and that are
 * there. Helm does the same by its three-way merge (helm.sh, "Improved upgrade strategy").
 */
export function dropped(old: KubernetesObject, want: KubernetesObject, live: KubernetesObject): Difference[] {
  const found: Difference[] = []
  for (const field of ['labels', 'annotations'] as const) drop(below(below(root, 'metadata'), field), old.metadata[field], want.metadata[field], live.metadata[field], found)
  for (const [field, value] of Object.entries(old)) {
    if (!['apiVersion', 'kind', 'metadata', 'status'].includes(field)) drop(below(root, field), value, want[field], live[field], found)
  }
  return found
}

function drop(place: Place, old: unknown, want: unknown, live: unknown, found: Difference[]): void {
  if (old === undefined || old === null || live === undefined) return
  if (want === undefined || want === null) {
    found.push({ ...place, want: undefined, live })
  } else if (Array.isArray(old) && Array.isArray(want) && Array.isArray(live)) {
    dropItems(place, old, want, live, found)
  } else if (isRecord(old) && isRecord(live)) {
    for (const [key, value] of Object.entries(old)) drop(below(place, key), value, isRecord(want) ? want[key] : {}, live[key], found)
  }
}

/** Items with names; a list of anything else is compared whole, and replaced. */
function dropItems(place: Place, old: unknown[], want: unknown[], live: unknown[], found: Difference[]): void {
  const byName = (items: unknown[], name: string): Record<string, unknown> | undefined => items.filter(isRecord).find((one) => nameIn(place, one) === name)
  for (const name of namesOf(place, old) ?? []) {
    const index = live.findIndex((one) => nameIn(place, one) === name)
    if (index >= 0) drop(item(place, index, name), byName(old, name), byName(want, name), live[index], found)
  }
}
