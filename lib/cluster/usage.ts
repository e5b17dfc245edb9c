/**
 * What a node's processors are doing, as its kubelet counts it: there on every cluster, with metrics-server or without.
 *
 *   GET /api/v1/nodes/home/proxy/stats/summary?only_cpu_and_memory=true
 *   {"node": {"cpu": {"time": "…", "usageNanoCores": 1984736169}}, "pods": [{"podRef": {"name": "…", "namespace": "…"}, "cpu": {"usageNanoCores": 51189872}}]}
 */
import type { NodeUsage } from '../access.ts'
import type { Connection } from './connection.ts'
import { ask, isGood, parsed } from './request.ts'

interface Counted {
  cpu?: { usageNanoCores?: number } | undefined
}

interface Summary {
  node?: Counted
  pods?: (Counted & { podRef: { name: string; namespace: string } })[]
}

/** Those that use most of it. */
const mostPods = 3
/** A kubelet that has no processor itself is late too. */
const limitMs = 10_000

/** Undefined where this user may not ask, or the kubelet does not tell. */
export async function readUsage(connection: Connection, node: string): Promise<NodeUsage | undefined> {
  const path = `/api/v1/nodes/${node}/proxy/stats/summary?only_cpu_and_memory=true`
  const answer = await ask(connection, { method: 'GET', path, limitMs })
  if (!isGood(answer)) return undefined
  const summary = parsed(path, answer.text) as Summary
  const cores = coresOf(summary.node)
  if (cores === undefined) return undefined
  const pods = (summary.pods ?? []).map(({ podRef: { name, namespace }, cpu }) => ({ namespace, name, cores: coresOf({ cpu }) ?? 0 }))
  const beside = Math.max(0, cores - pods.reduce((sum, pod) => sum + pod.cores, 0))
  return { node, cores, beside, pods: pods.sort((a, b) => b.cores - a.cores).slice(0, mostPods) }
}

function coresOf(counted: Counted | undefined): number | undefined {
  const used = counted?.cpu?.usageNanoCores
  return used === undefined ? undefined : used / 1e9
}
