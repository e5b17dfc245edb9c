import type { Finding, KubernetesObject, Release } from '../step.ts'

/** What is to be done about a record that says `pending-*`. */
export type LockVerdict =
  | { state: 'stale'; why: string }
  | { state: 'held'; finding: Finding }

export interface Lease {
  holderIdentity?: string | undefined
  leaseDurationSeconds: number
}

/** Helm's default patience is taken where no Lease says another. */
export function readLease(lease: KubernetesObject | undefined): Lease {
  return { leaseDurationSeconds: 900, ...(lease?.spec as Partial<Lease> | undefined) }
}

/**
 * The rule: a pending record is stale when its holder, which the Lease names, is a process of this
 * host that is gone (`alive` is false; undefined for another host); or when nobody is known to hold it and it is older than any Helm waits.
 */
export function judgeLock(release: Release, lease: Lease, alive: boolean | undefined, now: Date): LockVerdict {
  const { holderIdentity, leaseDurationSeconds } = lease
  const age = Math.round((now.getTime() - Date.parse(release.updatedAt)) / 1000)
  if (alive === false) return { state: 'stale', why: `it is ${release.status}, and the run that began it (${named(holderIdentity)}) is gone` }
  if (age > leaseDurationSeconds + 60) return { state: 'stale', why: `it has been ${release.status} for ${age} s, longer than any Helm waits` }
  return { state: 'held', finding: heldFinding(release, named(holderIdentity), age, leaseDurationSeconds) }
}

function named(holder: string | undefined): string {
  const [host = '', pid = ''] = holder?.split('/') ?? []
  return holder === undefined ? 'an unknown Helm' : `pid ${pid} on ${host}`
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
