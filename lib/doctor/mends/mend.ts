/**
 * What a mend is. It names what it would touch by the evidence, which is trimmed and some seconds old;
 * what is really done is made of the object as it is when its turn comes, and is nothing where what
 * was seen is not there any more.
 */
import type { KubernetesObject, NonEmpty, ObjectRef } from '../../access.ts'
import { isNonEmpty } from '../../check.ts'
import type { Change, StepName } from '../../step.ts'
import type { Evidence } from '../evidence.ts'

export interface Touch {
  /** The step whose business the object is. */
  step: StepName
  ref: ObjectRef
  make: (live: KubernetesObject) => Change[]
}

/** Single objects, or steps of the pipeline, which know themselves what differs; where both, the objects first. */
export interface Mending {
  touches?: NonEmpty<Touch> | undefined
  steps?: NonEmpty<StepName> | undefined
}

/** Undefined where nobody but a person can mend it. */
export type Mend = (evidence: Evidence) => Mending | undefined

export function touching(touches: Touch[]): Mending | undefined {
  return isNonEmpty(touches) ? { touches } : undefined
}

export function running(...steps: NonEmpty<StepName>): Mend {
  return () => ({ steps })
}

export function refTo({ apiVersion, kind, metadata: { name, namespace } }: KubernetesObject): ObjectRef {
  return { apiVersion, kind, name, namespace }
}

/** `spec` or `status` of an object, as far as is asked of it. */
export function part<T>(object: KubernetesObject, name: 'spec' | 'status'): Partial<T> {
  return object[name] ?? {}
}
