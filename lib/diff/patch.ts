import { applyPatch } from 'rfc6902'
import type { JsonPatch, KubernetesObject } from '../access.ts'
import type { Difference } from '../step.ts'

/**
 * The differences undone, as a JSON patch. Before every act stands a test of what was seen: where
 * the object has moved since, the API server refuses all of it, so what was shown is what is made.
 */
export function patchOf(found: readonly Difference[]): JsonPatch[] {
  const removed = found.filter(({ want }) => want === undefined).sort((one, other) => -inOrder(one.at, other.at))
  return [...found.filter(({ want }) => want !== undefined), ...removed].flatMap(({ at, want, live }): JsonPatch[] => {
    const path = pointerOf(at)
    if (live === undefined) return [{ op: 'add', path, value: want }]
    const seen: JsonPatch = { op: 'test', path, value: live }
    return want === undefined ? [seen, { op: 'remove', path }] : [seen, { op: 'replace', path, value: want }]
  })
}

/** What is taken away goes last and from the end of a list, so that every index means what it meant. */
function inOrder([a, ...one]: readonly string[], [b, ...other]: readonly string[]): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  if (a === b) return inOrder(one, other)
  return Number(a) - Number(b) || a.localeCompare(b)
}

export function pointerOf(at: readonly string[]): string {
  return at.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** A copy of the object as it is after the patch; tests are the API server's. */
export function patched(object: KubernetesObject, patch: readonly JsonPatch[]): KubernetesObject {
  const copy = structuredClone(object)
  applyPatch(copy, patch.filter(({ op }) => op !== 'test') as Parameters<typeof applyPatch>[1])
  return copy
}
