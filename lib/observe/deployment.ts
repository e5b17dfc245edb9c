/**
 * A Deployment: seen by its controller, all replicas of the newest version, none of an old one, all
 * available. `ProgressDeadlineExceeded` only means ten slow minutes, so it is told and not believed.
 *
 *   status: {observedGeneration: 3, replicas: 2, updatedReplicas: 1, availableReplicas: 1, conditions: [
 *     {type: Progressing, status: "True", reason: ReplicaSetUpdated, message: ReplicaSet "airflow-scheduler-6d5b9c7f9" is progressing.}]}
 */
import type { Deployment, DeploymentCondition } from 'kubernetes-types/apps/v1.js'
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { timeOf } from './events.ts'
import { type Context, type Observation, done, nameOf, waiting } from './observation.ts'
import { controllerOf, podsOf } from './owners.ts'
import { judgeRefusal } from './refusal.ts'
import { isBehind, throughPods } from './workload-pods.ts'

export function observeDeployment(object: KubernetesObject, context: Context): Observation {
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (isBehind(object)) return waiting('its controller has not seen the newest version yet')
  const deployment = object as Deployment
  const counts = lacking(deployment)
  if (counts === undefined) return done(`${nameOf(object)}: ${deployment.status?.availableReplicas ?? 0} available`)
  const refused = condition(deployment, 'ReplicaFailure')
  const refusal = refused?.status === 'True' ? judgeRefusal(object, refused.message ?? '', lastTry(object, context), context) : undefined
  if (refusal?.state === 'failed') return refusal
  const line = counts + stuck(deployment) + (refusal?.state === 'waiting' ? `; ${refusal.reason}` : '')
  return throughPods(object, newestPods(object, context), line, context)
}

function condition(deployment: Deployment, type: string): DeploymentCondition | undefined {
  return deployment.status?.conditions?.find((one) => one.type === type)
}

function lacking({ spec, status = {} }: Deployment): string | undefined {
  const wanted = spec?.replicas ?? 1
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  if (updatedReplicas < wanted) return `${updatedReplicas}/${wanted} of the newest version${spec?.paused ? ', and it is paused' : ''}`
  if (replicas > updatedReplicas) return `${replicas - updatedReplicas} of an older version still to end`
  return availableReplicas < updatedReplicas ? `${availableReplicas}/${wanted} available` : undefined
}

/** The condition keeps the time of its first refusal; the ReplicaSet's events have that of the last. */
function lastTry({ metadata }: KubernetesObject, { events }: Context): number | undefined {
  const tries = (events as readonly unknown[] as Event[]).filter(({ reason, involvedObject: { kind, name, namespace } }) =>
    reason === 'FailedCreate' && kind === 'ReplicaSet' && namespace === metadata.namespace && name?.startsWith(`${metadata.name}-`))
  return tries.length > 0 ? Math.max(...tries.map(timeOf)) : undefined
}

function stuck(deployment: Deployment): string {
  return condition(deployment, 'Progressing')?.reason === 'ProgressDeadlineExceeded' ? ', no progress for a while' : ''
}

const revisionMark = 'deployment.kubernetes.io/revision'

/**
 * Only pods of the newest ReplicaSet: after a repair the broken pod of the old one stays until the
 * new one is ready, and must not end the wait for it. Newest is the one with the Deployment's own
 * revision, which a repair that goes back to an earlier version gives to that version's old
 * ReplicaSet. Without the ReplicaSets, the condition names the one that was worked on last.
 */
export function newestPods(object: KubernetesObject, { pods, replicaSets }: Pick<Context, 'pods' | 'replicaSets'>): KubernetesObject[] {
  const mine = podsOf(object, pods)
  const revision = object.metadata.annotations?.[revisionMark]
  const current = replicaSets?.find((one) => controllerOf(one)?.uid === object.metadata.uid && one.metadata.annotations?.[revisionMark] === revision)
  const [, told] = /replica ?set "([^"]+)"/i.exec(condition(object as Deployment, 'Progressing')?.message ?? '') ?? []
  const newest = current?.metadata.name ?? told
  return newest === undefined ? mine : mine.filter((pod) => controllerOf(pod)?.name === newest)
}
