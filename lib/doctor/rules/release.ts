/** The Helm release and everything in it. */
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { causesOf, mergeFindings } from '../../observe/causes.ts'
import { faults } from '../../observe/faults.ts'
import { type Failed, ageMs, nameOf } from '../../observe/observation.ts'
import { podsOf } from '../../observe/owners.ts'
import { umbrella } from '../../observe/release.ts'
import { type Evidence, partsIn } from '../evidence.ts'
import type { Rule } from '../rule.ts'
import { describe, logsOf, unready } from '../unready.ts'

export const releaseRules: readonly Rule[] = [notInstalled, lock, release, unexplained]

function notInstalled({ release, record, namespace, unknown }: Evidence): Finding[] {
  if (release === undefined || record || unknown.some((line) => line.includes('record of Helm release'))) return []
  return [{
    id: 'release-not-installed',
    severity: 'error',
    title: `Helm release ${namespace}/${release} is not installed`,
    evidence: [`there is no record of it in namespace ${namespace}`],
    why: 'Nothing has been installed yet, it was removed, or it has another name.',
    fix: ['npx tsx run.ts apply'],
  }]
}

/** The record of a Helm that works looks the same, hence the time. */
function lock({ record, at }: Evidence): Finding[] {
  if (!record?.status.startsWith('pending-')) return []
  if (ageMs(record.updatedAt, new Date(at)) < faults['helm-pending-lock'].settleMs) return []
  return [{
    id: 'helm-pending-lock',
    severity: 'error',
    title: `Helm release ${record.namespace}/${record.name} is locked by a Helm that is gone`,
    evidence: [`revision ${record.revision} has been ${record.status} since ${record.updatedAt}`],
    why: 'A Helm that is killed leaves its record pending, and every later one refuses to work.',
    fix: ['npx tsx run.ts apply --from helm # backs the record up, marks it failed and goes on'],
  }]
}

function release(evidence: Evidence): Finding[] {
  const { record } = evidence
  const { roots, symptoms } = causesOf(partsIn(evidence))
  const certain = mergeFindings(roots.filter((failure) => hasSettled(failure, evidence)).map((failure) => withLog(failure, evidence)))
  const explained = symptoms.filter((failure) => hasSettled(failure, evidence)).map(({ finding }) => under(finding, certain))
  const above = record?.status === 'failed' ? [under(umbrella(record), certain)] : []
  return [...certain, ...explained, ...above]
}

function under(finding: Finding, causes: Finding[]): Finding {
  return causes.length > 0 ? { ...finding, causes } : finding
}

/**
 * One look has no "since when", but nothing can have been so for longer than its object is there.
 * The id's own time is taken: what a wait grants to a failure that may be mended is no pardon here.
 */
function hasSettled({ since, finding }: Failed, { at }: Evidence): boolean {
  return ageMs(since, new Date(at)) >= faults[finding.id].settleMs
}

const lastWords = 5

/** What a container said before it ended is the best evidence of why. */
function withLog({ finding, subject }: Failed, evidence: Evidence): Finding {
  if (!['crash-loop', 'job-failed', 'oom-killed', 'pod-failed'].includes(finding.id)) return finding
  const pods = [...evidence.pods.filter((pod) => nameOf(pod) === subject), ...ownedBy(subject, evidence)]
  const lines = logsOf(pods, evidence).flatMap(({ container, lines: said }) => said.slice(-lastWords).map((line) => `${container}: ${line}`))
  return { ...finding, evidence: [...finding.evidence, ...lines] }
}

function ownedBy(subject: string, { jobs, pods }: Evidence): KubernetesObject[] {
  return jobs.filter((job) => nameOf(job) === subject).flatMap((job) => podsOf(job, pods))
}

/**
 * Not ready for long and no rule knows why: said with all there is, never guessed, and never left
 * out. Where something could not be read, that is named instead.
 */
function unexplained(evidence: Evidence): Finding[] {
  const { record, at, unknown } = evidence
  const now = new Date(at)
  if (!record || unknown.length > 0 || ageMs(record.updatedAt, now) < faults['not-ready-unexplained'].settleMs) return []
  if (causesOf(partsIn(evidence)).roots.length > 0) return []
  const list = unready(evidence).filter(({ object }) => isOld(object, evidence, now))
  if (list.length === 0) return []
  return [{
    id: 'not-ready-unexplained',
    severity: 'error',
    title: `${list.length === 1 ? 'One object is' : `${list.length} objects are`} not ready, and no rule knows why`,
    evidence: describe(list),
    why: 'The cause is unknown; what is known is above.',
    fix: ['Read the log lines and events; they come from what is not ready'],
  }]
}

/** A pod that was just made again is only starting, however old its release is. */
function isOld(name: string, { workloads, jobs, pods }: Evidence, now: Date): boolean {
  const object = [...workloads, ...jobs].find((one) => nameOf(one) === name)
  const mine = object ? podsOf(object, pods) : []
  return mine.every(({ metadata }) => ageMs(metadata.creationTimestamp, now) >= faults['not-ready-unexplained'].settleMs)
}
