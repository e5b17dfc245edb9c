import { describe, nameOf } from '../changes.ts'
import type { IgnoreRule } from '../diff/noise.ts'
import { patchOf } from '../diff/patch.ts'
import { isBelow } from '../diff/compare.ts'
import { counted, drift } from '../diff/rules.ts'
import type { KubernetesObject, Release } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import { leavesByItself } from '../observe/release.ts'
import type { Change, Difference } from '../step.ts'
import { leftInPods } from './failed-revision.ts'
import { withHelmMarks } from './helm-marks.ts'

type Live = readonly (KubernetesObject | undefined)[]

/**
 * What somebody deleted, changed or added by hand, object by object, put back as Helm's record has
 * it. No Helm is needed for that: nothing is rendered, no hook runs, no revision comes to be, and
 * exactly what was shown is made. Helm's own three-way merge would leave what was added.
 */
export function handEdits(release: Release, live: Live, ignore: readonly IgnoreRule[]): Change[] {
  return release.objects.flatMap((object, index): Change[] => {
    const there = live[index]
    const want = withHelmMarks(object, release)
    if (there === undefined) return leavesByItself(object) ? [] : [{ op: 'create', want, why: 'it is part of the release and was deleted' }]
    return putBack(want, there, drift(want, there, ignore))
  })
}

/**
 * The chart's own Secrets and ConfigMaps where it makes them by a hook, as the official one does with
 * `extraSecrets`: Helm keeps no eye on them, but they are as much a part of what was agreed to. Only
 * those that every install and upgrade makes anew, for of others the record is not what was made.
 */
export function standingHooks({ hooks, description }: Release): KubernetesObject[] {
  const stays = hooks.filter(({ events, deletePolicies, phase }) =>
    phase === 'Succeeded' && !deletePolicies.includes('hook-succeeded') && ['install', 'upgrade'].every((when) => events.some((event) => event.endsWith(when))))
  return description.startsWith('Rollback') ? [] : stays.flatMap(({ object }) => (object !== undefined && ['Secret', 'ConfigMap'].includes(object.kind) ? [object] : []))
}

/** The same for them; Helm puts no marks on a hook. */
export function hookEdits(hooks: readonly KubernetesObject[], live: Live, ignore: readonly IgnoreRule[]): Change[] {
  return hooks.flatMap((want, index): Change[] => {
    const there = live[index]
    return there === undefined ? [{ op: 'create', want, why: 'it is part of the chart and was deleted' }] : putBack(want, there, drift(want, there, ignore))
  })
}

/**
 * Only what was added: an upgrade puts back the rest. Helm merges from the revision that was deployed
 * last, so it would keep what one that failed after it has added; `wanted` has the chart as it is
 * rendered now, and what that has as well stays.
 */
export function foreignAdditions(release: Release, live: Live, ignore: readonly IgnoreRule[], wanted: readonly KubernetesObject[] = []): Change[] {
  return release.objects.flatMap((object, index): Change[] => {
    const there = live[index]
    if (there === undefined) return []
    const byHand = drift(withHelmMarks(object, release), there, ignore).filter((one) => one.want === undefined)
    const [old, next] = [release.base, wanted].map((list) => list?.find((one) => nameOf(one) === nameOf(object)))
    const byHelm = old === undefined || next === undefined ? [] : counted(leftInPods(old, object, next, there), there, ignore)
    // What goes whole takes with it what was added to it.
    return putBack(withHelmMarks(object, release), there, [...byHand.filter(({ at }) => !byHelm.some((one) => isBelow(at, one.at))), ...byHelm])
  })
}

/** What somebody made immutable cannot be changed any more, not even that it is. */
function putBack(want: KubernetesObject, live: KubernetesObject, found: readonly Difference[]): Change[] {
  const patch = patchOf(found)
  if (!isNonEmpty(patch)) return []
  const why = describe(found, live)
  return [found.some(({ path }) => path === 'immutable') ? { op: 'replace', want, live, why } : { op: 'patch', live, patch, why }]
}

interface Autoscaler {
  scaleTargetRef?: { kind?: string; name?: string }
}

/** How many there are is the autoscaler's to say, whatever the chart wrote. */
export function scaledByOthers(autoscalers: readonly KubernetesObject[]): IgnoreRule[] {
  return autoscalers.flatMap(({ spec, metadata }) => {
    const { kind, name } = (spec as Autoscaler | undefined)?.scaleTargetRef ?? {}
    return kind === undefined || name === undefined ? [] : [{ kind, name, namespace: metadata.namespace, path: '/spec/replicas', reason: `HorizontalPodAutoscaler ${metadata.name} sets it` }]
  })
}
