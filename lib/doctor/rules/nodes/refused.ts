import type { KubernetesObject } from '../../../access.ts'
import { newestPods } from '../../../observe/deployment.ts'
import { hasEnded } from '../../../observe/job.ts'
import { ageMs } from '../../../observe/observation.ts'
import { podsOf } from '../../../observe/owners.ts'
import { forGood, forNow, observeTurnedAway } from '../../../observe/turned-away.ts'
import type { Finding } from '../../../step.ts'
import { type Evidence, viewOf } from '../../evidence.ts'

/** Pods that the kubelet turns away again and again, be it for what may pass: whoever asks what is wrong is told. */
export function refused(evidence: Evidence): Finding[] {
  const view = viewOf(evidence)
  return [...evidence.workloads, ...evidence.jobs].filter(isWanted).flatMap((workload) => {
    const pods = workload.kind === 'Deployment' ? newestPods(workload, view) : podsOf(workload, view.pods)
    const look = observeTurnedAway(workload, pods, view, [...forGood, ...forNow])
    return look === undefined || ageMs(look.since, view.now) < look.settleMs ? [] : [look.finding]
  })
}

function isWanted(workload: KubernetesObject): boolean {
  const { replicas } = (workload.spec ?? {}) as { replicas?: number }
  return replicas !== 0 && !hasEnded(workload, 'Complete') && !hasEnded(workload, 'Failed')
}
