/**
 * The whole release: its workloads, claims and hooks, and what Helm's record says.
 *
 * While Helm works the record is `pending-…`, which is neither good nor bad. A record that says
 * `failed` is only the umbrella over what failed, and is given as a cause when nothing else is.
 */
import type { KubernetesObject, NonEmpty, Release, ReleaseHook } from '../access.ts'
import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Finding, Look, Pending } from '../step.ts'
import { type Part, causesOf, isDatabaseSet, isFoundation, merged } from './causes.ts'
import { consumersOf, waitsForConsumer } from './claim.ts'
import { faults } from './faults.ts'
import { type Context, type Failed, type Observation, failed, inNamespace, nameOf, newestTry, readySince, waiting } from './observation.ts'
import { podsOf } from './owners.ts'
import { observe } from './registry.ts'

export interface ReleaseView extends Context {
  /** The newest record. */
  release: Release | undefined
  /** The live objects of its manifest; at least the workloads and claims. */
  objects: readonly KubernetesObject[]
  /** The live objects of its hooks. */
  hooks: readonly KubernetesObject[]
  /**
   * ISO time since when a Helm of ours runs. Until it has written its own record everything that is seen is
   * of the try before, and must not end this one.
   */
  workingSince?: string | undefined
}

const nameOfRelease = ({ namespace, name }: Release): string => `Helm release ${namespace}/${name}`

/** The record, and all that belongs to it, is still that of before. */
export function notBegun(release: Release): Look {
  return { state: 'waiting', on: [{ object: nameOfRelease(release), reason: `Helm has not begun yet; the record is ${release.status}` }] }
}

export function observeRelease(view: ReleaseView): Look {
  const { release } = view
  if (release === undefined) return { state: 'waiting', on: [{ object: 'Helm release', reason: 'has no record yet' }] }
  const name = nameOfRelease(release)
  // Helm and the Lease take their times from one clock, and Helm keeps the time when it began.
  const begun = view.workingSince === undefined || release.status.startsWith('pending-') || Date.parse(release.updatedAt) >= Date.parse(view.workingSince)
  if (!begun) return notBegun(release)
  const parts = partsOf(view, release)
  const { roots, pending: unready } = causesOf(parts)
  const on = ['deployed', 'failed'].includes(release.status) ? unready : [...unready, { object: name, reason: `is ${release.status}` }]
  if (roots.length > 0) return ended(roots, on)
  if (release.status === 'failed') return { state: 'failed', findings: [umbrella(release)], settleMs: faults['helm-release-failed'].settleMs, on }
  const [first, ...rest] = on
  if (first) return { state: 'waiting', on: [first, ...rest] }
  return { state: 'done', evidence: [`${name}: deployed, revision ${release.revision}`, ...evidenceOf(parts)] }
}

/**
 * The longest settle time among the causes holds, but a slow verdict (full nodes may empty) is left
 * to the pending where a quick one is there.
 */
function ended(roots: Failed[], on: Pending[]): Look {
  const quick = roots.filter(({ settleMs }) => settleMs <= 60_000)
  // What has the same cause is told with it, or of two images that are tried in turns each would begin the wait anew.
  // So would one that is told and only waits for its next answer.
  const told = quick.length > 0 ? roots.filter(({ settleMs, finding: { id } }) => settleMs === Infinity || quick.some(({ finding }) => finding.id === id)) : roots
  const findings = merged(told) as NonEmpty<Finding>
  return { state: 'failed', findings, settleMs: Math.max(...(quick.length > 0 ? quick : told).map(({ settleMs }) => settleMs)), triedAt: newestTry(told), on }
}

function evidenceOf(parts: Part[]): string[] {
  return parts.flatMap(({ observation }) => (observation.state === 'done' ? [observation.evidence] : []))
}

