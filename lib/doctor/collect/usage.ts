/** How busy the nodes are; asked only where a probe or the page gets no answer in time, so that it costs who is well nothing. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, Reader } from '../../access.ts'
import { hasConnected, traefikPods } from '../answered.ts'
import type { Evidence } from '../evidence.ts'
import { lateProbes } from '../late-probes.ts'
import type { Found } from './collector.ts'

const mostNodes = 3

export async function collectUsage(reader: Reader, evidence: Evidence): Promise<Found> {
  const late = [...lateProbes(evidence).map(({ pod }) => pod), ...(hasConnected(evidence) ? traefikPods(evidence) : [])]
  const nodes = [...new Set(late.flatMap((pod) => (pod as Pod).spec?.nodeName ?? []))].slice(0, mostNodes)
  if (nodes.length === 0) return {}
  // Whoever does not tell leaves only one rule without its evidence.
  const usages = (await Promise.all(nodes.map((node) => reader.usage(node).catch(() => undefined)))).flatMap((usage) => usage ?? [])
  const refs = usages.flatMap(({ pods }) => pods).map(({ namespace, name }) => ({ apiVersion: 'v1', kind: 'Pod', namespace, name }))
  const consumers = refs.length === 0 ? [] : await reader.get(refs).catch(() => [])
  return { usages, consumers: consumers.flatMap((pod) => (pod === undefined ? [] : whose(pod))) }
}

/** They may be anybody's: nothing is kept but who makes them again. */
function whose({ apiVersion, kind, metadata: { name, namespace, labels = {}, ownerReferences } }: KubernetesObject): KubernetesObject {
  const hash = labels['pod-template-hash']
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(hash === undefined ? {} : { labels: { 'pod-template-hash': hash } }), ...(ownerReferences === undefined ? {} : { ownerReferences }) } }
}
