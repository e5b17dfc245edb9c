/** Pods that wait for the migrations, and the hooks that run them. */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, Release, ReleaseHook } from '../../../access.ts'
import { fernetSecretOf } from '../../../airflow/values.ts'
import type { Finding } from '../../../step.ts'
import { faults } from '../../../observe/faults.ts'
import { hasEnded } from '../../../observe/job.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import { mainContainersOf, templateOf } from '../../../observe/template.ts'
import { mentions, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { lastHeartbeat } from '../../health-page.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'
import { leadsRight } from '../database/connection.ts'
import { again } from './refusals.ts'
import { emptied, headsIn, initContainers, isEmpty, lastHeads, migrateIn, moved, unrecorded, wantedHead } from './revisions.ts'

export const migrationRules: readonly Rule[] = [deadlock, waiting, noLogin]

const waits = /There are still unapplied migrations after \d+ seconds|Waiting for migrations\.\.\. \d+ second/

/** Each with the last line in which it says so. */
function waitingPods({ pods, logs }: Evidence): { pod: KubernetesObject; line: string }[] {
  return pods.flatMap((pod) => {
    const mine = logs.filter(({ pod: name, container }) => name === pod.metadata.name && initContainers.test(container))
    const line = mine.flatMap(({ lines }) => lines).findLast((one) => waits.test(one))
    return line === undefined || !isInInit(pod) ? [] : [{ pod, line: `${nameOf(pod)}: ${line.trim()}` }]
  })
}

function isInInit(pod: KubernetesObject): boolean {
  const { initContainerStatuses = [] } = (pod as Pod).status ?? {}
  return initContainerStatuses.some(({ name, ready }) => initContainers.test(name) && !ready)
}

function migrationHook({ hooks }: Release): ReleaseHook | undefined {
  return hooks.find(({ ref, events }) => ref.kind === 'Job' && /migrations|upgrade-db/.test(ref.name) && events.some((event) => event.startsWith('post-')))
}

function migrationJob({ jobs, record }: Evidence): KubernetesObject | undefined {
  const names = [...(record?.hooks.map(({ ref }) => ref) ?? []), ...(record?.objects ?? []).map(({ kind, metadata: { name } }) => ({ kind, name }))]
  return jobs.find(({ metadata }) => names.some(({ kind, name }) => kind === 'Job' && name === metadata.name && /migrations|upgrade-db/.test(name)))
}

/** Helm without --wait begins its hooks at once, so one that has made everything and no Job is waiting for pods. */
function deadlock(evidence: Evidence): Finding[] {
  const { record, at } = evidence
  if (record === undefined || !isCandidate(record) || ageMs(record.updatedAt, new Date(at)) < faults['wait-hook-deadlock'].settleMs) return []
  const waiting = waitingPods(evidence)
  const [first] = waiting
  if (migrationHook(record) === undefined || migrationJob(evidence) !== undefined || first === undefined) return []
  return [wrong('wait-hook-deadlock', {
    title: 'Helm waits for pods that wait for the migrations, and starts the migrations only after them',
    evidence: [`Helm release ${record.namespace}/${record.name}: ${record.status}${record.status === 'failed' ? `: ${record.description}` : ''}; there is no Job of the migrations`, ...waiting.map(({ line }) => line)],
    why: 'With --wait, --atomic or a tool that sets them (Terraform, Argo CD, Flux) Helm runs its hooks only when all pods are ready, and the migrations are such a hook.',
    fix: [
      record.status === 'failed' && isAirstrips(record, evidence) ? `${again} # without --wait` : `for try in 1 2 3 4 5 6; do ${migrateIn(first.pod, evidence)} && break; sleep 10; done # what the hook is to do; the pods get ready then, and Helm goes on`,
      'To keep --wait: migrateDatabaseJob.useHelmHooks: false and createUserJob.useHelmHooks: false in the values of the chart (1.4.0 and later)',
    ],
  })]
}

/** The next run takes it on: by its keys it is not of somebody else. */
function isAirstrips({ values }: Release, { wanted }: Evidence): boolean {
  return wanted === undefined || fernetSecretOf(values) === wanted.fernetSecretName
}

function isCandidate({ status, description }: Release): boolean {
  return status.startsWith('pending-') || (status === 'failed' && !/(pre|post)-(install|upgrade|rollback)/.test(description))
}

/** For sixty looks, each a second and more, and four on a slow machine; then it says what it has found. */
const wholeWaitMs = 240_000

/** Never the root where anything else is found: it only watches. */
function waiting(evidence: Evidence): Finding[] {
  const { record, at } = evidence
  if (record === undefined || record.status.startsWith('pending-')) return []
  const pods = waitingPods(evidence)
  const job = migrationJob(evidence)
  const state = stateOf(evidence, record, job)
  const heldMs = state === 'done' && lastHeads(evidence) === undefined ? wholeWaitMs : faults['wait-for-migrations-crashloop'].settleMs
  const settled = pods.filter(({ pod }) => ageMs(pod.metadata.creationTimestamp, new Date(at)) >= heldMs)
  if (settled.length === 0 || state === 'running') return []
  const lines = settled.map(({ line }) => line)
  const [first] = settled
  if (state === 'done' && first !== undefined && leadsRight(evidence)) {
    // An image that is not the release's wants another state by itself.
    const own = job === undefined ? releaseImages(record) : jobImages(job)
    const isOwn = waitingImages(settled.map(({ pod }) => pod)).every((image) => own.includes(image))
    const heartbeat = lastHeartbeat(evidence)
    const [empty, heads, head] = [isEmpty(evidence), headsIn(evidence), wantedHead(evidence)]
    if (empty && heartbeat === undefined) return [emptied(first.pod, lines, evidence)]
    if (empty && isOwn && heartbeat !== undefined && head !== undefined) return [unrecorded(head, heartbeat, lines, evidence)]
    if (heads !== undefined && isOwn) return [moved(first.pod, heads, [...lines, ...imagesOf(settled.map(({ pod }) => pod), job)], evidence)]
  }
  return [wrong('wait-for-migrations-crashloop', {
    title: `Pods wait for the migrations, ${titles[state]}`,
    evidence: [...lines, ...imagesOf(settled.map(({ pod }) => pod), job)],
    why: reasons[state],
    fix: state === 'done'
      ? ['Look for another database or image than the Job\'s: data.metadataSecretName, images.useDefaultImageForMigration and the images in airflow.values', again]
      : [`${again} # runs the migrations`, ...(state === 'absent' ? ['Set migrateDatabaseJob.enabled: true in airflow.values where it is false'] : [])],
  })]
}

const titles = { failed: 'which have failed', absent: 'which nothing runs', done: 'which are done elsewhere' }
const reasons = {
  failed: 'They only watch; the log of the Job that migrates says why it failed.',
  absent: 'The chart was told not to make the Job that migrates, or it is gone before it has done its work.',
  done: 'The Job has migrated another database, or the pods\' image wants other migrations than the Job\'s has.',
}

function stateOf(evidence: Evidence, record: Release, job: KubernetesObject | undefined): 'running' | 'failed' | 'done' | 'absent' {
  const { conditions = [] } = (job?.status ?? {}) as { conditions?: { type: string; status: string; lastTransitionTime?: string }[] }
  const ended = conditions.find(({ type, status }) => status === 'True' && ['Complete', 'Failed'].includes(type))
  if (ended?.type === 'Failed') return 'failed'
  if (ended !== undefined) return isOver(evidence, ended.lastTransitionTime) ? 'done' : 'running'
  if (job !== undefined) return 'running'
  const hook = migrationHook(record)
  if (hook?.phase === 'Failed') return 'failed'
  if (hook?.phase !== 'Succeeded') return 'absent'
  return isOver(evidence, hook.endedAt) ? 'done' : 'running'
}

/** A pod that waits looks once a second, and may have been between two starts; one that began after the end and has waited for its whole time waits for nothing. */
function isOver(evidence: Evidence, end: string | undefined): boolean {
  if (ageMs(end, new Date(evidence.at)) >= longestPauseMs) return true
  return mentions(evidence, /There are still unapplied migrations after \d+ seconds/).some(({ container, runSince }) => initContainers.test(container) && end !== undefined && runSince !== undefined && Date.parse(runSince) > Date.parse(end))
}

/** The kubelet's longest between two starts, and half a minute. */
const longestPauseMs = 330_000

function imagesOf(pods: readonly KubernetesObject[], job: KubernetesObject | undefined): string[] {
  return [...waitingImages(pods).map((image) => `the pods wait with image ${image}`), ...jobImages(job).map((image) => `the Job migrates with image ${image}`)]
}

/** A hook that has succeeded is gone; the charts give it the image of those who wait for it. */
function releaseImages({ objects }: Release): string[] {
  return objects.flatMap((object) => templateOf(object).initContainers ?? []).filter(({ name }) => initContainers.test(name)).map(({ image = '' }) => image)
}

function waitingImages(pods: readonly KubernetesObject[]): string[] {
  const inits = pods.flatMap((pod) => (pod as Pod).spec?.initContainers ?? []).filter(({ name }) => initContainers.test(name))
  return [...new Set(inits.map(({ image = '' }) => image))]
}

function jobImages(job: KubernetesObject | undefined): string[] {
  return [...new Set(mainContainersOf(job).map(({ image = '' }) => image))]
}

/** By a hook or by a plain Job. Where the chart was told not to, or has the users from a Deployment (the community's), a webserver may begin before they are there, and says so for good. */
function makesUser({ record, jobs }: Evidence): boolean {
  const objects = [...(record?.objects ?? []), ...jobs].map(({ kind, metadata: { name } }) => ({ kind, name }))
  return [...(record?.hooks ?? []).map(({ ref }) => ref), ...objects].some(({ kind, name }) => kind === 'Job' && name.endsWith('create-user'))
}

/** When the first user was made, by a hook or by a plain Job. */
function userMadeAt({ jobs }: Evidence, hook: ReleaseHook | undefined): string | undefined {
  const job = jobs.find(({ metadata }) => metadata.name.endsWith('create-user'))
  return hook?.phase === 'Succeeded' ? hook.endedAt : (job?.status as { completionTime?: string } | undefined)?.completionTime
}

/** Hooks run in their order, so a failed one leaves out those after it. A webserver that began before the user was made says so for good. */
function noLogin(evidence: Evidence): Finding[] {
  const { record, jobs } = evidence
  const hook = record?.hooks.find(({ ref }) => ref.kind === 'Job' && ref.name.endsWith('create-user'))
  const since = userMadeAt(evidence, hook)
  const said = (makesUser(evidence) ? mentions(evidence, /No user yet created/) : []).filter(({ runSince }) => since === undefined || (runSince !== undefined && Date.parse(runSince) > Date.parse(since)))
  const lines = told(said).slice(-1)
  if (record === undefined || record.status.startsWith('pending-')) return []
  const { name = 'create-user' } = hook?.ref ?? {}
  const job = jobs.find(({ metadata }) => metadata.name === name)
  // Helm was ended while it waited for the hook, which has done its work since; and an upgrade may have found the user there.
  const done = hook?.phase === 'Succeeded' || (job !== undefined && hasEnded(job, 'Complete'))
  const failed = record.status === 'failed' && record.revision === 1 && hook !== undefined && !done
  if (!failed && lines.length === 0) return []
  return [doubtful('admin-login-missing', {
    title: 'Nobody can log in: the first user was not made',
    evidence: [...(failed ? [`Job ${record.namespace}/${name} ${job !== undefined ? 'has not ended well' : 'has not run'}`] : []), ...lines],
    why: 'The chart makes the user by a hook that runs after the migrations; where an earlier one fails it never runs.',
    fix: [`${again} # runs the hooks again`, `kubectl -n ${record.namespace} exec deploy/${evidence.wanted?.service ?? `${record.name}-webserver`} -- airflow users list`],
  })]
}
