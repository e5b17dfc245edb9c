/** Whose an object is, as the cluster itself tells it: what airstrip made, and nothing else, does it take down. */
import type { KubernetesObject } from '../access.ts'
import { writingsOf, type Writing } from '../diff/managed.ts'
import { isQuiet } from '../diff/rules.ts'

const ourName = 'airstrip'
const ownerLabel = 'app.kubernetes.io/managed-by'
/** `kubectl apply` leaves it behind: somebody keeps this object in a file of his own. */
const keptInAFile = 'kubectl.kubernetes.io/last-applied-configuration'

export function hasOurLabel({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[ownerLabel] === ourName
}

/**
 * Why it is not airstrip's; undefined where airstrip made it. To have written to it is not enough: a
 * server-side apply also joins what somebody else had made before, and puts our label on it. The
 * server notes no maker, but whoever wrote it in the second in which it came to be is one.
 */
export function othersHand(object: KubernetesObject): string | undefined {
  const writings = writingsOf(object)
  if (!writings.some(({ manager }) => manager === ourName)) return 'airstrip did not make it'
  if (object.metadata.annotations?.[keptInAFile] !== undefined) return 'it was made with kubectl apply, from a file of somebody\'s own'
  const maker = writings.find((writing) => !isQuiet(writing.manager) && isMaker(writing, object))
  return maker === undefined ? undefined : `it was there before airstrip (made by ${maker.manager})`
}

/** Nobody's name is on it: neither a writer's nor that of a file it was applied from. */
export function hasNoHand(object: KubernetesObject): boolean {
  return object.metadata.annotations?.[keptInAFile] === undefined && writingsOf(object).every(({ manager }) => manager !== ourName && isQuiet(manager))
}

function isMaker({ time }: Writing, { metadata: { creationTimestamp = '' } }: KubernetesObject): boolean {
  return time !== '' && time <= creationTimestamp
}
