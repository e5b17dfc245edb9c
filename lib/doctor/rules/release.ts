/** The Helm release and everything in it. */
import type { KubernetesObject, NonEmpty, Release } from '../../access.ts'
import { isMadeBy } from '../../airflow/helm-marks.ts'
import { isUnfinished, readLease } from '../../airflow/lock.ts'
import type { Finding } from '../../step.ts'
import { type Part, type Symptom, causesOf, isMissedBy, mergeFindings } from '../../observe/causes.ts'
import { type FaultId, faults } from '../../observe/faults.ts'
import { type Failed, ageMs, nameOf } from '../../observe/observation.ts'
import { isLeaving, isOverdue } from '../../observe/leaving.ts'
import { podsOf } from '../../observe/owners.ts'
import { umbrella } from '../../observe/release.ts'
import { mainContainersOf } from '../../observe/template.ts'
import { editsOf, withEdits } from '../edited.ts'
import { type Evidence, partsIn } from '../evidence.ts'
import { isOfItself } from '../of-itself.ts'
import { recalled } from '../witnessed.ts'
import { type Rule, doubtful, wrong } from '../rule.ts'
import { isOfItsOwn } from './cluster/symptoms.ts'
import { isTakenDown, verdictOf } from './helm/lock.ts'
import { describe, lastWords, unready } from '../unready.ts'

export const releaseRules: readonly Rule[] = [notInstalled, release, unexplained]

function notInstalled(evidence: Evidence): Finding[] {
  const { release, record, namespace, unknown } = evidence
  if (release === undefined || unknown.some((line) => line.includes('record of Helm release'))) return []
  if (record !== undefined && !(isTakenDown(evidence) && evidence.operation?.alive !== true)) return []
  const living = record !== undefined ? [] : evidence.workloads.filter((one) => isMadeBy({ name: release, namespace }, one) && one.metadata.deletionTimestamp === undefined)
  if (living.length > 0) return [recordGone(release, living, evidence)]
  return [wrong('release-not-installed', {
    title: `Helm release ${namespace}/${release} is not installed`,
    evidence: record === undefined ? [`there is no record of it in namespace ${namespace}`] : [`Helm's record of it, revision ${record.revision}, says ${record.status}${isUnfinished(record.status) ? ` since ${record.updatedAt}` : ''}`, 'none of its workloads is there'],
    why: record === undefined ? 'Nothing has been installed yet, it was removed, or it has another name.' : 'It was taken down by Helm, which kept its record, or was cut off before it could delete it.',
    fix: record === undefined ? ['npx tsx run.ts apply'] : reinstalled(record, evidence),
  })]
}

/** What Helm wrote of itself on each object tells whose it is; by that an install takes it over. */
function recordGone(release: string, living: readonly KubernetesObject[], { namespace }: Evidence): Finding {
  return wrong('release-not-installed', {
    title: `Helm's record of release ${namespace}/${release} is gone, and what it made is there`,
    evidence: [`there is no record of it in namespace ${namespace}`, `made by it, as their annotations say: ${living.map(nameOf).join(', ')}`],
    why: `Its Secrets sh.helm.release.v1.${release}.v… were deleted, without which Helm knows nothing of what it made; what runs is not touched by that.`,
    fix: [
      `kubectl -n ${namespace} create -f FILE # where there is a copy of the last of those Secrets`,
      'npx tsx run.ts apply # else: installs it again over what runs, which Helm takes over; the keys, the passwords and the data stay',
    ],
  })
}

/**
 * `"airflow" has no deployed releases`, says many a Helm over such a record. Asked once more to uninstall it only forgets
 * one that is done; one that was cut off it would go on with, so that is left to the next run, which deletes nothing.
 */
function reinstalled({ name, namespace, status, updatedAt }: Release, evidence: Evidence): NonEmpty<string> {
  if (!isUnfinished(status)) return [`helm uninstall ${name} -n ${namespace} && npx tsx run.ts apply # the first only forgets the record, the second installs anew`]
  if (verdictOf(evidence).state === 'stale') return ['npx tsx run.ts apply # takes the record over, and makes again what is gone']
  const { leaseDurationSeconds } = evidence.operation ?? readLease(undefined)
  const from = new Date(Date.parse(updatedAt) + (leaseDurationSeconds + 60) * 1000).toISOString()
  return [`npx tsx run.ts apply # from ${from} on: until then that Helm may be at work`]
}

