/** A Helm that is gone, and what it leaves. */
import { isUnfinished, judgeLock, type LockVerdict, readLease, withoutRecord } from '../../../airflow/lock.ts'
import { secretNames } from '../../../airflow/keys.ts'
import { fernetSecretOf } from '../../../airflow/values.ts'
import type { Finding } from '../../../step.ts'
import { causesOf } from '../../../observe/causes.ts'
import { ageMs } from '../../../observe/observation.ts'
import { type Evidence, partsIn } from '../../evidence.ts'
import { lives } from '../../lives.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'

export const lockRules: readonly Rule[] = [lock, damaged, otherOwner]

const unpacking = /Helm's record in Secret ([^/\s]+)\/(\S+) cannot be unpacked/

/** As the collector was told; what else the record would have said stays unknown. */
function damaged({ unknown }: Evidence): Finding[] {
  return unknown.flatMap((line): Finding[] => {
    const [, namespace, name] = unpacking.exec(line) ?? []
    if (namespace === undefined || name === undefined) return []
    return [wrong('helm-record-damaged', {
      title: `Helm's record of the release, Secret ${namespace}/${name}, cannot be unpacked`,
      evidence: [line],
      why: 'It was edited, cut off or put back wrongly. Helm stops at it with every command, and what runs is not touched.',
      fix: [withoutRecord(namespace, name)],
    })]
  })
}

/** Helm has nothing left to do then, and its next look is at most seconds away. */
const idleMs = 120_000
/** Helm's own patience with each hook, unless it is told another, and a minute. */
const defaultPatienceMs = 360_000

/**
 * The record of a Helm that works looks the same. It is gone for certain where the Lease names a
 * process of this host that is no more, where it has been at it for longer than it would wait, or
 * where all that it could wait for has been done for a while.
 */
function lock(evidence: Evidence): Finding[] {
  const { record, operation = readLease(undefined), at } = evidence
  if (record === undefined || !isUnfinished(record.status) || isTakenDown(evidence)) return []
  const now = new Date(at)
  const alive = evidence.operation?.alive
  const verdict = verdictOf(evidence)
  const age = ageMs(record.updatedAt, now)
  const text = {
    evidence: [`revision ${record.revision} has been ${record.status} since ${record.updatedAt}`, ...reasonsOf(evidence)],
    why: 'A Helm that is killed leaves its record pending, and every later one refuses to work ("another operation is in progress").',
    fix: ['npx tsx run.ts apply --from helm # backs the record up, marks it failed and goes on'] as [string],
  }
  const title = `Helm release ${record.namespace}/${record.name} is locked by a Helm that is gone`
  if (verdict.state === 'stale') return [wrong('helm-pending-lock', { title, ...text, evidence: [...text.evidence, verdict.why] })]
  if (alive === true) return []
  if (age > idleMs && isIdle(evidence)) return [wrong('helm-pending-lock', { title, ...text, evidence: [...text.evidence, 'everything that it made is ready, and no hook of it is at work'] })]
  // Whoever it was said nothing of its patience.
  if (age < defaultPatienceMs || (operation.holderIdentity ?? '') !== '') return []
  return [doubtful('helm-pending-lock', { ...text, title: `Helm release ${record.namespace}/${record.name} may be locked by a Helm that is gone` })]
}

/** What the next run would say of the lock. */
export function verdictOf({ record, operation, at }: Evidence): LockVerdict {
  return judgeLock(record, operation ?? readLease(undefined), operation?.alive, new Date(at))
}

/** `helm uninstall --keep-history`, or one that was cut off behind the workloads: it lists them, and none is there. */
export function isTakenDown(evidence: Evidence): boolean {
  const { record } = evidence
  const workloads = (record?.objects ?? []).filter(({ kind }) => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(kind))
  return record?.status.startsWith('uninstall') === true && workloads.every(({ kind, metadata }) => lives(evidence, kind, metadata.name) === false)
}

function reasonsOf({ operation }: Evidence): string[] {
  const [host, pid] = (operation?.holderIdentity ?? '').split('/')
  return pid === undefined ? ['nothing says who is at work on it'] : [`its Lease is held by pid ${pid} on ${host ?? ''}`]
}

/** A hook that has not been begun is still to come, unless Helm is gone; one that failed is told to Helm at once. */
function isIdle(evidence: Evidence): boolean {
  const parts = partsIn(evidence)
  const settled = parts.every(({ observation, object }) => observation.state === 'done' || (observation.state === 'waiting' && object === undefined && observation.reason === 'is about to be made'))
  return settled && causesOf(parts).roots.length === 0
}

/** Other keys than airstrip's: its next run refuses, since they would make what is stored unreadable. */
function otherOwner({ record, wanted, namespace, release }: Evidence): Finding[] {
  if (record === undefined || wanted === undefined || release === undefined) return []
  const had = fernetSecretOf(record.values)
  if (had === wanted.fernetSecretName) return []
  return [doubtful('release-not-airstrips', {
    title: `Release ${namespace}/${release} was installed by other means and has its own keys`,
    evidence: [`its Fernet key is ${had === undefined ? 'in no Secret that its values name' : `in Secret ${had}`}, airstrip's is in Secret ${wanted.fernetSecretName}`],
    why: 'airstrip does not change it: another Fernet key would make every stored connection and variable unreadable.',
    fix: ['npx tsx run.ts adopt # prints the configuration that takes it over with its keys; or choose another airflow.release or airflow.namespace'],
  })]
}

/** The Secrets of airstrip that the record's values name, by their paths. */
export function namedSecrets({ record, release }: Evidence): string[] {
  if (record === undefined || release === undefined) return []
  const said = new Set(textsIn(record.values))
  return Object.values(secretNames(release)).filter((name) => said.has(name))
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
