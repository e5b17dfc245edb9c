/** Which class is the default, and claims that never learn of one. */
import type { JsonPatch, KubernetesObject, NonEmpty } from '../../access.ts'
import { isNonEmpty } from '../../check.ts'
import { claimNamesOf } from '../../observe/claim.ts'
import { isDefault, isStatic, marks } from '../../observe/class.ts'
import type { Change } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import { type Mending, part, refTo, type Touch, touching } from './mend.ts'

/** The class that step provisioner makes, and the one that step storage makes. */
const ours = { provisioner: 'local-path', storage: 'airflow-storage' }

interface ClaimSpec { storageClassName: string; volumeName: string }

/** All marks but one are taken away. */
export function oneDefault(evidence: Evidence): Mending | undefined {
  const defaults = (evidence.classes ?? []).filter(isDefault)
  const kept = keptOf(defaults, evidence)
  if (kept === undefined || defaults.length < 2) return undefined
  return touching(defaults.filter((one) => one !== kept).map((one): Touch => ({ step: 'provisioner', ref: refTo(one), make: unmark(kept.metadata.name) })))
}

/** airstrip's own; else the one that is in use here; else the one that was there first. */
function keptOf(defaults: readonly KubernetesObject[], { claims }: Evidence): KubernetesObject | undefined {
  const used = claims.map((claim) => part<ClaimSpec>(claim, 'spec').storageClassName)
  const made = ({ metadata }: KubernetesObject): number => Date.parse(metadata.creationTimestamp ?? '') || 0
  return defaults.find(({ metadata }) => metadata.name === ours.provisioner)
    ?? defaults.find(({ metadata }) => used.includes(metadata.name))
    ?? [...defaults].sort((a, b) => made(a) - made(b))[0]
}

function unmark(kept: string): Touch['make'] {
  return (live) => {
    const patch = marks.filter((mark) => live.metadata.annotations?.[mark] === 'true').flatMap((mark): JsonPatch[] => {
      const path = pathOf(mark)
      return [{ op: 'test', path, value: 'true' }, { op: 'replace', path, value: 'false' }]
    })
    return isNonEmpty(patch) ? [{ op: 'patch', live, patch, why: `${kept} stays the default, and there can only be one` }] : []
  }
}

function pathOf(mark: string): string {
  return `/metadata/annotations/${mark.replaceAll('/', '~1')}`
}

/** A default where there is none; and the claims that were made before it, made again. */
export function usableClass(evidence: Evidence): Mending | undefined {
  const { classes } = evidence
  if (classes === undefined) return undefined
  const lacking = neverBound(evidence).map((claim) => part<ClaimSpec>(claim, 'spec').storageClassName)
  const named = Object.entries(ours).find(([, name]) => lacking.includes(name) && !classes.some(({ metadata }) => metadata.name === name))
  if (named !== undefined) return { steps: [named[0] as keyof typeof ours] }
  if (!lacking.includes(undefined)) return undefined
  if (classes.some(isDefault)) return touching(madeAgain(evidence))
  const makers = classes.filter((one) => !isStatic(one))
  const chosen = makers.find(({ metadata }) => metadata.name === ours.provisioner) ?? (makers.length === 1 ? makers[0] : undefined)
  if (chosen === undefined) return makers.length === 0 ? { steps: ['provisioner'] } : undefined
  return touching([{ step: 'provisioner', ref: refTo(chosen), make: mark }, ...(givesDefaultLater(evidence) ? [] : madeAgain(evidence))])
}

function mark(live: KubernetesObject): Change[] {
  if (isDefault(live)) return []
  const [name] = marks
  const there = live.metadata.annotations
  const patch: NonEmpty<JsonPatch> = there === undefined
    ? [{ op: 'add', path: '/metadata/annotations', value: { [name]: 'true' } }]
    : [{ op: 'add', path: pathOf(name), value: 'true' }]
  return [{ op: 'patch', live, patch, why: 'no class is the default, and claims of the release name none' }]
}

/** From 1.26 on a claim without a class gets the default also after it was made. */
function givesDefaultLater({ versions }: Evidence): boolean {
  const [, minor = '0'] = /^v?1\.(\d+)/.exec(versions?.server ?? '') ?? []
  return Number(minor) >= 26
}

function neverBound({ claims }: Evidence): KubernetesObject[] {
  return claims.filter(isNeverBound)
}

/** Nothing can be in it: it never had a volume. */
function isNeverBound(claim: KubernetesObject): boolean {
  const { volumeName = '' } = part<ClaimSpec>(claim, 'spec')
  return volumeName === '' && part<{ phase: string }>(claim, 'status').phase === 'Pending' && claim.metadata.deletionTimestamp === undefined
}

/**
 * Only claims of a StatefulSet's template, which its controller makes again with the pod. The claim
 * goes first: a pod that is made again while it is still there would take it.
 */
function madeAgain(evidence: Evidence): Touch[] {
  const claims = neverBound(evidence).filter((claim) => part<ClaimSpec>(claim, 'spec').storageClassName === undefined && isOfTemplate(claim, evidence))
  return claims.flatMap((claim): Touch[] => {
    const pods = evidence.pods.filter((pod) => pod.metadata.namespace === claim.metadata.namespace && claimNamesOf(pod).includes(claim.metadata.name))
    return [{ step: 'helm', ref: refTo(claim), make: withoutClass }, ...pods.map((pod): Touch => ({ step: 'helm', ref: refTo(pod), make: unplaced }))]
  })
}

function isOfTemplate({ metadata }: KubernetesObject, { workloads }: Evidence): boolean {
  return workloads.some((set) => set.kind === 'StatefulSet' && (part<{ volumeClaimTemplates: KubernetesObject[] }>(set, 'spec').volumeClaimTemplates ?? [])
    .some((template) => metadata.name.startsWith(`${template.metadata.name}-${set.metadata.name}-`)))
}

function withoutClass(live: KubernetesObject): Change[] {
  if (!isNeverBound(live) || part<ClaimSpec>(live, 'spec').storageClassName !== undefined) return []
  return [{ op: 'delete', freeing: true, live, why: 'it was made before there was a default class and never bound, so it holds nothing; its StatefulSet makes it again' }]
}

function unplaced(live: KubernetesObject): Change[] {
  if (part<{ nodeName: string }>(live, 'spec').nodeName !== undefined) return []
  return [{ op: 'delete', freeing: true, live, why: 'it was never placed; its StatefulSet makes it again, with its claim' }]
}
