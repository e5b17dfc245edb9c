/**
 * What a provisioner says no to for good. Everything else it may try again: a helper pod that
 * timed out was most often still pulling its image.
 *
 *   Warning ProvisioningFailed: failed to provision volume with StorageClass "local-path": Only support ReadWriteOnce access mode
 */
import type { Container, Event, PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent, firstTimeOf, latest, timeOf, timesOf } from './events.ts'
import { faults } from './faults.ts'
import { type Context, type Failed, type Observation, type Provisioner, failed, inNamespace, nameOf, triedAgain } from './observation.ts'

const refusals: { text: RegExp; why: string; fix: string }[] = [
  {
    // Up to v0.0.24, and from v0.0.25 on.
    text: /Only support ReadWriteOnce access mode|NodePath only supports ReadWriteOnce/,
    why: 'local-path makes folders on one node and refuses any mode but ReadWriteOnce.',
    fix: 'Use a hostPath volume made by hand, as the storage step does (npx tsx run.ts apply --only storage), and give the chart its claim (dags.persistence.existingClaim, logs.persistence.existingClaim)',
  },
  {
    text: /claim\.Spec\.Selector is not supported/,
    why: 'A claim with a selector wants a volume made by hand, but its class makes volumes.',
    fix: 'Give the claim the class of the volume it selects, or take the selector out, and make the claim again',
  },
  {
    text: /configuration error, no node was specified/,
    why: 'The class binds at once, and local-path can only choose a folder when a pod has been placed.',
    fix: 'Make the class again with volumeBindingMode: WaitForFirstConsumer (npx tsx run.ts apply --only provisioner)',
  },
  {
    text: /config doesn't contain node|no local path available on node/,
    why: 'local-path has no folder configured for the node of the pod.',
    fix: 'Add the node, or DEFAULT_PATH_FOR_NON_LISTED_NODES, to the ConfigMap local-path-config in local-path-storage',
  },
]

export function refusedByProvisioner(claim: KubernetesObject, event: Event): Failed | undefined {
  const refusal = refusals.find(({ text }) => text.test(event.message ?? ''))
  if (!refusal) return undefined
  return failed(claim, 'local-path-provisioning-failed', {
    title: 'The provisioner refuses what a claim asks for',
    evidence: [`${nameOf(claim)} is Pending`, describeEvent(event)],
    why: refusal.why,
    fix: [refusal.fix, `then: kubectl -n ${claim.metadata.namespace ?? 'default'} delete pvc ${claim.metadata.name}`],
  })
}

const minikube = 'k8s.io/minikube-hostpath'

/** Whose pods can be told by their image; of any other provisioner only its silence tells. */
const images: Record<string, RegExp | undefined> = {
  'rancher.io/local-path': /(^|\/)local-path-provisioner(:|@|$)/,
  [minikube]: /(^|\/)storage-provisioner(:|@|$)/,
}

/**
 * Whether whoever is to make the volume can. A claim comes here when it is the provisioner's turn: a pod
 * has its place, or the class binds at once.
 *
 *   Normal ExternalProvisioning: waiting for a volume to be created, either by external provisioner
 *     "rancher.io/local-path" or manually created by system administrator
 *   and since 1.27: Waiting for a volume to be created either by the external provisioner 'rancher.io/local-path' or …
 */
export function observeProvisioner(claim: KubernetesObject, { provisioner }: StorageClass, events: readonly Event[], context: Context): Failed | undefined {
  const pattern = images[provisioner]
  if (pattern === undefined || context.provisioners === undefined) return unanswered(claim, provisioner, events, context.now) ?? (pattern === undefined ? keepsFailing(claim, provisioner, events, context.now) : undefined)
  const mine = context.provisioners.filter(({ object }) => runs(object, pattern))
  if (mine.some(({ object, look }) => isRunning(object, look))) return helperFailed(claim, context.provisioners) ?? timedOut(claim, events)
  const broken = mine.find(({ object, look }) => isScaledToZero(object) || look.state === 'failed')
  if (mine.length > 0 && broken === undefined) return undefined
  // Under another name, and with an image of another: it is known by its work.
  if (mine.length === 0 && hasAnswered(events, context.now)) return timedOut(claim, events) ?? keepsFailing(claim, provisioner, events, context.now)
  return notRunning(claim, provisioner, broken)
}

/** While no claim waits: one that is installed and of which nothing runs. One that is not there is nobody's want yet. */
export function observeIdleProvisioner({ provisioner }: StorageClass, provisioners: readonly Provisioner[]): Failed | undefined {
  const pattern = images[provisioner]
  const mine = pattern === undefined ? [] : provisioners.filter(({ object }) => runs(object, pattern))
  const broken = mine.find(({ object, look }) => isScaledToZero(object) || look.state === 'failed')
  if (broken === undefined || mine.some(({ object, look }) => isRunning(object, look))) return undefined
  return notRunning(broken.object, provisioner, broken)
}

