import { makeChanges, objectChanges, refOf } from '../lib/changes.ts'
import { blockedBy, checked, isNonEmpty } from '../lib/check.ts'
import type { Config } from '../lib/config/schema.ts'
import type { IgnoreRule } from '../lib/diff/noise.ts'
import { AirstripError } from '../lib/errors.ts'
import { edited } from '../lib/manifest/load.ts'
import { provisionerSource } from '../lib/manifest/provisioner.ts'
import { takeDownProvisioner } from '../lib/manifest/provisioner-takedown.ts'
import { leavingOf } from '../lib/observe/leaving.ts'
import { lookAt } from '../lib/observe/look.ts'
import { bundledClass, defaultClasses, defaultMark, judgeClasses } from '../lib/preflight/classes.ts'
import type { KubernetesObject, ManifestSource, Reader } from '../lib/access.ts'
import type { Step } from '../lib/step.ts'

interface Spec {
  source: ManifestSource
  ignore: readonly IgnoreRule[]
}

const className = 'local-path'

/** The chart's database and Redis ask for volumes without naming a class: somebody must make them. */
export const provisioner: Step<Pick<Config, 'provisioner' | 'diff'>, Spec> = {
  name: 'provisioner',
  number: 2,
  title: 'a default StorageClass that makes volumes',
  about: 'local-path-provisioner at a pinned version and checksum, unless the cluster has a default class of its own',
  needs: [],
  timeoutMs: 300_000,

  spec: ({ provisioner: config, diff }) => ({ source: provisionerSource(config), ignore: diff.ignore }),

  async check(spec, reader) {
    const classes = await reader.list({ resources: ['storageclasses.storage.k8s.io'] })
    const { blocked } = blockedBy(judgeClasses(classes))
    if (blocked !== undefined) return blocked
    const own = ownClass(classes)
    if (own !== undefined) return { state: 'satisfied', evidence: [`StorageClass ${own} is the cluster's own default; it is left alone`] }
    const wanted = await wantedObjects(spec, reader)
    const live = await reader.get(wanted.map(refOf))
    // Nothing can be made in a namespace that goes.
    const leaving = leavingOf(live)
    if (isNonEmpty(leaving)) return { state: 'waiting', on: leaving }
    const changes = objectChanges(wanted, live, spec.ignore)
    return checked(changes, [`local-path-provisioner from ${spec.source.file ?? spec.source.url}`])
  },

  apply: makeChanges,

  async verify(spec, reader) {
    const own = ownClass(await reader.list({ resources: ['storageclasses.storage.k8s.io'] }))
    if (own !== undefined) return { state: 'done', evidence: [] }
    const wanted = await wantedObjects(spec, reader)
    const workloads = wanted.filter(({ kind }) => kind === 'Deployment')
    return lookAt(workloads.map(refOf), reader)
  },

  takedown: async (spec, reader, asked) => {
    const wanted = await wantedObjects(spec, reader).catch((error: unknown) => {
      if (error instanceof AirstripError && error.code === 'MANIFEST_UNAVAILABLE') return undefined
      throw error
    })
    if (wanted === undefined) return { state: 'ready', goes: [], leaving: [], stays: [{ object: 'local-path-provisioner', why: 'its manifest cannot be read now, so what belongs to it is not known' }] }
    return takeDownProvisioner(await reader.get(wanted.map(refOf)), reader, asked)
  },
}

/** A default that is not ours, or the local-path that K3s ships: both do what the chart needs. */
function ownClass(classes: readonly KubernetesObject[]): string | undefined {
  return defaultClasses(classes).find((one) => one.metadata.name !== className || bundledClass(one))?.metadata.name
}

async function wantedObjects({ source }: Spec, reader: Reader): Promise<KubernetesObject[]> {
  const objects = await reader.manifest(source)
  // local-path's own manifest does not make its class the default (v0.0.19 to v0.0.37).
  return objects.map((object) => (object.kind === 'StorageClass' ? edited(object, { metadata: { annotations: { [defaultMark]: 'true' } } }) : object))
}
