/** Claims, volumes and provisioners, beyond what a look at one object of the release tells. */
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { claimNamesOf, consumersOf, observeClaim, refusedFor } from '../../observe/claim.ts'
import { describeEvent, eventsAbout, firstTimeOf, timeOf } from '../../observe/events.ts'
import { type FaultId, faults } from '../../observe/faults.ts'
import { ageMs, nameOf, pastMs } from '../../observe/observation.ts'
import { controllerOf } from '../../observe/owners.ts'
import { observeIdleProvisioner } from '../../observe/provisioner.ts'
import { observeVolume } from '../../observe/volume.ts'
import { type Deleted, deletedVolumes, keptOf } from '../../observe/volume-leaving.ts'
import { type Evidence, viewOf } from '../evidence.ts'
import { isStranger } from '../strangers.ts'
import { type Explains, type ExplainsIf, type Rule, doubtful, wrong } from '../rule.ts'
import { unexplainedEnds } from './cluster/symptoms.ts'
import { databaseOf } from './database/parts.ts'

export const storageRules: readonly Rule[] = [claims, idle, deleted, volumes, hidden, notMounted]

/** Also those that the release does not list: a StatefulSet's own, and the storage step's. */
function claims(evidence: Evidence): Finding[] {
  return faultyClaims(evidence).map(({ finding }) => finding)
}

function faultyClaims(evidence: Evidence): { claim: KubernetesObject; finding: Finding }[] {
  const view = viewOf(evidence)
  // Nothing of ours would make a stranger's claim again.
  const pods = evidence.pods.filter((pod) => !isStranger(pod, evidence))
  return evidence.claims.filter((claim) => consumersOf(claim, pods).length > 0 || refusedFor(claim, evidence.events) !== undefined).flatMap((claim) => {
    const look = observeClaim(claim, view)
    return look.state === 'failed' && ageMs(look.since, view.now) >= faults[look.finding.id].settleMs ? [{ claim, finding: look.finding }] : []
  })
}

/** Of classes that have made a volume for a pod of ours: a provisioner that has never been asked is no matter of the release. */
function idle(evidence: Evidence): Finding[] {
  const { provisioners = [], now } = viewOf(evidence)
  const pods = evidence.pods.filter((pod) => !isStranger(pod, evidence))
  const used = evidence.claims.filter((claim) => consumersOf(claim, pods).length > 0).map((claim) => claim as PersistentVolumeClaim)
  if (used.some(({ status }) => status?.phase === 'Pending')) return []
  const mine = (evidence.classes ?? []).filter(({ metadata }) => used.some(({ spec }) => spec?.storageClassName === metadata.name))
  return mine.flatMap((one): Finding[] => {
    const look = observeIdleProvisioner(one as unknown as StorageClass, provisioners)
    return look !== undefined && ageMs(look.since, now) >= faults['provisioner-not-running'].settleMs ? [{ ...look.finding, severity: 'warning' }] : []
  })
}

/** Of claims that our pods use: nothing of a stranger's is deleted by a command of ours. */
function deleted(evidence: Evidence): Finding[] {
  const { volumes: all = [], claims: there, pods, at } = evidence
  const strangers = pods.filter((pod) => isStranger(pod, evidence))
  const mine = there.filter((claim) => consumersOf(claim, pods.filter((pod) => !strangers.includes(pod))).length > 0)
  const isLasting = ({ volume }: Deleted): boolean => ageMs(volume.metadata.deletionTimestamp, new Date(at)) >= faults['volume-terminating'].settleMs
  return deletedVolumes(keptOf(all, mine).filter(isLasting), pods, strangers)
}