/** Each watched object of the manifest and each hook that has its turn, looked at. */
export function partsOf(view: ReleaseView, release: Release): Part[] {
  const parts = partsAlone(view, release)
  const since = firmSince(parts, release, view.pods)
  return parts.map((part) => (crashedBefore(part, since, view.now) ? { ...part, observation: waiting('crashed before what it stands on was there, and has not been started since') } : part))
}

function crashedBefore({ observation, foundation }: Part, since: number, now: Date): boolean {
  return !foundation && observation.state === 'failed' && observation.finding.id === 'crash-loop' && triedBefore(observation, since, now)
}

/** A crash loop pauses for up to five minutes. */
const nextStartMs = 330_000

/** Whatever it died of may have been what was not there yet; by its next start at the latest that shows, whatever the clocks say. */
export function triedBefore({ triedAt }: Failed, since: number, now: Date): boolean {
  return triedAt !== undefined && Date.parse(triedAt) < since && now.getTime() - since < nextStartMs
}

/** Ms since 1970 when the last of what the rest stands on was there: the database, the broker, what Jobs have done. */
export function firmSince(parts: readonly Part[], { hooks }: Release, pods: readonly KubernetesObject[]): number {
  const ofHooks = hooks.map(({ phase, events, endedAt }) => (phase === 'Succeeded' && events.some((event) => /-(install|upgrade|rollback)$/.test(event)) ? endedAt : undefined))
  const ofParts = parts.flatMap(({ object, foundation }) => {
    if (object?.kind === 'Job') return [(object as Job).status?.completionTime]
    return object !== undefined && foundation ? podsOf(object, pods).map(readySince) : []
  })
  return Math.max(0, ...[...ofHooks, ...ofParts].flatMap((time) => (time === undefined ? [] : [Date.parse(time)])))
}

function partsAlone(view: ReleaseView, release: Release): Part[] {
  const parts = release.objects.flatMap((manifest): Part[] => {
    if (manifest.kind === 'CustomResourceDefinition') return definitionPart(manifest, view)
    if (!kinds.has(manifest.kind)) return []
    // Helm leaves the release's own namespace out of its manifest.
    const want = { ...manifest, metadata: { namespace: release.namespace, ...manifest.metadata } }
    const live = find(view.objects, want.kind, want.metadata)
    if (live === undefined && release.status === 'deployed' && leavesByItself(want)) return []
    const observation = (isDatabaseSet(want) ? scaledAway(want, live) : undefined) ?? look(live, view)
    return [{ name: nameOf(want), object: live, observation, foundation: isFoundation(want) }]
  })
  return [...parts, ...hookParts(view, release)]
}

/** A Job with a time to live is gone when it has done its work: that it is not there is as it should be. */
export function leavesByItself({ kind, spec }: KubernetesObject): boolean {
  return kind === 'Job' && (spec as { ttlSecondsAfterFinished?: number } | undefined)?.ttlSecondsAfterFinished !== undefined
}

/** Nobody scales a database by itself; of a program an autoscaler may want none. */
function scaledAway(want: KubernetesObject, live: KubernetesObject | undefined): Observation | undefined {
  const wanted = replicasOf(want)
  if (live === undefined || wanted === 0 || replicasOf(live) > 0) return undefined
  return scaledToNone(live, wanted)
}

export function scaledToNone(live: KubernetesObject, wanted: number): Failed {
  const { kind, metadata: { name } } = live
  return failed(live, 'scaled-to-zero', {
    title: `${nameOf(live)} is scaled to no pod`,
    evidence: [`${nameOf(live)}: spec.replicas is 0, the release has ${wanted}`],
    why: 'Somebody scaled it by hand, and nothing scales it back: an autoscaler that has one pod as its least is off at none.',
    fix: [`kubectl ${inNamespace(live)} scale ${kind.toLowerCase()} ${name} --replicas=${wanted}`, 'npx tsx run.ts apply # puts back all that was changed by hand'],
  })
}

function replicasOf({ spec }: KubernetesObject): number {
  return (spec as { replicas?: number } | undefined)?.replicas ?? 1
}

