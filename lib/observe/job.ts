/**
 * A Job: it counts its own tries, so a pod of it that crashes is no verdict; a pod that can never
 * start is.
 *
 *   status: {failed: 6, conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded,
 *     message: Job has reached the specified backoff limit}]}
 */
import type { Job, JobSpec } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEnd } from './crash.ts'
import { type Context, type Observation, ageMs, done, failed, inNamespace, nameOf, waiting } from './observation.ts'
import { lasting, ownerName, podsOf } from './owners.ts'
import { placeOf } from './place.ts'
import { throughPods } from './workload-pods.ts'

export function observeJob(object: KubernetesObject, context: Context): Observation {
  const job = object as Job
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  const ended = job.status?.conditions?.find(({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'))
  if (ended?.type === 'Complete') return done(`${nameOf(object)} has completed`)
  if (ended) return jobFailed(object, `${ended.reason ?? 'Failed'}: ${ended.message ?? 'no message'}`, context)
  if (job.spec?.suspend) return waiting('is suspended')
  const pods = podsOf(object, context.pods)
  return keptAlive(job, lasting(pods), context) ?? throughPods(object, pods, counts(job), context)
}

/** Longer than a sidecar that ends with the rest needs to notice. */
const aloneMs = 60_000

/**
 * Its work is done, and a container that somebody put beside it (a service mesh, a proxy of a database) runs on: the pod
 * does not end, and so neither does the Job.
 *
 *   containerStatuses: [{name: run-airflow-migrations, state: {terminated: {exitCode: 0}}}, {name: istio-proxy, state: {running: {}}}]
 */
function keptAlive({ spec }: Job, pods: readonly KubernetesObject[], { now }: Context): Observation | undefined {
  // What a mesh puts in is in no template; whatever is in it may have work to do.
  const listed = (spec as Partial<JobSpec> | undefined)?.template?.spec?.containers ?? []
  for (const pod of pods) {
    const statuses = (pod as Pod).status?.containerStatuses ?? []
    const ended = statuses.find(({ name, state }) => listed.some((one) => one.name === name) && state?.terminated?.exitCode === 0 && ageMs(state.terminated.finishedAt, now) >= aloneMs)
    const others = statuses.filter(({ state }) => state?.running !== undefined)
    const [other] = others
    if (ended === undefined || other === undefined || others.some(({ name }) => listed.some((one) => one.name === name))) continue
    return failed(pod, 'pod-not-ending', {
      title: `Container ${other.name} keeps ${ownerName(pod)} from ending, whose work is done`,
      evidence: [`${nameOf(pod)}: ${ended.name} has ended with exit code 0, and ${others.map(({ name }) => name).join(', ')} runs on`],
      why: 'A Job has ended when all containers of its pod have, and this one does not know that it is over.',
      fix: [
        `kubectl ${inNamespace(pod)} exec ${pod.metadata.name} -c ${other.name} -- ${other.name === 'istio-proxy' ? 'pilot-agent request POST quitquitquit' : 'sh -c \'kill 1\''} # ends it this once`,
        'For good: keep it out of Jobs, for Istio with sidecar.istio.io/inject: "false" under migrateDatabaseJob.annotations and createUserJob.annotations in airflow.values',
      ],
    })
  }
  return undefined
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
    return end && end.exitCode !== 0 ? [`${placeOf(object, name)}: ${describeEnd(end)}`] : []
  })
}
