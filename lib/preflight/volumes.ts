import { nameOf } from '../changes.ts'
import type { IgnoreRule } from '../diff/noise.ts'
import { drift } from '../diff/rules.ts'
import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { error } from './facts.ts'

/** What Kubernetes never changes in place, by kind; asking anyway would fail half way. */
const immutable: Record<string, RegExp> = {
  PersistentVolume: /^spec\.hostPath/,
  // A claim that was bound to a volume made by hand cannot grow: there is nobody to resize it.
  PersistentVolumeClaim: /^spec\.(storageClassName|accessModes|selector|volumeName|resources)/,
  StorageClass: /^(provisioner|parameters|volumeBindingMode|reclaimPolicy)/,
}

/** Fields that differ and cannot be changed: the object must be made anew, by a person. */
export function judgeImmutable(wanted: readonly KubernetesObject[], live: readonly (KubernetesObject | undefined)[], ignore: readonly IgnoreRule[] = []): Finding[] {
  return wanted.flatMap((want, index) => {
    const there = live[index]
    const pattern = immutable[want.kind]
    if (there === undefined || pattern === undefined) return []
    const fields = drift(want, there, ignore).filter(({ path, want: wanted }) => wanted !== undefined && pattern.test(path))
    return fields.length === 0 ? [] : [fixed(want, fields.map((field) => `${field.path}: is ${JSON.stringify(field.live)}, wanted ${JSON.stringify(field.want)}`))]
  })
}

function fixed(want: KubernetesObject, evidence: string[]): Finding {
  const namespace = want.metadata.namespace === undefined ? '' : ` -n ${want.metadata.namespace}`
  return error('immutable-field', {
    title: `${nameOf(want)} is there with other settings, which Kubernetes does not let anyone change`,
    evidence,
    why: 'It must be deleted and made anew, and that is for its owner to decide; a static volume with reclaim policy Retain leaves its folder as it is.',
    fix: [`Write the settings it has into the configuration, or: kubectl delete ${want.kind.toLowerCase()} ${want.metadata.name}${namespace}, and run again.`],
  })
}
