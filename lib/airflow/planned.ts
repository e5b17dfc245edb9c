import { nameOf, refOf } from '../changes.ts'
import { differences } from '../diff/compare.ts'
import { patchOf, patched } from '../diff/patch.ts'
import { dropped } from '../diff/three-way.ts'
import type { KubernetesObject, Reader, Release, ReleaseWish } from '../access.ts'
import { isKept, withHelmMarks } from './helm-marks.ts'

/** One object as it is and as it will be. */
export interface ObjectChange {
  op: 'create' | 'update' | 'delete' | 'run'
  before?: KubernetesObject | undefined
  after?: KubernetesObject | undefined
  why: string
}

/**
 * What an upgrade does to every object of the release: the chart as Helm renders it now, laid over
 * what is there. `ahead` has the objects that changes before this one will have left.
 */
export async function plannedObjects(want: ReleaseWish, release: Release | undefined, reader: Reader, ahead: ReadonlyMap<string, KubernetesObject | undefined>): Promise<ObjectChange[]> {
  const { objects, hooks } = await reader.render(want)
  const base = release?.base ?? release?.objects ?? []
  const gone = base.filter((old) => !objects.some((one) => nameOf(one) === nameOf(old)))
  const live = await reader.get([...objects, ...gone].map(refOf))
  const before = [...objects, ...gone].map((object, index) => (ahead.has(nameOf(object)) ? ahead.get(nameOf(object)) : live[index]))
  return [
    ...objects.flatMap((object, index) => changeOf(withHelmMarks(object, want), before[index], base.find((old) => nameOf(old) === nameOf(object)))),
    ...gone.flatMap((_, index): ObjectChange[] => {
      const there = before[objects.length + index]
      return there === undefined || isKept(there) ? [] : [{ op: 'delete', before: there, why: 'the chart does not have it any more' }]
    }),
    ...hooks.map((hook): ObjectChange => ({ op: 'run', after: hook, why: `hook of the chart: ${hook.metadata.annotations?.['helm.sh/hook'] ?? ''}` })),
  ]
}

function changeOf(want: KubernetesObject, before: KubernetesObject | undefined, old: KubernetesObject | undefined): ObjectChange[] {
  if (before === undefined) return [{ op: 'create', after: want, why: 'it is not there' }]
  const found = [...differences(want, before), ...(old === undefined ? [] : dropped(old, want, before))]
  return found.length === 0 ? [] : [{ op: 'update', before, after: patched(before, patchOf(found)), why: 'the chart as it is rendered now' }]
}
