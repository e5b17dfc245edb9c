/** Storage classes: which is the default, and a claim that none of them can serve. */
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import type { KubernetesObject } from '../access.ts'
import { describeEvent, eventsAbout, latest } from './events.ts'
import { type Context, type Observation, failed, fixOf, nameOf, waiting } from './observation.ts'

// The beta key is what kubectl before 1.6 wrote, and the API server still reads both.
export const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'] as const

export function isDefault(storageClass: KubernetesObject): boolean {
  return marks.some((mark) => storageClass.metadata.annotations?.[mark] === 'true')
}

/** Volumes of such a class are made by hand. */
export function isStatic(storageClass: StorageClass | KubernetesObject | undefined): boolean {
  return storageClass?.provisioner === 'kubernetes.io/no-provisioner'
}

/** For a claim whose class is not there, or that names none. */
export function noUsableClass(claim: KubernetesObject, context: Context): Observation {
  const event = latest(eventsAbout(claim, context.events), 'FailedBinding', 'ProvisioningFailed')
  const evidence = [`${nameOf(claim)} is Pending`, ...(event ? [describeEvent(event)] : [])]
  const name = (claim as PersistentVolumeClaim).spec?.storageClassName
  if (name !== undefined) return missingClass(claim, name, evidence, context)
  // Without a list of classes only the controller's own word counts.
  const unset = (event?.message ?? '').includes('no storage class is set')
  if (context.classes === undefined && !unset) return waiting('is Pending, and the storage classes could not be read')
  const chosen = context.classes?.find(isDefault)
  return chosen ? olderThanDefault(claim, chosen, evidence, context) : noDefault(claim, evidence, context)
}

function noDefault(claim: KubernetesObject, evidence: string[], context: Context): Observation {
  return failed(claim, 'pvc-no-usable-storageclass', {
    title: 'A claim names no StorageClass and the cluster has no default one',
    evidence: [...evidence, 'no StorageClass is marked as the default'],
    why: 'Nothing makes a volume for it: a bare cluster has no provisioner. Before Kubernetes 1.26 a claim made without a class stays Pending even when a default comes later.',
    fix: [`npx tsx run.ts apply --only provisioner && ${recreated(claim, context)} && npx tsx run.ts apply # a default class first, then the claim again, which never was bound and holds no data`],
  })
}

/** From 1.26 on the controller gives such a claim the default within its resync, hence the longer time. */
function olderThanDefault(claim: KubernetesObject, chosen: KubernetesObject, evidence: string[], context: Context): Observation {
  return failed(claim, 'pvc-no-usable-storageclass', {
    title: 'A claim is older than the default StorageClass and has no class',
    evidence: [...evidence, `${nameOf(chosen)} is the default, but the claim was made before it was`],
    why: 'Before Kubernetes 1.26 the default is filled in only when a claim is made; this one never gets it.',
    fix: [`${recreated(claim, context)} && npx tsx run.ts apply # never bound, so it holds no data`],
  }, 60_000)
}

function missingClass(claim: KubernetesObject, name: string, evidence: string[], context: Context): Observation {
  const seen = evidence.some((line) => /storageclass\.storage\.k8s\.io "[^"]+" not found/.test(line))
  if (context.classes === undefined && !seen) return waiting(`waits for a volume of class ${name}`)
  const there = (context.classes ?? []).map((one) => one.metadata.name).join(', ')
  return failed(claim, 'pvc-no-usable-storageclass', {
    title: `StorageClass "${name}" does not exist`,
    evidence: [...evidence, `the classes that exist: ${there || 'none'}`],
    why: 'Nothing makes a volume for a class that is not there, and no volume made by hand fits the claim.',
    fix: fixOf(
      alike(name, context),
      `${recreated(claim, context)} && npx tsx run.ts apply --from helm # never bound, so it holds no data; once the values name another class: ${there || 'none is there yet'}`,
    ),
  })
}

/** A class of that name that makes volumes as the default does, or the only one. One with parameters has them for a reason. */
function alike(name: string, { classes = [] }: Context): string[] {
  const makers = (classes as readonly unknown[] as StorageClass[]).filter((one) => !isStatic(one))
  const model = makers.find((one) => isDefault(one as unknown as KubernetesObject)) ?? (makers.length === 1 ? makers[0] : undefined)
  if (model === undefined || Object.keys(model.parameters ?? {}).length > 0) return []
  const made = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: model.provisioner, volumeBindingMode: model.volumeBindingMode ?? 'Immediate', reclaimPolicy: model.reclaimPolicy ?? 'Delete' }
  return [`echo '${JSON.stringify(made)}' | kubectl create -f - # makes it, like ${model.metadata?.name ?? ''}; the claim then binds by itself`]
}

/** The claim goes first: a pod that is made again while it is still there would take it. */
function recreated(claim: KubernetesObject, { pods }: Context): string {
  const { namespace = 'default', name } = claim.metadata
  const users = pods.filter((pod) => pod.metadata.namespace === namespace && namesClaim(pod, name)).map(({ metadata }) => metadata.name)
  return [`kubectl -n ${namespace} delete pvc ${name} --wait=false`, ...(users.length === 0 ? [] : [`kubectl -n ${namespace} delete pod ${users.join(' ')} --wait=false`])].join(' && ')
}

function namesClaim({ spec }: KubernetesObject, name: string): boolean {
  return ((spec as Pod['spec'])?.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name)
}
