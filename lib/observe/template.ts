/** What a workload's pods are made of; charts write null where there is nothing to say. */
import type { Container, PodSpec, Volume } from 'kubernetes-types/core/v1.js'
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

/** Whether a pod, or a template of one, is given something of that ConfigMap or Secret: as a volume or as variables. */
export function reads({ volumes = [], containers = [], initContainers = [] }: Partial<PodSpec>, kind: 'ConfigMap' | 'Secret', name: string): boolean {
  return [...volumes.flatMap((volume) => ofVolume(volume, kind)), ...[...initContainers, ...containers].flatMap((container) => ofVariables(container, kind))].includes(name)
}

function ofVolume({ configMap, secret, projected }: Volume, kind: string): (string | undefined)[] {
  const sources = projected?.sources ?? []
  return kind === 'ConfigMap' ? [configMap?.name, ...sources.map((one) => one.configMap?.name)] : [secret?.secretName, ...sources.map((one) => one.secret?.name)]
}

function ofVariables({ env = [], envFrom = [] }: Container, kind: string): (string | undefined)[] {
  return kind === 'ConfigMap'
    ? [...envFrom.map(({ configMapRef }) => configMapRef?.name), ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name)]
    : [...envFrom.map(({ secretRef }) => secretRef?.name), ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name)]
}
