import type { Node } from 'kubernetes-types/core/v1.js'
import type { DagEntry, FolderFacts, KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { error } from './facts.ts'

export interface User {
  uid: number
  gids: readonly number[]
}

/** The user and group that Airflow's images run as. */
export const airflow: User = { uid: 50_000, gids: [0] }

/** Nodes that Airflow's pods may be scheduled on, so their folders are wanted. */
export function schedulable(nodes: readonly KubernetesObject[]): KubernetesObject[] {
  return nodes.filter((node) => {
    const { unschedulable, taints = [] } = (node as unknown as Node).spec ?? {}
    return unschedulable !== true && !taints.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
  })
}

export function noNode(): Finding {
  return error('no-schedulable-node', {
    title: 'No node takes the pods that make the folders',
    evidence: ['every node is cordoned or has a taint that keeps pods off'],
    why: 'The folders are made, and later used, by pods on a node.',
    fix: ['kubectl get nodes; then: kubectl uncordon NODE, or: kubectl taint nodes NODE KEY-'],
  })
}

/** Why Airflow's user cannot use the folder; undefined where it can. */
export function unusable(facts: FolderFacts, write: boolean): string | undefined {
  if (!facts.exists) return 'is not there'
  const wanted = write ? 0o7 : 0o5
  return (bitsFor(facts, airflow) & wanted) === wanted ? undefined : `cannot be ${write ? 'written' : 'read'} by uid ${airflow.uid}`
}

/** Among the DAGs: a folder is to be entered as well. */
export function mayRead({ folder, ...facts }: DagEntry, user: User = airflow): boolean {
  const wanted = folder ? 0o5 : 0o4
  return user.uid === 0 || (bitsFor({ exists: true, ...facts }, user) & wanted) === wanted
}

/** The three bits that count: the owner's, else the group's, else everybody's. */
function bitsFor({ uid, gid, mode = 0 }: FolderFacts, user: User): number {
  if (uid === user.uid) return mode >> 6
  return gid !== undefined && user.gids.includes(gid) ? mode >> 3 : mode
}
