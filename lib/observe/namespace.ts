/**
 * A namespace: there, and not on its way out. One that hangs in Terminating says what is left:
 *
 *   conditions: [{type: NamespaceContentRemaining, status: "True", message: "Some resources are remaining: …"}]
 */
import type { Namespace } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Observation, done, nameOf, waiting } from './observation.ts'

export function observeNamespace(object: KubernetesObject): Observation {
  const { phase, conditions = [] } = (object as Namespace).status ?? {}
  if (phase !== 'Terminating' && object.metadata.deletionTimestamp === undefined) return done(`${nameOf(object)} is there`)
  const left = conditions.filter(({ status }) => status === 'True').map(({ message, reason }) => message ?? reason ?? '')
  return waiting(`is being deleted${left.length > 0 ? `: ${left.join(' ')}` : ''}`)
}