function release(present: Evidence): Finding[] {
  const evidence = recalled(present)
  const { record } = evidence
  const { roots, symptoms } = causesOf(partsIn(evidence))
  const settled = roots.filter((failure) => hasSettled(failure, evidence))
  // Once Helm has failed something is wrong for certain, and what looks like it says more than Helm does.
  const told = settled.length === 0 && record?.status === 'failed' ? roots : settled
  const above = symptoms.filter(({ failure }) => hasSettled(failure, evidence)).map(({ failure, below }) => ({ finding: withLog(failure, evidence), below }))
  const ofThemselves = above.map(({ finding }) => finding).filter((finding) => isOfItsOwn(finding) || isOfItself(withEdits(finding, evidence)))
  const certain = mergeFindings([...told.map((failure) => withLog(failure, evidence)), ...ofThemselves])
  const explained = above.filter(({ finding }) => !ofThemselves.includes(finding)).flatMap(({ finding, below }) => under(finding, certain.filter((cause) => isOneOf(cause, below))))
  if (record?.status !== 'failed') return [...certain, ...explained]
  return [...certain, ...explained, ...(certain.length > 0 ? under(umbrella(record), certain) : [umbrella(record)])]
}

/** A crash under a database that only starts, or is about to fail, says nothing yet. */
function under(finding: Finding, causes: Finding[]): Finding[] {
  return causes.length > 0 ? [{ ...finding, causes }] : []
}

function isOneOf({ id, title }: Finding, below: Symptom['below']): boolean {
  return below.some(({ finding }) => finding.id === id && finding.title === title)
}

/** A wait gives a registry longer to come back, and others longer to make room; who asks what is wrong now is told. */
const toldAfterMs: Partial<Record<FaultId, number>> = { 'image-registry-unreachable': 20_000, 'host-port-taken': 20_000, 'pod-affinity-unsatisfied': 20_000, 'scheduler-unknown': 20_000 }

/**
 * One look has no "since when", but nothing can have been so for longer than its object is there.
 * The id's own time is taken: what a wait grants to a failure that may be mended is no pardon here.
 */
function hasSettled({ since, finding }: Failed, { at }: Evidence): boolean {
  return ageMs(since, new Date(at)) >= (toldAfterMs[finding.id] ?? faults[finding.id].settleMs)
}

/** What a container said before it ended is the best evidence of why. */
function withLog({ finding, subject }: Failed, evidence: Evidence): Finding {
  if (!['crash-loop', 'job-failed', 'oom-killed', 'pod-failed'].includes(finding.id)) return finding
  const pods = [...evidence.pods.filter((pod) => nameOf(pod) === subject), ...ownedBy(subject, evidence)]
  return { ...finding, evidence: [...finding.evidence, ...lastWords(pods, evidence)] }
}

function ownedBy(subject: string, { jobs, pods }: Evidence): KubernetesObject[] {
  return jobs.filter((job) => nameOf(job) === subject).flatMap((job) => podsOf(job, pods))
}

/** What was ready once starts anew after a boot, and a slow machine loads Airflow for minutes. */
const ranMs = 300_000
/** What was edited by hand has its likeliest cause already. */
const editedMs = 120_000
/** When a release has had its time to become ready for the first time. */
const startMs = faults['not-ready-unexplained'].settleMs

/**
 * Not ready for long and no rule knows why: said with all there is, never guessed, and never left
 * out. Where something could not be read, that is named instead.
 */
