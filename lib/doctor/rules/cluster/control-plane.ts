/**
 * Whether somebody schedules, and whether somebody runs the controllers. Where they elect a leader (kubeadm) it
 * renews a lease every two seconds; where they do not, only what they leave undone tells. Ages are taken
 * against the newest time that anything in the cluster wrote, so that a clock that is wrong here kills nobody.
 */
import type { Event, Node, Pod } from 'kubernetes-types/core/v1.js'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import type { Finding } from '../../../step.ts'
import { claimNamesOf } from '../../../observe/claim.ts'
import { eventsAbout, latest, timeOf } from '../../../observe/events.ts'
import { k3sUnit } from '../../../observe/node.ts'
import { isReady, nameOf } from '../../../observe/observation.ts'
import { controllerOf } from '../../../observe/owners.ts'
import { isBehind } from '../../../observe/workload-pods.ts'
import { type Evidence, eventsIn, podsIn } from '../../evidence.ts'
import { matchesIn, quoted } from '../../failures.ts'
import { wrong } from '../../rule.ts'
import { clusterHasJustStarted } from './boot.ts'

const goneMs = 60_000

/** Longer than any part of a cluster goes without a sign of life, and than a restart of all takes. */
const silentMs = 120_000
const full = /etcdserver: mvcc: database space exceeded/

/**
 * Everybody falls silent at once where nothing can be written any more: etcd takes only reads when its quota is used up
 * (etcd.io, Maintenance, "Space quota"). No write is tried here that would be told so; a step's own may have been. By
 * the API server's clock, since this machine's may be ahead; and a node that is lost is silent for a reason of its own.
 */
export function takesNoWrites(evidence: Evidence): Finding[] {
  const { leases = [], nodes = [], clock } = evidence
  const refused = matchesIn(evidence, full).map(quoted)
  const silence = clock === undefined ? 0 : Date.parse(clock) - clusterTime(evidence)
  const silent = leases.length > 0 && silence >= silentMs && nodes.length > 0 && nodes.every(isReady) ? leases.slice(0, 3).map((lease) => `${nameOf(lease)} was renewed last at ${String((lease as Lease).spec?.renewTime)}, and the API server's clock says ${clock ?? ''}`) : []
  if (refused.length + silent.length === 0) return []
  return [wrong('control-plane-down', {
    title: 'The cluster can only be read: its store takes no writes',
    evidence: [...refused, ...silent],
    why: 'Nodes and controllers write a sign of life every few seconds, and none has come for minutes, or a write was refused: the space that etcd may use is full, or its disk is. What runs goes on, and nothing is made, moved or mended.',
    fix: isK3s(nodes) ? ['df -h /var/lib/rancher/k3s/server/db; sudo journalctl -u k3s -n 50 --no-pager # on the server', 'sudo systemctl restart k3s # on the server, once there is room'] : [
      'sudo crictl exec $(sudo crictl ps -q --name etcd) etcdctl --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key endpoint status -w table # on the control plane: NOSPACE among its errors',
      'df -h /var/lib/etcd # on the control plane; where there is room, with the same three certificates: etcdctl compact REVISION, defrag, alarm disarm',
    ],
    link: 'https://etcd.io/docs/v3.5/op-guide/maintenance/#space-quota',
  })]
}

export function controlPlane(evidence: Evidence): Finding[] {
  // The lease of before a boot has to end before somebody is elected, which takes up to half a minute.
  if (clusterHasJustStarted(evidence, new Date(clusterTime(evidence)))) return []
  const idle = [
    { name: 'kube-scheduler', does: 'Nothing new is placed on a node; what runs goes on.', undone: unplaced(evidence), alive: lastPlaced(evidence) },
    { name: 'kube-controller-manager', does: 'No pod is made, replaced or ended, no endpoint updated, no claim bound; what runs goes on.', undone: unhandled(evidence), alive: lastHandled(evidence) },
  ]
  return idle.flatMap(({ name, does, undone, alive }): Finding[] => {
    const seen = isRenewed(name, evidence) ? [] : [...leaseOf(name, alive, evidence), ...undone]
    if (seen.length === 0) return []
    return [wrong('control-plane-down', { title: `${name} does not work`, evidence: seen, why: does, fix: fixes(name, evidence) })]
  })
}

