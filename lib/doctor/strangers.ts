/** Pods in the namespace that are nobody's of Airflow: what they say and die of is no matter of the release. */
import type { KubernetesObject } from '../access.ts'
import { isTask, workloadOf } from '../observe/owners.ts'
import type { Evidence } from './evidence.ts'

/**
 * Only where it is certain: no label of Airflow's is on the pod, its workload is there, and the release has none of
 * that name; or it is a pod of its own, and the release has none such.
 */
export function isStranger(pod: KubernetesObject, { record, release, workloads, jobs }: Evidence): boolean {
  const owner = workloadOf(pod) ?? { kind: 'Pod', name: pod.metadata.name }
  const { labels = {} } = pod.metadata
  if (record === undefined || labels.tier === 'airflow' || isTask(pod)) return false
  if ([labels.release, labels['app.kubernetes.io/instance']].includes(release ?? record.name)) return false
  const isOwner = ({ kind, name }: { kind: string; name: string }): boolean => kind === owner.kind && name === owner.name
  const nameOf = ({ kind, metadata: { name } }: KubernetesObject): { kind: string; name: string } => ({ kind, name })
  return [...workloads, ...jobs, pod].map(nameOf).some(isOwner) && ![...record.objects.map(nameOf), ...record.hooks.map(({ ref }) => ref)].some(isOwner)
}