/** Helm does not wait for its names. */
function definitionPart(manifest: KubernetesObject, view: ReleaseView): Part[] {
  const live = find(view.objects, manifest.kind, { name: manifest.metadata.name })
  // Evidence of before had no conditions.
  return live?.status === undefined ? [] : [{ name: nameOf(live), object: live, observation: look(live, view), foundation: false }]
}

// What a caller need not hand in, a namespace or a definition, must not be called missing.
const kinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Pod', 'PersistentVolumeClaim'])

function find(objects: readonly KubernetesObject[], kind: string, { name, namespace }: { name: string; namespace?: string | undefined }): KubernetesObject | undefined {
  return objects.find((object) => object.kind === kind && object.metadata.name === name && object.metadata.namespace === namespace)
}

function look(live: KubernetesObject | undefined, view: ReleaseView): Observation {
  if (!live) return waiting('does not exist')
  // Nobody waits for a claim that no pod uses, and if one does, the pod tells.
  const idle = live.kind === 'PersistentVolumeClaim' && waitsForConsumer(live, view)
  const observation = observe(live, view)
  if (!idle || observation.state !== 'waiting' || consumersOf(live, view.pods).length > 0) return observation
  return { state: 'done', evidence: `${nameOf(live)} ${observation.reason}` }
}

const turns: Record<string, string[]> = {
  'pending-install': ['pre-install', 'post-install'],
  'pending-upgrade': ['pre-upgrade', 'post-upgrade'],
  'pending-rollback': ['pre-rollback', 'post-rollback'],
}

/**
 * With status `deployed` every hook has done its work. Before that only those that Helm has begun
 * count: a Job that failed last time stays until Helm makes it again, and only the record's phase,
 * written just after the old one is deleted, tells the two apart whatever the clocks say.
 */
function hookParts(view: ReleaseView, { status, hooks, namespace }: Release): Part[] {
  if (status === 'deployed') return []
  const events = turns[status]
  return hooks
    .filter((hook) => kinds.has(hook.ref.kind) && (!events || hook.events.some((event) => events.includes(event))))
    .flatMap((hook) => hookPart(hook, view, namespace) ?? [])
}

function hookPart(hook: ReleaseHook, view: ReleaseView, releaseNamespace: string): Part | undefined {
  const { kind, name, namespace = releaseNamespace } = hook.ref
  const running = hook.phase === 'Running'
  if (!running && hook.phase !== 'Failed' && !cutOff(hook, view)) return undefined
  const live = find(view.hooks, kind, { name, namespace })
  if (!live && !running) return undefined
  const observation = live ? observe(live, view) : waiting('is about to be made')
  return { name: `${kind} ${namespace}/${name}`, object: live, observation, foundation: true }
}

/** Helm writes Unknown for the hook that it was waiting for when it was ended. */
function cutOff({ phase }: ReleaseHook, { release }: ReleaseView): boolean {
  return phase === 'Unknown' && release?.status === 'failed'
}

/** What Helm itself said, for when nothing else is found. */
export function umbrella(release: Release): Finding {
  const hook = /(pre|post)-(install|upgrade|rollback).*(timed out waiting for the condition|context deadline exceeded)/s.test(release.description)
  return {
    id: hook ? 'post-install-hook-timeout' : 'helm-release-failed',
    severity: 'error',
    title: hook ? 'Helm gave up waiting for a hook' : 'Helm could not finish the release',
    evidence: [`Helm release ${release.namespace}/${release.name}, revision ${release.revision}: ${release.status}: ${release.description}`],
    why: hook ? 'The hook\'s Job did not finish in time; nothing that is seen now says why.' : 'The record keeps only what Helm said.',
    fix: ['npx tsx run.ts apply --from helm # mends the release in place; nothing is uninstalled', 'npx tsx run.ts apply --from helm --timeout 60m # where it is only slow'],
  }
}
