/**
 * A StatefulSet: all replicas ready and of the newest revision.
 *
 *   status: {observedGeneration: 1, replicas: 1, currentReplicas: 1, updatedReplicas: 1,
 *     currentRevision: airflow-postgresql-7c4f8d, updateRevision: airflow-postgresql-7c4f8d}
 */
import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Context, type Observation, done, inNamespace, nameOf, waiting } from './observation.ts'
import { podsOf } from './owners.ts'
import { observeRefusal } from './refusal.ts'
import { isBehind, throughPods } from './workload-pods.ts'

export function observeStatefulSet(object: KubernetesObject, context: Context): Observation {
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (isBehind(object)) return behind(object, context)
  const set = object as StatefulSet
  const counts = lacking(set)
  if (counts === undefined) return done(`${nameOf(object)}: ${set.status?.readyReplicas ?? 0} ready`)
  const mine = podsOf(object, context.pods)
  // In parallel an old pod is replaced whatever its state, so what ails it is as good as mended.
  const judged = set.spec?.podManagementPolicy === 'Parallel' ? mine.filter((pod) => !isOld(pod, set)) : mine
  return withOldPods(object, judged.filter((pod) => isOld(pod, set)), throughPods(object, judged, counts, context))
}

/** Its controller writes no status while it is refused, so a refusal shows only in the events. */
function behind(object: KubernetesObject, context: Context): Observation {
  const refusal = observeRefusal(object, context)
  return refusal ?? waiting('its controller has not seen the newest version yet')
}

function lacking({ spec, status }: StatefulSet): string | undefined {
  const wanted = spec?.replicas ?? 1
  const { readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision } = status ?? {}
  if (readyReplicas < wanted) return `${readyReplicas}/${wanted} ready`
  if (spec?.updateStrategy?.type === 'OnDelete' || currentRevision === updateRevision) return undefined
  const toUpdate = wanted - (spec?.updateStrategy?.rollingUpdate?.partition ?? 0)
  return updatedReplicas < toUpdate ? `${updatedReplicas}/${toUpdate} of the newest revision` : undefined
}

function isOld(pod: KubernetesObject, { status }: StatefulSet): boolean {
  const revision = pod.metadata.labels?.['controller-revision-hash']
  return revision !== undefined && status?.updateRevision !== undefined && revision !== status.updateRevision
}

/** In order the controller waits for the old pod to become ready before it replaces it: for ever. */
function withOldPods(object: KubernetesObject, old: KubernetesObject[], look: Observation): Observation {
  const stuck = look.state === 'failed' && old.find((pod) => nameOf(pod) === look.subject)
  if (!stuck) return look
  const line = `kubectl ${inNamespace(object)} delete pod ${stuck.metadata.name} # it is of an older revision, and its StatefulSet waits for it before it makes the new one`
  return { ...look, finding: { ...look.finding, fix: [...look.finding.fix, line] } }
}