/** What is left of a claim of ours and could not be cleaned up; whoever waits for it has an error of his own. */
function volumes(evidence: Evidence): Finding[] {
  const mine = (evidence.volumes ?? []).filter((volume) => {
    const { spec, status } = volume as PersistentVolume
    return status?.phase === 'Failed' && spec?.claimRef?.namespace === evidence.namespace
  })
  return mine.flatMap((volume): Finding[] => {
    const look = observeVolume(volume, viewOf(evidence))
    return look.state === 'failed' ? [{ ...look.finding, severity: 'warning' }] : []
  })
}

/**
 * Never a root: another claim of the kind would do no better. But whoever did not know that the chart
 * makes claims of its own is told how to do without them.
 */
function hidden(evidence: Evidence): Finding[] {
  const faulty = faultyClaims(evidence).map(({ claim }) => claim)
  const others = evidence.claims.some((claim) => !faulty.includes(claim))
  return faulty.flatMap((claim): Finding[] => {
    const [, volume, part] = /^(logs|redis-db)-(?:.+-)?(triggerer|worker|scheduler|redis)-\d+$/.exec(claim.metadata.name) ?? []
    if (volume === undefined || part === undefined || !others || !consumersOf(claim, evidence.pods).some((pod) => controllerOf(pod)?.kind === 'StatefulSet')) return []
    const key = part === 'worker' ? 'workers' : part
    return [doubtful('hidden-log-pvcs', {
      title: `The chart makes a claim of its own for the ${part}`,
      evidence: [`${nameOf(claim)} is Pending`],
      why: 'Worker, triggerer and redis are StatefulSets that each want a volume, unless the values say otherwise.',
      fix: [`Set ${key}.persistence.enabled: false in airflow.values, then: npx tsx run.ts apply --from helm`],
    })]
  })
}

const recentMs = 300_000
const patientMs = 60_000
/** What the mount itself has answered, and not only not yet. */
const answered = /mount failed: exit status|bad option|wrong fs type/
const answeredMs = 20_000
/** Told by observe/config-error.ts, or only late; "Unable to attach or mount" is the sum of the others. */
const toldElsewhere = /hostPath type check failed|\/sbin\/mount\.\S+ helper program|: path "[^"]+" does not exist|(?:secret|configmap)s? "[^"]+" not found|failed to sync|references non-existent|^Unable to attach or mount/

const isFailure = ({ reason = '' }: Event): boolean => /^Failed(Mount|AttachVolume|MapVolume)$/.test(reason)
/** The kubelet does these only once all is mounted. */
const comesAfter = ({ reason = '' }: Event): boolean => ['Pulling', 'Pulled', 'Created', 'Started', 'BackOff', 'FailedCreatePodSandBox'].includes(reason)

/**
 *   FailedAttachVolume: Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) airflow-webserver-1
 *   FailedMount: MountVolume.SetUp failed for volume "nfs" : mount failed: exit status 32 … bad option; … you might need a /sbin/mount.<type> helper program.
 */
function notMounted(evidence: Evidence): Finding[] {
  const now = new Date(evidence.at)
  const waiting = evidence.pods.filter((pod) => !isStranger(pod, evidence)).filter(({ metadata, status, spec }) =>
    (status as { phase?: string }).phase === 'Pending' && (spec as { nodeName?: string }).nodeName !== undefined && ageMs(metadata.creationTimestamp, now) >= answeredMs)
  return waiting.flatMap((pod): Finding[] => {
    const failures = failedMounts(pod as Pod, eventsAbout(pod, evidence.events))
    const event = failures.findLast(({ message = '' }) => !toldElsewhere.test(message))
    if (event === undefined || now.getTime() - timeOf(event) > recentMs) return []
    if (heldMs(pod as Pod, failures, now) < patientMs && !answered.test(event.message ?? '')) return []
    const volume = volumeOf(event) ?? 'of the pod'
    const elsewhere = (event.message ?? '').includes('Multi-Attach error')
    return [wrong('volume-mount-failed', {
      title: elsewhere ? `Volume ${volume} is still attached to another node` : `Volume ${volume} cannot be mounted`,
      evidence: [`${nameOf(pod)}: ${describeEvent(event)}`],
      why: elsewhere ? 'A ReadWriteOnce volume is on one node at a time: the pod that used it there has not ended, or its node is gone.' : 'The node tries again and again; the text is what its mount said.',
      fix: [`kubectl -n ${evidence.namespace} describe pod ${pod.metadata.name}`, elsewhere ? `kubectl -n ${evidence.namespace} get pods -o wide # end the pod that holds it; on a dead node: kubectl delete pod NAME --force` : `kubectl describe pv ${volume} # its server, path or driver must answer from the node`],
    })]
  })
}

/** Those that nothing has come of yet: what has been mounted since lets a container start, and what has been attached says so. */
function failedMounts({ status }: Pod, events: readonly Event[]): Event[] {
  const states = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(({ state, lastState }) => [state, lastState])
  if (states.some((state) => state?.running !== undefined)) return []
  const started = Math.max(0, ...states.map((state) => Date.parse(state?.terminated?.startedAt ?? '')).filter((time) => !Number.isNaN(time)))
  const since = events.slice(events.findLastIndex(comesAfter) + 1).filter((event) => timeOf(event) > started)
  const isAttached = (failure: Event, index: number): boolean => failure.reason === 'FailedAttachVolume' && since.slice(index).some((event) => event.reason === 'SuccessfulAttachVolume' && volumeOf(event) === volumeOf(failure))
  return since.filter((event, index) => isFailure(event) && !isAttached(event, index))
}

function volumeOf({ message = '' }: Event): string | undefined {
  return /volume "([^"]+)"/.exec(message)?.[1]
}

