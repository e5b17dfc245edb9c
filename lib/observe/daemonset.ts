/** A DaemonSet: one pod of the newest version, available, on each node that it is for. */
import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject } from '../access.ts'
import { type Context, type Observation, done, nameOf, waiting } from './observation.ts'
import { podsOf } from './owners.ts'
import { isBehind, throughPods } from './workload-pods.ts'

export function observeDaemonSet(object: KubernetesObject, context: Context): Observation {
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (isBehind(object)) return waiting('its controller has not seen the newest version yet')
  const set = object as DaemonSet
  const counts = lacking(set)
  if (counts === undefined) return done(`${nameOf(object)}: ${set.status?.numberAvailable ?? 0} available`)
  return throughPods(object, newestPods(object, context), counts, context)
}

function lacking({ spec, status }: DaemonSet): string | undefined {
  const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status ?? {}
  const replaces = spec?.updateStrategy?.type !== 'OnDelete'
  if (replaces && updatedNumberScheduled < wanted) return `${updatedNumberScheduled}/${wanted} of the newest version`
  return numberAvailable < wanted ? `${numberAvailable}/${wanted} available` : undefined
}

/** Old pods are about to be replaced; the controller marks each pod with the generation it was made for. */
function newestPods(object: KubernetesObject, { pods }: Context): KubernetesObject[] {
  const template = object.metadata.annotations?.['deprecated.daemonset.template.generation']
  return podsOf(object, pods).filter(({ metadata }) => {
    const made = metadata.labels?.['pod-template-generation']
    return template === undefined || made === undefined || made === template
  })
}