function isK3s(nodes: readonly KubernetesObject[]): boolean {
  return nodes.some((node) => k3sUnit(node as Node) !== undefined)
}

/** K3s has all of it in one process, and kubeadm in pods that the kubelet starts from files. */
function fixes(name: string, { nodes = [] }: Evidence): NonEmpty<string> {
  if (isK3s(nodes)) return ['sudo systemctl restart k3s; sudo journalctl -u k3s -n 50 --no-pager # on the server']
  return [
    `kubectl -n kube-system get pods -l component=${name}; kubectl -n kube-system logs -l component=${name} --tail=30`,
    `sudo crictl ps -a --name ${name}; ls -l /etc/kubernetes/manifests/${name}.yaml # on the control plane: the kubelet starts it while this file is there`,
    'sudo systemctl restart kubelet # on the control plane',
    'sudo kubeadm certs check-expiration # on the control plane: with an ended certificate it does not start',
  ]
}

/** The newest time that a part of the cluster wrote. */
export function clusterTime({ leases = [], nodes = [], events, system, at }: Evidence): number {
  const renewals = leases.map((lease) => Date.parse(String((lease as Lease).spec?.renewTime)))
  const reports = nodes.flatMap((node) => ((node as Node).status?.conditions ?? []).map(({ lastHeartbeatTime }) => Date.parse(String(lastHeartbeatTime))))
  const said = eventsIn({ events, system }).map((event) => timeOf(event as unknown as Event))
  const known = [...renewals, ...reports, ...said].filter((time) => !Number.isNaN(time))
  return known.length === 0 ? Date.parse(at) : Math.max(...known)
}

function leasesOf(name: string, { leases = [] }: Evidence): KubernetesObject[] {
  return leases.filter(({ metadata }) => metadata.namespace === 'kube-system' && metadata.name === name)
}

/** Whoever holds its lease is there, whatever it has not done. */
function isRenewed(name: string, evidence: Evidence): boolean {
  const now = clusterTime(evidence)
  return leasesOf(name, evidence).some((lease) => now - Date.parse(String((lease as Lease).spec?.renewTime)) <= goneMs)
}

/** An old lease stays behind where the election was switched off: whoever has worked since is alive. */
function leaseOf(name: string, alive: number, evidence: Evidence): string[] {
  const now = clusterTime(evidence)
  return leasesOf(name, evidence).flatMap((lease) => {
    const renewed = (lease as Lease).spec?.renewTime
    const last = Date.parse(String(renewed))
    return now - last > goneMs && alive <= last + goneMs ? [`${nameOf(lease)} was renewed last at ${String(renewed)}, ${Math.round((now - last) / 1000)} s before the newest sign of the cluster`] : []
  })
}

/** What the scheduler tried and could not place has a condition that says so. */
function unplaced(evidence: Evidence): string[] {
  const alive = lastPlaced(evidence)
  return podsIn(evidence).filter((object) => {
    const { spec, status } = object as Pod
    const made = Date.parse(object.metadata.creationTimestamp ?? '')
    const untouched = !spec?.nodeName && !(status?.conditions ?? []).some(({ type }) => type === 'PodScheduled') && status?.phase !== 'Failed'
    return untouched && (spec?.schedulerName ?? 'default-scheduler') === 'default-scheduler' && object.metadata.deletionTimestamp === undefined
      && !waitsForVolume(object, evidence) && Date.parse(evidence.at) - made > goneMs && alive < made + goneMs
  }).slice(0, 3).map((pod) => `${nameOf(pod)} is there since ${pod.metadata.creationTimestamp ?? ''}, and no scheduler has looked at it`)
}