/** No longer than the pod has had a node, and than its mounts have failed: a driver comes after the node, and answers late. */
function heldMs({ metadata, status }: Pod, failures: readonly Event[], now: Date): number {
  const placed = status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime ?? metadata?.creationTimestamp
  const first = Math.max(...failures.map((failure) => pastMs(firstTimeOf(failure), now)))
  return Math.min(pastMs(placed, now), first)
}

/** What the cause speaks of is mounted by the Job's own pods or the database. */
function isMounted(symptom: Finding, evidence: Evidence, cause: Finding): boolean {
  const { pod, claim } = databaseOf(evidence) ?? {}
  const ofJob = evidence.pods.filter((one) => controllerOf(one)?.kind === 'Job' && symptom.title.includes(controllerOf(one)?.name ?? ''))
  const names = [...(pod === undefined ? [] : [pod]), ...(claim === undefined ? [] : [claim]), ...ofJob].flatMap((one) => [one.metadata.name, ...claimNamesOf(one)])
  return cause.evidence.some((line) => (line.match(/[\w.-]+/g) ?? []).some((word) => names.includes(word)))
}

/** What stands on the volumes, apart from what pods say of it as their own; a crash without the database is told by causes.ts. */
const above: readonly (FaultId | ExplainsIf)[] = ['hidden-log-pvcs', 'wait-for-migrations-crashloop', 'wait-hook-deadlock', 'post-install-hook-timeout', 'helm-release-failed', 'admin-login-missing', 'not-ready-unexplained', ...unexplainedEnds.filter(({ id }) => id === 'job-failed').map(({ id, when }): ExplainsIf => ({ id, when: (...all) => isMounted(...all) && when(...all) }))]

export const storageExplains: Explains = {
  'two-default-storageclasses': [...above, 'pvc-no-usable-storageclass'],
  'pvc-no-usable-storageclass': above,
  'pv-released-not-rebinding': above,
  'static-pv-mismatch': above,
  'provisioner-not-running': [...above, 'local-path-provisioning-failed'],
  'local-path-provisioning-failed': above,
  'claim-lost': above,
  'claim-missing': above,
  'claim-terminating': [...above, 'claim-missing'],
  'volume-reclaim-failed': above,
  'volume-node-affinity-conflict': above,
  'volume-mount-failed': above,
}
