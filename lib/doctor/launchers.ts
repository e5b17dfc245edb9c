/** By what the release lets service accounts make pods, which is how the Kubernetes executor runs tasks. */
import type { PolicyRule, RoleRef, Subject } from 'kubernetes-types/rbac/v1.js'
import type { KubernetesObject, Release } from '../access.ts'
import { nameOf } from '../observe/observation.ts'

export interface Launcher {
  binding: KubernetesObject
  role: KubernetesObject
  /** The names of the service accounts. */
  accounts: string[]
}

type Binding = KubernetesObject & { roleRef?: RoleRef; subjects?: Subject[] }

export function launchersOf({ objects }: Pick<Release, 'objects'>): Launcher[] {
  return objects.filter(({ kind }) => kind === 'RoleBinding').flatMap((binding) => {
    const role = objects.find((one) => isRoleOf(one, binding))
    return role !== undefined && makesPods(role) ? [{ binding, role, accounts: accountsOf(binding).map(({ name }) => name) }] : []
  })
}

export interface Lost {
  /** What was done to which object. */
  changes: string[]
  /** The names of the service accounts that may not make pods any more. */
  accounts: string[]
}

/** Of a launcher whose objects are both there, and were changed since Helm made them; undefined where it still is one. */
export function lostBy({ binding, role }: Launcher, live: readonly KubernetesObject[], namespace: string): Lost | undefined {
  const find = ({ kind, metadata: { name } }: KubernetesObject): KubernetesObject | undefined => live.find((one) => one.kind === kind && one.metadata.name === name)
  const [bound, grants] = [find(binding) as Binding | undefined, find(role)]
  // A bundle of an older version has no more of them than their names.
  if (bound?.roleRef === undefined || grants === undefined || !('rules' in grants)) return undefined
  const without = accountsOf(binding).filter((account) => !live.some((one) => one.kind === 'RoleBinding' && isFor(one, account, namespace) && maySuffice(one, live)))
  if (without.length === 0) return undefined
  const named = (one: KubernetesObject): string => nameOf({ ...one, metadata: { ...one.metadata, namespace } })
  const elsewhere = without.filter((account) => !isFor(bound, account, namespace))
  const others = accountsOf(bound).map(({ name, namespace: of = namespace }) => `${of}/${name}`)
  return {
    accounts: without.map(({ name }) => name),
    changes: [
      ...(makesPods(grants) ? [] : [`${named(role)} does not let anybody create pods`]),
      ...(isRoleOf(role, bound) ? [] : [`${named(binding)} is of ${bound.roleRef.kind} ${bound.roleRef.name}, and was of ${role.metadata.name}`]),
      ...(elsewhere.length === 0 ? [] : [`${named(binding)} is for ${others.length === 0 ? 'no service account' : `service account ${others.join(', ')}`}, and was for ${elsewhere.map(({ name, namespace: of = namespace }) => `${of}/${name}`).join(', ')}`]),
    ],
  }
}

function accountsOf(binding: Binding): Subject[] {
  return (binding.subjects ?? []).filter(({ kind }) => kind === 'ServiceAccount')
}

function isRoleOf({ kind, metadata }: KubernetesObject, { roleRef }: Binding): boolean {
  return kind === roleRef?.kind && metadata.name === roleRef.name
}

function isFor(binding: Binding, account: Subject, namespace: string): boolean {
  return accountsOf(binding).some((one) => one.name === account.name && (one.namespace ?? namespace) === (account.namespace ?? namespace))
}

/** What a role of the whole cluster grants is not looked up: somebody's own way to say it. */
function maySuffice(binding: Binding, live: readonly KubernetesObject[]): boolean {
  return binding.roleRef?.kind === 'ClusterRole' || live.some((one) => isRoleOf(one, binding) && makesPods(one))
}

function makesPods(role: KubernetesObject): boolean {
  const { rules } = role as KubernetesObject & { rules?: PolicyRule[] | null }
  return (rules ?? []).some(({ resources = [], verbs }) => has(resources, 'pods') && has(verbs, 'create'))
}

function has(list: readonly string[], one: string): boolean {
  return list.includes(one) || list.includes('*')
}
