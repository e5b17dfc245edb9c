/** A cluster whose every node keeps pods off. */
import type { Node } from 'kubernetes-types/core/v1.js'
import type { JsonPatch, KubernetesObject } from '../../access.ts'
import { isNonEmpty } from '../../check.ts'
import { isControlPlane } from '../../observe/node.ts'
import type { Change } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import { type Mending, refTo, type Touch, touching } from './mend.ts'

/** One of several may be cordoned on purpose; with all of them nothing can run, and that nobody wants to last. */
export function uncordoned({ nodes = [] }: Evidence): Mending | undefined {
  return nodes.every(isCordoned) ? touching(nodes.map((node): Touch => ({ step: 'prereq', ref: refTo(node), make: uncordon }))) : undefined
}

function isCordoned(node: KubernetesObject): boolean {
  return (node as unknown as Node).spec?.unschedulable === true
}

function uncordon(live: KubernetesObject): Change[] {
  if (!isCordoned(live)) return []
  const path = '/spec/unschedulable'
  return [{ op: 'patch', live, patch: [{ op: 'test', path, value: true }, { op: 'remove', path }], why: 'somebody cordoned it, maybe on purpose; no pod finds a place until that ends' }]
}

/** With a second node, the control plane may be kept free on purpose. */
export function untainted({ nodes = [] }: Evidence): Mending | undefined {
  const [only, second] = nodes
  return only === undefined || second !== undefined ? undefined : touching([{ step: 'prereq', ref: refTo(only), make: untaint }])
}

function untaint(live: KubernetesObject): Change[] {
  const taints = (live as unknown as Node).spec?.taints ?? []
  // From the end, so that every index means what it meant.
  const patch = [...taints.entries()].reverse().filter(([, taint]) => isControlPlane(taint) && taint.effect !== 'PreferNoSchedule').flatMap(([index, taint]): JsonPatch[] => {
    const path = `/spec/taints/${index}`
    return [{ op: 'test', path, value: taint }, { op: 'remove', path }]
  })
  return isNonEmpty(patch) ? [{ op: 'patch', live, patch, why: 'it is the only node, and keeps everything off but the control plane' }] : []
}

/** Either may be what is in the way. */
export function schedulable(evidence: Evidence): Mending | undefined {
  return touching([...(uncordoned(evidence)?.touches ?? []), ...(untainted(evidence)?.touches ?? [])])
}
