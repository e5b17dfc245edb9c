/** The observer of each kind. For a kind that is not here to be there is to be ready. */
import type { KubernetesObject } from '../access.ts'
import { observeClaim } from './claim.ts'
import { observeDefinition } from './crd.ts'
import { observeDaemonSet } from './daemonset.ts'
import { observeDeployment } from './deployment.ts'
import { observeJob } from './job.ts'
import { observeNamespace } from './namespace.ts'
import { observeNode } from './node.ts'
import { type Context, type Observation, done, nameOf, waiting } from './observation.ts'
import { observePod } from './pod.ts'
import { observeStatefulSet } from './statefulset.ts'
import { observeVolume } from './volume.ts'

type Observer = (object: KubernetesObject, context: Context) => Observation

const observers: Record<string, Observer | undefined> = {
  CustomResourceDefinition: observeDefinition,
  DaemonSet: observeDaemonSet,
  Deployment: observeDeployment,
  Job: observeJob,
  Namespace: observeNamespace,
  Node: observeNode,
  PersistentVolume: observeVolume,
  PersistentVolumeClaim: observeClaim,
  Pod: observePod,
  StatefulSet: observeStatefulSet,
}

/** True where an object of the kind can be there and yet not be ready. */
export function isWatched(kind: string): boolean {
  return observers[kind] !== undefined
}

/** An Ingress without an address falls under "there": on a bare cluster it never gets one. */
export function observe(object: KubernetesObject, context: Context): Observation {
  const observer = observers[object.kind]
  if (observer) return observer(object, context)
  return object.metadata.deletionTimestamp === undefined ? done(`${nameOf(object)} is there`) : waiting('is being deleted')
}