/** The image may have been broken; then the name still says it. */
function runs(object: KubernetesObject, pattern: RegExp): boolean {
  const { template, containers = [] } = (object.spec ?? {}) as { template?: PodTemplateSpec; containers?: Container[] }
  const names = [object.metadata.name, ...[...(template?.spec?.containers ?? []), ...containers].flatMap(({ image = '' }) => image)]
  return names.some((name) => pattern.test(name))
}

function isScaledToZero(object: KubernetesObject): boolean {
  return (object.spec as { replicas?: number } | undefined)?.replicas === 0
}

/** An update that is stuck leaves the pod before it at work. */
function isRunning(object: KubernetesObject, look: Observation): boolean {
  const { availableReplicas = 0 } = (object.status ?? {}) as { availableReplicas?: number }
  return object.kind === 'Deployment' ? availableReplicas > 0 : look.state === 'done'
}

/** A release whose claims waited may have failed of it by now; of one that is well the second finds nothing to do. */
const goOn = 'npx tsx run.ts apply'
const reinstall = 'npx tsx run.ts apply --only provisioner'
const again = `${reinstall} && ${goOn}`

/** `claim` is the provisioner itself where none waits. */
function notRunning(claim: KubernetesObject, provisioner: string, broken: Provisioner | undefined): Failed {
  const isIdle = claim === broken?.object
  const said = isIdle
    ? { title: `The provisioner ${provisioner} does not run`, why: 'It makes the volumes; none is asked for now, and the next claim would stay Pending.' }
    : { title: `The provisioner ${provisioner} does not run, and claims wait for it`, why: 'It makes the volumes; until it does, claims stay Pending and the pods that use them have no place.' }
  const pending = isIdle ? [] : [`${nameOf(claim)} is Pending`]
  const then = isIdle ? '' : ` && ${goOn}`
  const mend = `${provisioner === minikube ? 'minikube addons disable storage-provisioner && minikube addons enable storage-provisioner' : reinstall}${then}`
  if (broken === undefined) {
    return failed(claim, 'provisioner-not-running', { ...said, evidence: [...pending, `no ${provisioner === minikube ? 'pod' : 'Deployment'} in the cluster runs ${provisioner}`], fix: [mend] })
  }
  const { object, look } = broken
  if (isScaledToZero(object)) {
    const scale = `kubectl ${inNamespace(object)} scale ${object.kind.toLowerCase()} ${object.metadata.name} --replicas=1`
    return failed(claim, 'provisioner-not-running', { ...said, evidence: [...pending, `${nameOf(object)} is scaled to 0`], fix: [isIdle ? scale : `${scale}${then} # and goes on with what waited for it`] })
  }
  const inner = look.state === 'failed' ? look.finding : undefined
  const found = failed(claim, 'provisioner-not-running', {
    ...said,
    evidence: [...pending, `${nameOf(object)} has no ready pod: ${inner?.title ?? 'no reason given'}`, ...(inner?.evidence ?? [])],
    why: `${said.why} ${inner?.why ?? ''}`.trim(),
    fix: [`${mend} # puts back what it was installed as`, ...(inner?.fix ?? [])],
  }, look.state === 'failed' ? Math.max(look.settleMs, faults['provisioner-not-running'].settleMs) : undefined)
  return { ...found, since: later(found.since, look.state === 'failed' ? look.since : undefined) }
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && other !== undefined && Date.parse(other) > Date.parse(one) ? other : one
}

/** `helper-pod-create-pvc-UID`, which makes the folder on the node. */
function helperFailed(claim: KubernetesObject, provisioners: readonly Provisioner[]): Failed | undefined {
  const helper = provisioners.find(({ object }) => object.kind === 'Pod' && object.metadata.name.startsWith(`helper-pod-create-pvc-${claim.metadata.uid ?? '?'}`))
  if (helper?.look.state !== 'failed') return undefined
  const { finding, settleMs } = helper.look
  const found = failed(claim, 'local-path-provisioning-failed', {
    title: 'The pod that is to make a volume\'s folder on the node cannot do it',
    evidence: [`${nameOf(claim)} is Pending`, ...finding.evidence],
    why: `local-path sends a helper pod to the node for each volume. ${finding.title}. ${finding.why}`,
    fix: [
      `${again} # puts back its ConfigMap, which names the helper's image, its script and the folder`,
      `kubectl ${inNamespace(helper.object)} get configmap local-path-config -o yaml # helperPod.yaml: the image must be on the node or can be pulled there; config.json: the folder must be writable there`,
      `kubectl ${inNamespace(helper.object)} rollout restart deployment local-path-provisioner # it reads its configuration when it starts`,
    ],
  }, Math.max(settleMs, faults['local-path-provisioning-failed'].settleMs))
  return { ...found, since: later(found.since, helper.object.metadata.creationTimestamp) }
}