/** While a volume is being made, the scheduler has chosen and says nothing. */
function waitsForVolume(pod: KubernetesObject, { claims }: Evidence): boolean {
  const names = claimNamesOf(pod)
  return claims.some(({ metadata }) => metadata.namespace === pod.metadata.namespace && names.includes(metadata.name) && metadata.annotations?.['volume.kubernetes.io/selected-node'] !== undefined)
}

/** When the scheduler is known to have worked last; 0 for never. */
function lastPlaced(evidence: Evidence): number {
  const times = podsIn(evidence).flatMap((pod) => ((pod as Pod).status?.conditions ?? []).filter(({ type }) => type === 'PodScheduled').map(({ lastTransitionTime }) => Date.parse(String(lastTransitionTime))))
  const said = [...evidence.events, ...evidence.system].filter(({ reason }) => reason === 'FailedScheduling' || reason === 'Scheduled').map((event) => timeOf(event as unknown as Event))
  return Math.max(0, ...times.filter((time) => !Number.isNaN(time)), ...said)
}

/** New objects that no controller has looked at, and pods that are gone without anybody having seen it. */
function unhandled(evidence: Evidence): string[] {
  const alive = lastHandled(evidence)
  const now = Date.parse(evidence.at)
  const old = ({ metadata }: KubernetesObject): boolean => now - Date.parse(metadata.creationTimestamp ?? '') > goneMs
  // Counts of before prove nothing while somebody may be at it this minute.
  const quiet = now - alive > goneMs
  const workloads = [...evidence.workloads, ...evidence.system.filter(({ kind }) => ['Deployment', 'DaemonSet'].includes(kind))]
  const unseen = workloads.filter((one) => quiet && old(one) && isBehind(one) && !isRefused(one, evidence)).map((one) => `${nameOf(one)} was changed, and no controller has looked at it`)
  const jobs = evidence.jobs.filter((job) => quiet && old(job) && !isRefused(job, evidence) && Object.keys(job.status ?? {}).length === 0 && (job.spec as { suspend?: boolean } | undefined)?.suspend !== true)
    .map((job) => `${nameOf(job)} is there since ${job.metadata.creationTimestamp ?? ''}, and no controller has looked at it`)
  const lost = (evidence.replicaSets ?? []).flatMap((set) => {
    const { replicas = 0, conditions = [] } = (set as ReplicaSet).status ?? {}
    const mine = evidence.pods.filter((pod) => controllerOf(pod)?.uid === set.metadata.uid)
    return quiet && mine.length < replicas && conditions.length === 0 ? [`${nameOf(set)} says that it has ${replicas} pods, and ${mine.length} are there`] : []
  })
  return [...unseen, ...jobs, ...lost].slice(0, 5)
}

/** Its controller was at it, wrote no status since it was refused, and waits longer after each try. */
function isRefused(object: KubernetesObject, { events }: Evidence): boolean {
  return latest(eventsAbout(object, events), 'FailedCreate', 'SuccessfulCreate')?.reason === 'FailedCreate'
}

const controllers = /-controller$|^(controllermanager|cronjob-controller)$/

/** When a controller of the cluster's own is known to have worked last. */
function lastHandled({ events, system, pods, workloads }: Evidence): number {
  const said = [...events, ...system].flatMap((event) => {
    const { source, reportingComponent } = event as unknown as Event
    return event.kind === 'Event' && controllers.test(source?.component ?? reportingComponent ?? '') ? [timeOf(event as unknown as Event)] : []
  })
  const made = pods.filter((pod) => controllerOf(pod) !== undefined).map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''))
  const updated = workloads.flatMap(({ status }) => ((status as { conditions?: { lastUpdateTime?: string }[] } | undefined)?.conditions ?? []).map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '')))
  return Math.max(0, ...[...said, ...made, ...updated].filter((time) => !Number.isNaN(time)))
}
