/** By what the release lets service accounts make pods, which is how the Kubernetes executor runs tasks. */
import type { PolicyRule, RoleRef, Subject } from 'kubernetes-types/rbac/v1.js'
import type { KubernetesObject, Release } from '../access.ts'

export interface Launcher {
  binding: KubernetesObject
  role: KubernetesObject
  /** The names of the service accounts. */
  accounts: string[]
}

export function launchersOf({ objects }: Pick<Release, 'objects'>): Launcher[] {
  return objects.filter(({ kind }) => kind === 'RoleBinding').flatMap((binding) => {
    const { roleRef, subjects = [] } = binding as KubernetesObject & { roleRef?: RoleRef; subjects?: Subject[] }
    const role = objects.find(({ kind, metadata }) => kind === roleRef?.kind && metadata.name === roleRef.name)
    const accounts = subjects.filter(({ kind }) => kind === 'ServiceAccount').map(({ name }) => name)
    return role !== undefined && makesPods(role) ? [{ binding, role, accounts }] : []
  })
}

function makesPods(role: KubernetesObject): boolean {
  const { rules = [] } = role as KubernetesObject & { rules?: PolicyRule[] }
  return rules.some(({ resources = [], verbs }) => has(resources, 'pods') && has(verbs, 'create'))
}

function has(list: readonly string[], one: string): boolean {
  return list.includes(one) || list.includes('*')
}
