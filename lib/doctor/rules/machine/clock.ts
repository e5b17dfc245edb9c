/**
 * Clocks that differ. The API server tells its own. Of nodes, what renews its lease, or reports, does so in
 * its own time: a time that has not come yet here is of a clock that runs ahead of this machine's. One that is
 * past proves nothing, since who has died stops renewing too.
 */
import type { Node } from 'kubernetes-types/core/v1.js'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'

/** What the tokens of Airflow's log requests are forgiven. */
const graceMs = 30_000

export function skewed({ leases = [], nodes = [], at, clock }: Evidence): Finding[] {
  const renewals = leases.map((lease) => ({ name: nameOf(lease), time: (lease as Lease).spec?.renewTime }))
  const reports = nodes.flatMap((node) => ((node as Node).status?.conditions ?? []).map(({ lastHeartbeatTime }) => ({ name: nameOf(node), time: lastHeartbeatTime })))
  const ahead = [...renewals, ...reports].flatMap(({ name, time }) => (time != null && Date.parse(time) - Date.parse(at) > graceMs ? [{ name, time }] : []))
  const told = clock === undefined || Math.abs(Date.parse(clock) - Date.parse(at)) <= graceMs ? [] : [{ name: 'the API server', time: clock }]
  const other = [...told, ...ahead]
  const furthest = Math.max(...other.map(({ time }) => Math.abs(Date.parse(time) - Date.parse(at))))
  if (other.length === 0) return []
  return [wrong('clock-skew', {
    title: 'The clocks of the cluster and of this machine differ',
    evidence: [`this machine: ${at}`, ...new Set(told.map(({ time }) => `the API server: ${time}`)), ...new Set(ahead.map(({ name, time }) => `${name} was heard of at ${time}`))],
    why: `They are ${Math.round(furthest / 1000)} s apart. Tokens and certificates are good for a time, so logs of tasks are refused (403) and logins fail; ages that are given here are wrong by as much.`,
    fix: ['sudo timedatectl set-ntp true; timedatectl # here, and on every node', 'chronyc tracking # where chrony keeps the time'],
  })]
}
