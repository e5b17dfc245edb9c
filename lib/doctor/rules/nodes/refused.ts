import { newestPods } from '../../../observe/deployment.ts'
import { podsOf } from '../../../observe/owners.ts'
import { forGood, forNow, observeTurnedAway } from '../../../observe/turned-away.ts'
import type { Finding } from '../../../step.ts'
import { type Evidence, viewOf } from '../../evidence.ts'

/** Pods that the kubelet turns away again and again, be it for what may pass: whoever asks what is wrong is told. */
export function refused(evidence: Evidence): Finding[] {
  const view = viewOf(evidence)
  const wanted = evidence.workloads.filter(({ spec }) => (spec as { replicas?: number } | undefined)?.replicas !== 0)
  return wanted.flatMap((workload) => {
    const pods = workload.kind === 'Deployment' ? newestPods(workload, view) : podsOf(workload, view.pods)
    const look = observeTurnedAway(workload, pods, view, [...forGood, ...forNow])
    return look === undefined ? [] : [look.finding]
  })
}
