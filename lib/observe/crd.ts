/** A CustomResourceDefinition: its objects can be made once it is Established. */
import type { KubernetesObject } from '../access.ts'
import { type Observation, done, failed, nameOf, waiting } from './observation.ts'

interface Condition {
  type: string
  status: string
  message?: string
}

export function observeDefinition(object: KubernetesObject): Observation {
  const { conditions = [] } = (object.status ?? {}) as { conditions?: Condition[] }
  const condition = (type: string) => conditions.find((one) => one.type === type)
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (condition('Established')?.status === 'True') return done(`${nameOf(object)} is established`)
  const accepted = condition('NamesAccepted')
  if (accepted?.status === 'False') return namesTaken(object, accepted.message ?? 'no message')
  return waiting('is not established yet')
}

function namesTaken(object: KubernetesObject, message: string): Observation {
  return failed(object, 'crd-names-conflict', {
    title: `The names of ${object.metadata.name} are taken`,
    evidence: [`${nameOf(object)}: ${message}`],
    why: 'Another definition serves the same names in that group, so this one never gets its turn.',
    fix: [`kubectl get crd -o name | grep '${object.metadata.name.replace(/^[^.]*/, '')}$' # all of that group: remove the one that is left over`],
  })
}