function unexplained(evidence: Evidence): Finding[] {
  const { record, at, unknown } = evidence
  const now = new Date(at)
  if (record === undefined || record.status.startsWith('pending-') || isTakenDown(evidence) || unknown.length > 0) return []
  const parts = partsIn(evidence)
  const isFailing = causesOf(parts).roots.length > 0
  const list = unready(evidence).filter(({ object }) => !isFailing || standsAlone(object, parts)).map((one) => ({ one, ms: unreadyMs(one.object, evidence, now) }))
  const edited = (name: string): boolean => evidence.workloads.some((workload) => nameOf(workload) === name && editsOf(workload, evidence).length > 0)
  const held = list.filter(({ one, ms }) => !endsOld(one.object, evidence, now) && (ms >= startMs || (ms >= ranMs && wasReady(one.object, evidence, now)) || (ms >= editedMs && edited(one.object))))
  if (held.length === 0) return []
  const long = held.some(({ ms }) => ms >= startMs)
  return [(long ? wrong : doubtful)('not-ready-unexplained', {
    title: `${held.length === 1 ? 'One object is' : `${held.length} objects are`} not ready, and no rule knows why`,
    evidence: describe(held.map(({ one }) => one)),
    why: held.some(({ one }) => edited(one.object)) ? 'No rule knows more; what was edited by hand is the likeliest cause.' : 'The cause is unknown; what is known is above.',
    fix: [`kubectl -n ${record.namespace} describe ${wordsFor(held.map(({ one }) => one.object))} # the log lines and events above come from what is not ready`],
  })]
}

/** Beside what has failed: neither that itself, nor what waits for the database, the broker or a hook, nor what was never made. */
function standsAlone(name: string, parts: readonly Part[]): boolean {
  const own = parts.find((part) => part.name === name)
  const named = mainContainersOf(own?.object).map((one) => one.name)
  // Of what names none, as a claim, anybody may be the user.
  const containers = named.length === 0 ? [''] : named
  return own?.object !== undefined && own.observation.state === 'waiting' && !parts.some((part) => part !== own && containers.some((container) => isMissedBy(container, part)))
}

function wordsFor(names: readonly string[]): string {
  return names.slice(0, 4).map((name) => name.replace(/^(\w+) (?:[^/]+\/)?(.*)$/, (_, kind: string, rest: string) => `${kind.toLowerCase()}/${rest}`)).join(' ')
}

function liveOf(name: string, { workloads, jobs, claims, pods }: Evidence): KubernetesObject | undefined {
  return [...workloads, ...jobs, ...claims, ...pods].find((one) => nameOf(one) === name)
}

interface Condition { type: string; status: string; lastTransitionTime?: string; lastUpdateTime?: string }

function conditionOf(object: KubernetesObject | undefined, wanted: string): Condition | undefined {
  return ((object?.status ?? {}) as { conditions?: Condition[] }).conditions?.find(({ type }) => type === wanted)
}

/** They make no other pod before the old one is gone, and a worker may go on for its whole time of grace. One that overstays is told by itself. */
function endsOld(name: string, evidence: Evidence, now: Date): boolean {
  const object = liveOf(name, evidence)
  const inTurn = object?.kind === 'StatefulSet' || (object?.spec as { strategy?: { type?: string } } | undefined)?.strategy?.type === 'Recreate'
  return object !== undefined && inTurn && podsOf(object, evidence.pods).some((pod) => isLeaving(pod) && !isOverdue(pod, now))
}

/** No longer than its newest pod is there, or than it was last ready, or than the release is as it is. */
function unreadyMs(name: string, evidence: Evidence, now: Date): number {
  const object = liveOf(name, evidence)
  if (object === undefined) return ageMs(evidence.record?.updatedAt, now)
  const pods = podsOf(object, evidence.pods)
  const lost = [object, ...pods].flatMap((one) => ['Available', 'Ready'].map((type) => conditionOf(one, type))).filter((one) => one?.status === 'False')
  // A rollout that has just begun has no pod yet; the Deployment says when it made its ReplicaSet.
  const rolling = conditionOf(object, 'Progressing')
  const begun = rolling?.status === 'True' && rolling.lastUpdateTime !== undefined ? [rolling.lastUpdateTime] : []
  const times = [object.metadata.creationTimestamp, evidence.record?.updatedAt, ...begun, ...pods.map(({ metadata }) => metadata.creationTimestamp), ...lost.map((one) => one?.lastTransitionTime)]
  return Math.min(...times.map((time) => ageMs(time, now)))
}

/** Its controller says so, or the release is so old that it must have been. */
function wasReady(name: string, evidence: Evidence, now: Date): boolean {
  const object = liveOf(name, evidence)
  const available = conditionOf(object, 'Available')
  const lost = available?.status === 'False' && ageMs(object?.metadata.creationTimestamp, now) - ageMs(available.lastTransitionTime, now) > 10_000
  return lost || (evidence.record?.status === 'deployed' && ageMs(evidence.record.updatedAt, now) >= startMs)
}
