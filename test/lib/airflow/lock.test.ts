import t from 'tap'
import { judgeLock, readLease, type Lease } from '../../../lib/airflow/lock.ts'
import { isHeld, operationLease } from '../../../lib/airflow/operation.ts'
import type { Release } from '../../../lib/access.ts'
import { release } from '../observe/objects.ts'

const began = '2023-08-02T10:00:00Z'
const at = (seconds: number): Date => new Date(Date.parse(began) + seconds * 1000)
const pending = release({ status: 'pending-upgrade', updatedAt: began, revision: 3 })
const held: Lease = { holderIdentity: 'home/4242/1a2b-77', leaseDurationSeconds: 1800 }
const nobody: Lease = { leaseDurationSeconds: 900 }

const verdict = (record: Release | undefined, lease: Lease, alive: boolean | undefined, seconds: number): string => judgeLock(record, lease, alive, at(seconds)).state

void t.test('the rule, as a table', (t) => {
  const table: [string, Release | undefined, Lease, boolean | undefined, number, string][] = [
    ['no record, no holder', undefined, nobody, undefined, 0, 'free'],
    ['a good record and no holder', release(), nobody, undefined, 0, 'free'],
    ['a good record, and the holder is gone: its Helm may still work', release(), held, false, 0, 'stale'],
    ['pending, and the holder is gone', pending, held, false, 1, 'stale'],
    ['pending, and the holder works', pending, held, true, 1, 'held'],
    ['pending for an hour, and the holder works', pending, held, true, 3600, 'held'],
    ['pending, and the holder is on another host', pending, held, undefined, 1859, 'held'],
    ['pending for longer than that host\'s Helm waits', pending, held, undefined, 1861, 'stale'],
    ['pending, and nobody is known', pending, nobody, undefined, 959, 'held'],
    ['pending for longer than any Helm waits', pending, nobody, undefined, 961, 'stale'],
    ['half uninstalled, and nobody is known', { ...pending, status: 'uninstalling' }, nobody, undefined, 959, 'held'],
    ['half uninstalled for longer than any Helm waits', { ...pending, status: 'uninstalling' }, nobody, undefined, 961, 'stale'],
  ]
  for (const [what, record, lease, alive, seconds, wanted] of table) t.equal(verdict(record, lease, alive, seconds), wanted, what)
  t.end()
})

void t.test('who holds it is named, and when it will be free', (t) => {
  const judged = judgeLock(pending, held, undefined, at(60))
  t.match(judged, { state: 'held', finding: { id: 'helm-pending-lock', severity: 'error', evidence: [/revision 3 is pending-upgrade since 2023.*\(60 s\)/, 'holder: pid 4242 on home'], fix: [/run again in 1800 s/] } })
  t.match(judgeLock(pending, nobody, undefined, at(60)), { finding: { evidence: [String, 'holder: an unknown Helm'] } })
  t.match(judgeLock(pending, held, false, at(60)), { why: /pid 4242 on home\) is gone/ })
  t.end()
})

void t.test('a Lease without a holder, or none, leaves Helm its usual patience', (t) => {
  const lease = (holder: string) => operationLease({ name: 'airflow', namespace: 'airflow' }, holder, 1800, at(0))
  t.same(readLease(undefined), { holderIdentity: undefined, leaseDurationSeconds: 900 })
  t.same(readLease(lease('')), { holderIdentity: '', leaseDurationSeconds: 900 })
  t.same(readLease(lease('home/1/x')), { holderIdentity: 'home/1/x', leaseDurationSeconds: 1800 })
  t.same([isHeld(undefined), isHeld(lease('')), isHeld(lease('home/1/x'))], [false, false, true])
  t.end()
})
