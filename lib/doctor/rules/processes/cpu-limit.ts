/** A limit on the processor, which slows a program down and is seen in no event: cgroups make it wait, and nobody says so. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import { inNamespace } from '../../../observe/observation.ts'
import { targetOf, thenDeletePod } from '../../../observe/owners.ts'
import { placeOf } from '../../../observe/place.ts'
import { quantity } from '../../../observe/quantity.ts'
import type { Running } from './statuses.ts'

/** Cores. Airflow's start, and its probe, is a Python that loads for 5 to 10 s of a whole one. */
const tight = 0.5

export interface Tight {
  evidence: string
  /** Raises it to a whole one: no request can be more than the limit that there is. */
  fix: string
}

/** Undefined where there is none, or one that lets it work. */
export function tightLimit({ pod, status }: Running): Tight | undefined {
  const limit = (pod as Pod).spec?.containers.find(({ name }) => name === status.name)?.resources?.limits?.cpu
  const target = targetOf(pod)
  if (limit === undefined || target === undefined || !(quantity(limit) > 0 && quantity(limit) < tight)) return undefined
  return {
    evidence: `${placeOf(pod, status.name)}: may use ${limit} of a processor`,
    fix: `kubectl ${inNamespace(pod)} set resources ${target} -c ${status.name} --limits=cpu=1${thenDeletePod(pod)} # instead of ${limit}; at once, and until the next apply: for good by resources.limits.cpu of that component in airflow.values, or of the LimitRange that gives it`,
  }
}
