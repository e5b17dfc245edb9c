import type { Node, Taint } from 'kubernetes-types/core/v1.js'
import type { DagEntry, FolderFacts, KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { describeTaint, isPassing, untaint } from '../observe/node.ts'
import { fixOf, nameOf } from '../observe/observation.ts'
import { error } from './facts.ts'

export interface User {
  uid: number
  gids: readonly number[]
}

/** The user and group that Airflow's images run as. */
export const airflow: User = { uid: 50_000, gids: [0] }

const keepsOff = ({ effect }: Taint): boolean => effect === 'NoSchedule' || effect === 'NoExecute'

/** Nodes that Airflow's pods may be scheduled on, so their folders are wanted. */
export function schedulable(nodes: readonly KubernetesObject[]): KubernetesObject[] {
  return nodes.filter((node) => closedBy(node).length === 0)
}

interface Closed {
  reason: string
  /** Undefined where it opens by itself, or is not to be opened. */
  opens: string | undefined
}

function closedBy(node: KubernetesObject): Closed[] {
  const { unschedulable, taints = [] } = (node as unknown as Node).spec ?? {}
  const { name } = node.metadata
  const cordon = unschedulable === true ? [{ reason: `${nameOf(node)} is cordoned`, opens: `kubectl uncordon ${name}` }] : []
  // A cordon has a taint of its own, which goes with it.
  const tainted = taints.filter((taint) => keepsOff(taint) && taint.key !== 'node.kubernetes.io/unschedulable').map((taint) => ({
    reason: `${nameOf(node)} has the taint ${describeTaint(taint)}`,
    opens: isPassing(taint.key) ? undefined : untaint(name, taint),
  }))
  return [...cordon, ...tainted]
}

/** Of all that there are; one that is opened is enough. */
export function noNode(nodes: readonly KubernetesObject[]): Finding {
  const closed = nodes.map((node) => ({ name: node.metadata.name, reasons: closedBy(node) }))
  const fixes = closed.map(({ name, reasons }) => (reasons.some(({ opens }) => opens === undefined) ? `kubectl describe node ${name} # what its kubelet complains of; Kubernetes takes such a taint away by itself when that is over` : `${reasons.map(({ opens }) => opens).join(' && ')} && npx tsx run.ts apply`))
  return error('no-schedulable-node', {
    title: 'No node takes the pods that make the folders',
    evidence: closed.length === 0 ? ['the cluster has no node'] : closed.flatMap(({ reasons }) => reasons.map(({ reason }) => reason)),
    why: 'The folders are made, and later used, by pods on a node.',
    fix: fixOf(fixes, 'kubectl get nodes # whether one has joined; then: npx tsx run.ts apply'),
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
