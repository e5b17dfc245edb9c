/**
 * Whose pod it is. Owners are followed and labels are not: with the Kubernetes executor the pods
 * of tasks carry the labels of the Celery workers, and a task that failed is no fault of theirs.
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { OwnerReference } from 'kubernetes-types/meta/v1.js'
import type { KubernetesObject } from '../access.ts'
import { isLeaving, isOverdue } from './leaving.ts'
import { inNamespace } from './observation.ts'

export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  const owners = (object.metadata.ownerReferences ?? []) as OwnerReference[]
  return owners.find((owner) => owner.controller)
}

/** The pods of a StatefulSet, DaemonSet, Job or ReplicaSet, or of a Deployment through its ReplicaSets. */
export function podsOf(workload: KubernetesObject, pods: readonly KubernetesObject[]): KubernetesObject[] {
  return pods.filter((pod) => pod.metadata.namespace === workload.metadata.namespace && owns(workload, pod))
}

function owns(workload: KubernetesObject, pod: KubernetesObject): boolean {
  const owner = controllerOf(pod)
  if (!owner) return false
  if (workload.kind !== 'Deployment') {
    return workload.metadata.uid === undefined
      ? owner.kind === workload.kind && owner.name === workload.metadata.name
      : owner.uid === workload.metadata.uid
  }
  const hash = pod.metadata.labels?.['pod-template-hash']
  return owner.kind === 'ReplicaSet' && owner.name === `${workload.metadata.name}-${hash ?? ''}`
}

/** The pod of a Job that has not ended: while it runs Kubernetes calls it ready, and yet nothing is done. */
export function isAtWork(pod: KubernetesObject): boolean {
  const phase = (pod as Pod).status?.phase
  return controllerOf(pod)?.kind === 'Job' && phase !== 'Succeeded' && phase !== 'Failed'
}

/** The pod of a task, be it the executor's or an operator's: those fail for reasons of their own. */
export function isTask({ metadata: { labels = {} } }: KubernetesObject): boolean {
  return labels.kubernetes_executor !== undefined || labels.task_id !== undefined
}

/** Those in which the executor of this release runs its tasks, which nothing ends when their scheduler is gone. */
export function executorPodsOf(release: string, pods: readonly KubernetesObject[]): KubernetesObject[] {
  return pods.filter((pod) => {
    const { labels = {} } = pod.metadata
    return labels.kubernetes_executor === 'True' && (labels.release ?? release) === release && controllerOf(pod) === undefined
  })
}

/** Whoever a person would edit: the Deployment and not its ReplicaSet. Undefined for a bare pod. */
export function workloadOf(pod: KubernetesObject): { kind: string; name: string } | undefined {
  const owner = controllerOf(pod)
  const hash = pod.metadata.labels?.['pod-template-hash']
  if (owner?.kind === 'ReplicaSet' && hash !== undefined) return { kind: 'Deployment', name: owner.name.replace(`-${hash}`, '') }
  return owner && { kind: owner.kind, name: owner.name }
}

/** Ten replicas of one Deployment are one finding. */
export function ownerName(pod: KubernetesObject): string {
  const owner = workloadOf(pod)
  return owner === undefined ? `Pod ${pod.metadata.name}` : `${owner.kind} ${owner.name}`
}

/** What kubectl edits the pods of: they have a template, which may be changed. */
const withTemplate = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']

/** `deployment/airflow-scheduler`, for the commands of a fix; undefined for what nothing makes again, or who knows what does. */
export function targetOf(pod: KubernetesObject): string | undefined {
  const owner = workloadOf(pod)
  return owner === undefined || !withTemplate.includes(owner.kind) ? undefined : `${owner.kind.toLowerCase()}/${owner.name}`
}

/** What a command that edits its template ends in: a StatefulSet waits for a pod that is not ready, and makes none of the new template until that one is gone. */
export function thenDeletePod(pod: KubernetesObject): string {
  return workloadOf(pod)?.kind === 'StatefulSet' ? ` && kubectl ${inNamespace(pod)} delete pod ${pod.metadata.name}` : ''
}

/** Pods that are to run on: an evicted one stays as Failed while its successor runs. */
export function lasting(pods: readonly KubernetesObject[]): KubernetesObject[] {
  return pods.filter((pod) => {
    const phase = (pod as Pod).status?.phase
    return pod.metadata.deletionTimestamp === undefined && phase !== 'Failed' && phase !== 'Succeeded'
  })
}

/**
 * True where a pod of the namespace is going to end and give back what it holds: a task, a Job. A
 * Job's pod that keeps crashing does not count, since it may be waiting for the very thing refused;
 * nor one that should be gone for longer than `graceMs`: its node may never answer again.
 */
export function someoneLeaves(namespace: string | undefined, pods: readonly KubernetesObject[], now: Date, graceMs = 0): boolean {
  return pods.some((pod) => pod.metadata.namespace === namespace && leaves(pod, new Date(now.getTime() - graceMs)))
}

function leaves(pod: KubernetesObject, now: Date): boolean {
  const { spec, status } = pod as Pod
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  if (isLeaving(pod)) return !isOverdue(pod, now)
  const onNode = spec?.nodeName !== undefined && spec.restartPolicy !== 'Always'
  return onNode && (status?.containerStatuses ?? []).every((container) => container.restartCount < 2)
}

/** TEMPLATE-SET-0, as a StatefulSet names the claims of its own. */
export function madeByOwner(pod: KubernetesObject, claim: string): boolean {
  return controllerOf(pod)?.kind === 'StatefulSet' && claim.endsWith(`-${pod.metadata.name}`)
}
