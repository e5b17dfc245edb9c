import type { KubernetesObject, Reader, Release } from '../access.ts'
import { copiedAway } from '../observe/copied-away.ts'
import type { Finding } from '../step.ts'

/** What is to be done about an operation that the cluster says is under way. */
export type LockVerdict =
  | { state: 'free' }
  | { state: 'stale'; why: string }
  | { state: 'held'; finding: Finding }

export interface Lease {
  holderIdentity?: string | undefined
  leaseDurationSeconds: number
}

/** In seconds; longer than Helm's own default of five minutes. */
const helmPatience = 900

/** A patience of our own is taken where no Lease says another. */
export function readLease(lease: KubernetesObject | undefined): Lease {
  const { holderIdentity, leaseDurationSeconds } = (lease?.spec ?? {}) as Partial<Lease>
  // A lease that nobody holds says nothing of how long the Helm of somebody else may take.
  return { holderIdentity, leaseDurationSeconds: holderIdentity === '' ? helmPatience : (leaseDurationSeconds ?? helmPatience) }
}

/**
 * The rule. An operation is stale when its holder, which the Lease names, is a process of this host
 * that is gone (`alive` is false; undefined for another host), whatever the record says: its Helm may
 * still be at work. A `pending-*` or `uninstalling` record whose holder is not known to live is stale once it is older
 * than any Helm waits; Helm's patience is for each hook, so a living one may take longer.
 */
export function judgeLock(release: Release | undefined, lease: Lease, alive: boolean | undefined, now: Date): LockVerdict {
  const { holderIdentity = '', leaseDurationSeconds } = lease
  if (holderIdentity !== '' && alive === false) return { state: 'stale', why: `the run that was at work on it (${named(holderIdentity)}) is gone` }
  if (release === undefined || !isUnfinished(release.status)) return { state: 'free' }
  const age = Math.round((now.getTime() - Date.parse(release.updatedAt)) / 1000)
  if (alive !== true && age > leaseDurationSeconds + 60) return { state: 'stale', why: `it has been ${release.status} for ${age} s, longer than any Helm waits` }
  return { state: 'held', finding: heldFinding(release, named(holderIdentity), age, leaseDurationSeconds) }
}

/** What only a Helm that is at work leaves so. `uninstalling` is refused by every later upgrade: it has no deployed release. */
export function isUnfinished(status: string | undefined): boolean {
  return status === 'uninstalling' || status?.startsWith('pending-') === true
}

/** What a run that is gone left behind is freed; what a living Helm holds blocks. */
export async function judgeOperation(release: Release | undefined, lease: KubernetesObject | undefined, reader: Reader): Promise<LockVerdict> {
  const held = readLease(lease)
  const alive = held.holderIdentity === undefined || held.holderIdentity === '' ? undefined : await reader.alive(held.holderIdentity)
  return judgeLock(release, held, alive, reader.now())
}

function named(holder: string): string {
  const [host = '', pid = ''] = holder.split('/')
  return holder === '' ? 'an unknown Helm' : `pid ${pid} on ${host}`
}

function heldFinding(release: Release, holder: string, age: number, lease: number): Finding {
  return {
    id: 'helm-pending-lock',
    severity: 'error',
    title: `Another Helm is at work on release ${release.namespace}/${release.name}`,
    evidence: [`revision ${release.revision} is ${release.status} since ${release.updatedAt} (${age} s)`, `holder: ${holder}`],
    why: 'Two Helms on one release undo each other.',
    fix: [`Wait for it to end. If it is gone, run again in ${Math.max(lease + 60 - age, 1)} s: the record is then taken over by itself.`],
  }
}

/** Keeps a copy first; what runs stays, and the next apply takes it over. */
export function withoutRecord(namespace: string, name: string): string {
  return `${copiedAway('secret', [name], namespace)} && npx tsx run.ts apply # where there is no copy of it to put back: what runs is not touched, and is taken over`
}
