/**
 * A container whose image is not what its controller says: a mutating webhook changed or added it on the pod's
 * way (a mirror for images, a sidecar), or somebody changed the pod. No configuration of Airflow names it then.
 */
import type { KubernetesObject } from '../access.ts'
import { type Context, type Failed, inNamespace, nameOf } from './observation.ts'
import { controllerOf } from './owners.ts'
import { templateOf } from './template.ts'

/** The same, with who to ask; as it is where the image is the controller's own, or that is not known. */
export function withRewriter(failure: Failed, pod: KubernetesObject, container: string, image: string, { replicaSets = [], workload }: Pick<Context, 'replicaSets' | 'workload'>): Failed {
  const owner = controllerOf(pod)
  const set = [...replicaSets, ...(workload === undefined ? [] : [workload])].find(({ metadata }) => metadata.uid === owner?.uid)
  const { initContainers, containers } = templateOf(set)
  if (set === undefined || containers === undefined || isOfBefore(pod, set)) return failure
  const wanted = [...(initContainers ?? []), ...containers].find(({ name }) => name === container)?.image
  if (wanted === image) return failure
  const meant = wanted === undefined ? `has no container ${container}` : `says ${wanted}`
  const { finding } = failure
  return {
    ...failure,
    finding: {
      ...finding,
      evidence: [...finding.evidence, `${nameOf(set)} ${meant}`],
      why: `The image is not the configuration's: a mutating webhook put it into the pod, or somebody changed the pod. ${finding.why}`,
      fix: [
        `kubectl ${inNamespace(pod)} delete pod ${pod.metadata.name} # comes back as its ${set.kind} says, unless a webhook is at it again`,
        'kubectl get mutatingwebhookconfigurations # which of them is about images or sidecars: correct it there',
      ],
    },
  }
}

/** A StatefulSet is one for all its revisions; a ReplicaSet, like a Job, has only one. */
function isOfBefore(pod: KubernetesObject, set: KubernetesObject): boolean {
  const { updateRevision } = (set.status ?? {}) as { updateRevision?: string }
  return set.kind !== 'ReplicaSet' && set.kind !== 'Job' && (updateRevision === undefined || pod.metadata.labels?.['controller-revision-hash'] !== updateRevision)
}
