/** Finalizers: what was deleted stays until whoever set them has taken them away. */
import type { KubernetesObject } from '../access.ts'

/** Kubernetes' own are gone in time: of what an object owns, of a claim that a pod uses, of a volume that a snapshot or a clone is read from, of a Job's count. */
const ofKubernetes = /^(?:foregroundDeletion|orphan|(?:(?:.+\.)?storage\.|batch\.)?kubernetes\.io\/.+)$/

function finalizersOf({ metadata }: KubernetesObject): string[] {
  return (metadata.finalizers as string[] | undefined) ?? []
}

/** Of somebody who may not be there any more. */
export function foreignFinalizers(object: KubernetesObject): string[] {
  return finalizersOf(object).filter((one) => !ofKubernetes.test(one))
}

/** Takes those of others away, and leaves Kubernetes its own. */
export function letGo(object: KubernetesObject): string {
  const { namespace, name } = object.metadata
  const left = finalizersOf(object).filter((one) => ofKubernetes.test(one))
  const patch = JSON.stringify({ metadata: { finalizers: left.length === 0 ? null : left } })
  return `kubectl ${namespace === undefined ? '' : `-n ${namespace} `}patch ${object.kind.toLowerCase()} ${name} --type=merge -p '${patch}'`
}
