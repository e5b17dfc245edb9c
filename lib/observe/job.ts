/**
 * A Job: it counts its own tries, so a pod of it that crashes is no verdict; a pod that can never
 * start is.
 *
 *   status: {failed: 6, conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded,
 *     message: Job has reached the specified backoff limit}]}
 */
import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEnd } from './crash.ts'
import { type Context, type Observation, done, failed, inNamespace, nameOf, waiting } from './observation.ts'
import { lasting, podsOf } from './owners.ts'
import { throughPods } from './workload-pods.ts'

export function observeJob(object: KubernetesObject, context: Context): Observation {
  const job = object as Job
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  const ended = job.status?.conditions?.find(({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'))
  if (ended?.type === 'Complete') return done(`${nameOf(object)} has completed`)
  if (ended) return jobFailed(object, `${ended.reason ?? 'Failed'}: ${ended.message ?? 'no message'}`, context)
  if (job.spec?.suspend) return waiting('is suspended')
  return throughPods(object, lasting(podsOf(object, context.pods)), counts(job), context)
}

/** Whether it has ended so; a Job that still tries has ended in neither way. */
export function hasEnded(job: KubernetesObject, as: 'Complete' | 'Failed'): boolean {
  return (job as Job).status?.conditions?.some(({ type, status }) => type === as && status === 'True') ?? false
}

function counts({ spec, status }: Job): string {
  const { succeeded = 0, failed: tries = 0 } = status ?? {}
  const failures = tries > 0 ? `, ${tries} failed of ${(spec?.backoffLimit ?? 6) + 1} tries` : ''
  return `${succeeded}/${spec?.completions ?? 1} completed${failures}`
}

function jobFailed(job: KubernetesObject, condition: string, { pods }: Context): Observation {
  const { name } = job.metadata
  return failed(job, 'job-failed', {
    title: `${nameOf(job)} has failed`,
    evidence: [`${nameOf(job)}: ${condition}`, ...podsOf(job, pods).flatMap(endsOf).slice(-3)],
    why: 'It has used up its tries or its time; nothing starts it again before the next run.',
    fix: ['npx tsx run.ts apply --from helm # runs it again, once what its log names is mended', `kubectl ${inNamespace(job)} logs job/${name} --all-containers --tail=50 # as long as its pod is there`],
  })
}

/** How the containers of a pod ended, when not well. */
function endsOf(object: KubernetesObject): string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = (object as Pod).status ?? {}
  return [...initContainerStatuses, ...containerStatuses].flatMap(({ name, state, lastState }) => {
    const end = state?.terminated ?? lastState?.terminated
    return end && end.exitCode !== 0 ? [`${nameOf(object)}, container ${name}: ${describeEnd(end)}`] : []
  })
}
