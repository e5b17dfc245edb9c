import { describe } from '../changes.ts'
import type { IgnoreRule } from '../diff/noise.ts'
import { patchOf } from '../diff/patch.ts'
import { drift } from '../diff/rules.ts'
import type { KubernetesObject, Release, ReleaseName } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import type { Change } from '../step.ts'

type Live = readonly (KubernetesObject | undefined)[]

/** What Helm puts on every object that it makes, and keeps out of its record (helm pkg/action/validate.go). */
export function withHelmMarks(object: KubernetesObject, { name, namespace }: ReleaseName): KubernetesObject {
  const { labels, annotations } = object.metadata
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { ...annotations, 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': namespace },
    },
  }
}

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
    const found = drift(want, there, ignore)
    const patch = patchOf(found)
    return isNonEmpty(patch) ? [{ op: 'patch', live: there, patch, why: describe(found, there) }] : []
  })
}

/** Only what was added: an upgrade puts back the rest. */
export function handAdditions(release: Release, live: Live, ignore: readonly IgnoreRule[]): Change[] {
  return release.objects.flatMap((object, index): Change[] => {
    const there = live[index]
    const found = there === undefined ? [] : drift(withHelmMarks(object, release), there, ignore).filter(({ want }) => want === undefined)
    const patch = patchOf(found)
    return there !== undefined && isNonEmpty(patch) ? [{ op: 'patch', live: there, patch, why: describe(found, there) }] : []
  })
}

/** A Job with a time to live is gone when it has done its work. */
function leavesByItself({ kind, spec }: KubernetesObject): boolean {
  return kind === 'Job' && (spec as { ttlSecondsAfterFinished?: number } | undefined)?.ttlSecondsAfterFinished !== undefined
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
