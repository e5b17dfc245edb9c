/**
 * Whether a pod runs, or will.
 *
 * Its claims come first, since a claim explains everything above it; then the place, the containers
 * (init containers first), the sandbox, the mounts, the probes. A failing readiness probe is never a failure: a
 * slow start looks the same.
 *
 *   status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable,
 *     message: "0/1 nodes are available: 1 pod has unbound immediate PersistentVolumeClaims."}]}
 */
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf, observeClaim } from './claim.ts'
import { observeMounts } from './config-error.ts'
import { describeContainers, observeContainers } from './container.ts'
import { describeEnd } from './crash.ts'
import { describeEvent, eventsAbout } from './events.ts'
import { type Context, type Observation, done, failed, nameOf, waiting } from './observation.ts'
import { controllerOf } from './owners.ts'
import { observeProbes } from './probe.ts'
import { observeSandbox } from './sandbox.ts'
import { observeScheduling } from './scheduling.ts'

export function observePod(object: KubernetesObject, context: Context): Observation {
  const pod = object as Pod
  const phase = pod.status?.phase
  if (object.metadata.deletionTimestamp !== undefined) return waiting('is being deleted')
  if (phase === 'Succeeded') return done(`${nameOf(object)} has completed`)
  if (phase === 'Failed') return ended(object)
  if (condition(pod, 'Ready')?.status === 'True') return done(`${nameOf(object)} is ready`)
  const events = eventsAbout(object, context.events)
  return trouble(object, events, context) ?? waiting(describeContainers(pod, events) ?? describePhase(pod, events))
}

function condition(pod: Pod, type: string) {
  return pod.status?.conditions?.find((one) => one.type === type)
}

function trouble(object: KubernetesObject, events: readonly Event[], context: Context): Observation | undefined {
  const pod = object as Pod
  const started = pod.status?.containerStatuses?.some(({ state, restartCount }) => state?.running !== undefined || restartCount > 0)
  const claim = started ? undefined : unboundClaim(object, context)
  if (claim?.state === 'failed') return claim
  if (condition(pod, 'PodScheduled')?.status !== 'True') return observeScheduling(object, claim, events, context)
  const containers = observeContainers(object, events, context)
  if (containers) return containers
  return creating(pod) ? observeSandbox(object, events) ?? observeMounts(object, events, context) : observeProbes(object, events, context)
}

function creating(pod: Pod): boolean {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  return statuses.every(({ state, restartCount }) => state?.waiting !== undefined && restartCount === 0)
}

/** The first failed one, else the first that is not bound. A claim that is not known is not judged. */
function unboundClaim(pod: KubernetesObject, context: Context): Observation | undefined {
  const names = claimNamesOf(pod)
  const claims = context.claims.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace && names.includes(metadata.name))
  const looks = claims.map((claim) => ({ claim, look: observeClaim(claim, context) }))
  const bad = looks.find(({ look }) => look.state === 'failed') ?? looks.find(({ look }) => look.state === 'waiting')
  return bad?.look.state === 'waiting' ? waiting(`${nameOf(bad.claim)} ${bad.look.reason}`) : bad?.look
}

/** A pod that has ended badly is made again by whoever owns it; only a bare one stays as it is. */
function ended(object: KubernetesObject): Observation {
  const { reason, message, containerStatuses = [] } = (object as Pod).status ?? {}
  const end = containerStatuses.map(({ name, state }) => state?.terminated && `${name}: ${describeEnd(state.terminated)}`).find(Boolean)
  const what = [reason, message, end].filter(Boolean).join(': ') || 'no reason given'
  if (controllerOf(object)) return waiting(`has failed (${what}); its owner makes another`)
  return failed(object, 'pod-failed', {
    title: `${nameOf(object)} has failed`,
    evidence: [`${nameOf(object)}: ${what}`],
    why: 'Nothing owns this pod, so nothing makes it again.',
    fix: [`kubectl -n ${object.metadata.namespace ?? 'default'} logs ${object.metadata.name} # says why`],
  })
}

function describePhase(pod: Pod, events: readonly Event[]): string {
  const scheduled = condition(pod, 'PodScheduled')
  if (scheduled?.status === 'False') return `is not placed: ${scheduled.message ?? scheduled.reason ?? 'no reason given'}`
  if (!scheduled) return 'has not been looked at by the scheduler yet'
  const last = events.at(-1)
  const text = last ? describeEvent(last) : (pod.status?.message ?? 'its containers are about to be made')
  return `${pod.status?.phase ?? 'Pending'}: ${text}`
}
