/**
 * What an upgrade that failed left on the cluster. Helm merges from the revision that was deployed
 * last, so what the failed one had added is somebody else's to it and would stay for ever.
 */
import type { KubernetesObject, Release } from '../access.ts'
import { nameOf } from '../changes.ts'
import { differences, isBelow } from '../diff/compare.ts'
import { dropped } from '../diff/three-way.ts'
import { rollsOut } from '../observe/template.ts'
import type { Change, Difference } from '../step.ts'
import { isKept, isMadeBy } from './helm-marks.ts'

/**
 * What the revision that failed had in its pods, and neither the one that is wanted nor the one that
 * Helm begins with has. One part may need another, a mount its volume, so all of the pods is then
 * made as it is wanted. What is left elsewhere starts nothing, and much of it nobody may change.
 */
export function leftInPods(base: KubernetesObject, tried: KubernetesObject, want: KubernetesObject, live: KubernetesObject): Difference[] {
  const ofPods = ({ at: [first, second] }: Difference): boolean => first === 'spec' && second === 'template'
  const placeOf = ({ at }: Difference): string => at.join('/')
  const byHelm = new Map(dropped(base, want, live).filter(ofPods).map((one) => [placeOf(one), one]))
  const left = dropped(tried, want, live).filter((one) => ofPods(one) && !byHelm.has(placeOf(one)))
  if (!rollsOut(live) || left.length === 0) return []
  const declared = differences(want, live).filter(ofPods)
  // A list that is replaced as a whole takes its parts with it.
  return [...declared, ...[...byHelm.values(), ...left].filter(({ at }) => !declared.some((one) => isBelow(at, one.at)))]
}

/** Whoever made them, what they hold is nobody's to throw away unasked. */
const holdsData = ['PersistentVolumeClaim', 'PersistentVolume', 'Secret', 'Namespace', 'CustomResourceDefinition']

/** What a revision that failed has made, and `wanted`, objects and hooks of the chart as it is rendered now, has not: to Helm it is nobody's. */
export function leftObjects(release: Release, live: readonly (KubernetesObject | undefined)[], wanted: readonly KubernetesObject[]): Change[] {
  const { base, objects } = release
  if (base === undefined || wanted.length === 0) return []
  const known = new Set([...base, ...wanted].map(nameOf))
  return objects.flatMap((object, index): Change[] => {
    const there = live[index]
    const stays = there === undefined || !isMadeBy(release, there) || known.has(nameOf(object)) || holdsData.includes(object.kind) || isKept(there)
    return stays ? [] : [{ op: 'delete', live: there, why: 'a revision of Helm\'s that failed made it, and the chart as it is wanted does not have it' }]
  })
}