/**
 * The helper pod is deleted when its time is up. A first time is most often a slow pull of its image.
 *
 *   Warning ProvisioningFailed: failed to provision volume with StorageClass "local-path": failed to create
 *     volume pvc-…: create process timeout after 120 seconds
 */
function timedOut(claim: KubernetesObject, events: readonly Event[]): Failed | undefined {
  const tries = events.filter(({ reason, message = '' }) => reason === 'ProvisioningFailed' && /create process timeout after \d+ seconds/.test(message))
  const last = tries.at(-1)
  if (last === undefined || tries.reduce((sum, { count = 1 }) => sum + count, 0) < 2) return undefined
  return failed(claim, 'local-path-provisioning-failed', {
    title: 'The pod that is to make a volume\'s folder on the node does not end in time',
    evidence: [`${nameOf(claim)} is Pending`, describeEvent(last)],
    why: 'local-path sends a helper pod to the node for each volume: its image cannot be pulled there, or the folder cannot be made.',
    fix: ['kubectl -n local-path-storage get pods -w # shows the helper pod at its next try, and kubectl describe what keeps it', again],
  }, 150_000)
}

const tellingTries = 3
/** A driver that works on it, or that starts: context deadline exceeded · Aborted: an operation with the given volume already exists · no topology key found on CSINode */
const onItsWay = /DeadlineExceeded|deadline exceeded|Aborted|already exists|Unavailable|ResourceExhausted|timed? ?out|topology/i
/** Who tries it for others pauses for up to five minutes. */
const longestPauseMs = 300_000
const patientMs = 300_000

/**
 *   Warning ProvisioningFailed (5 times): failed to provision volume with StorageClass "longhorn": rpc error: code = Internal desc = …
 */
function keepsFailing(claim: KubernetesObject, provisioner: string, events: readonly Event[], now: Date): Failed | undefined {
  const tries = events.filter(({ reason }) => reason === 'ProvisioningFailed')
  const last = tries.at(-1)
  if (last === undefined || tries.reduce((sum, event) => sum + timesOf(event), 0) < tellingTries || onItsWay.test(last.message ?? '')) return undefined
  return triedAgain(failed(claim, 'local-path-provisioning-failed', {
    title: `The provisioner ${provisioner} does not manage to make a volume`,
    evidence: [`${nameOf(claim)} is Pending`, describeEvent(last)],
    why: 'It tries again and again, and its message says what it is refused or does not find.',
    fix: [
      `kubectl ${inNamespace(claim)} describe pvc ${claim.metadata.name} # once what its message names is mended at the provisioner, it makes the volume by itself`,
      `Or another class: kubectl get storageclass; then kubectl ${inNamespace(claim)} delete pvc ${claim.metadata.name} --wait=false # never bound, so it holds no data; delete the pods that use it too`,
    ],
  }, patientMs), new Date(timeOf(last)).toISOString(), now, longestPauseMs)
}

/** A provisioner takes a claim within seconds, and says so (Provisioning) before it begins. */
const silenceMs = 45_000
const answers = ['Provisioning', 'ProvisioningFailed', 'ProvisioningSucceeded']

function hasAnswered(events: readonly Event[], now: Date): boolean {
  const last = latest(events, ...answers)
  return last !== undefined && now.getTime() - timeOf(last) <= longestPauseMs
}

/** Whoever it is may run outside the cluster, and may only be starting; hence the long time in a wait. */
function unanswered(claim: KubernetesObject, provisioner: string, events: readonly Event[], now: Date): Failed | undefined {
  const asked = events.find(({ reason, message = '' }) => reason === 'ExternalProvisioning' && [`"${provisioner}"`, `'${provisioner}'`].some((name) => message.includes(name)))
  if (asked === undefined || events.some(({ reason = '' }) => answers.includes(reason))) return undefined
  const since = firstTimeOf(asked)
  if (since === undefined || now.getTime() - since < silenceMs) return undefined
  return failed(claim, 'provisioner-not-running', {
    title: `Nobody answers as provisioner ${provisioner}, and claims wait for it`,
    evidence: [`${nameOf(claim)} is Pending`, describeEvent(asked)],
    why: 'The class exists, but whoever is to make its volumes is not installed, does not run, or has another name.',
    fix: [
      `Install or start what provides ${provisioner}; or use another class: kubectl get storageclass`,
      `then, for another class: kubectl ${inNamespace(claim)} delete pvc ${claim.metadata.name} --wait=false # never bound, so it holds no data; delete the pods that use it too`,
    ],
  }, 180_000)
}
