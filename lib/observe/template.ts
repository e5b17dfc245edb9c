/** What a workload's pods are made of; charts write null where there is nothing to say. */
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'

export function templateOf(object: KubernetesObject | undefined): Partial<PodSpec> {
  return (object?.spec as { template?: { spec?: PodSpec } | null } | null | undefined)?.template?.spec ?? {}
}

/** A change of its template makes its pods anew; a Job's can never be changed. */
export function rollsOut({ kind }: KubernetesObject): boolean {
  return ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind)
}

/** Without those that run before it. */
export function mainContainersOf(object: KubernetesObject | undefined): Container[] {
  return ((templateOf(object).containers ?? []) as (Container | null)[]).filter((one) => one !== null)
}

export function variablesOf({ env }: Container): NonNullable<Container['env']> {
  return ((env ?? []) as (NonNullable<Container['env']>[number] | null)[]).filter((one) => one?.name !== undefined) as NonNullable<Container['env']>
}
