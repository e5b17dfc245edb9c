/** What belongs to the release and was changed by hand. */
import type { JsonPatch, KubernetesObject } from '../../access.ts'
import { isNonEmpty } from '../../check.ts'
import type { Change } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import { type Mending, part, refTo, type Touch, touching } from './mend.ts'

interface WorkloadSpec { replicas: number; paused: boolean }

/** As many pods as Helm's record has, and a rollout that goes on. */
export function scaledBack({ record, workloads }: Evidence): Mending | undefined {
  return touching(workloads.flatMap((workload): Touch[] => {
    const recorded = record?.objects.find(({ kind, metadata }) => kind === workload.kind && metadata.name === workload.metadata.name)
    if (recorded === undefined || restored(recorded, workload).length === 0) return []
    return [{ step: 'helm', ref: refTo(workload), make: (live) => restored(recorded, live) }]
  }))
}

function restored(recorded: KubernetesObject, live: KubernetesObject): Change[] {
  const [want, has] = [part<WorkloadSpec>(recorded, 'spec'), part<WorkloadSpec>(live, 'spec')]
  const replicas = want.replicas ?? 1
  const patch: JsonPatch[] = [
    ...(has.replicas === 0 && replicas > 0 ? [{ op: 'test', path: '/spec/replicas', value: 0 } as const, { op: 'replace', path: '/spec/replicas', value: replicas } as const] : []),
    ...(has.paused === true && want.paused !== true ? [{ op: 'test', path: '/spec/paused', value: true } as const, { op: 'remove', path: '/spec/paused' } as const] : []),
  ]
  return isNonEmpty(patch) ? [{ op: 'patch', live, patch, why: `the release has ${replicas} of it, and its rollout not paused` }] : []
}

/** Only where the chart makes it: an account of a person's own is his to make. */
export function accountsAgain({ record, serviceAccounts }: Evidence): Mending | undefined {
  if (serviceAccounts === undefined) return undefined
  const lacks = record?.objects.some(({ kind, metadata }) => kind === 'ServiceAccount' && !serviceAccounts.some((one) => one.metadata.name === metadata.name))
  return lacks === true ? { steps: ['helm'] } : undefined
}
