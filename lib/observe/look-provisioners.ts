/** Who makes volumes, looked at for the claims that wait for them. */
import type { PersistentVolumeClaim } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject, Reader } from '../access.ts'
import type { Context, Provisioner } from './observation.ts'
import { observe } from './registry.ts'

/** By its name or an image, which whoever broke one of the two left alone. */
export function isProvisioner(object: KubernetesObject): boolean {
  const { template, containers } = (object.spec ?? {}) as { template?: { spec?: { containers?: { image?: string }[] } }; containers?: { image?: string }[] }
  const images = [...(template?.spec?.containers ?? []), ...(containers ?? [])].map(({ image = '' }) => image)
  return object.kind !== 'Event' && [object.metadata.name, ...images].some((name) => /provisioner|^helper-pod-create-pvc-/.test(name))
}

/** `near` is what lies in the namespaces that they run in. */
export function provisionersIn(near: readonly KubernetesObject[], { nodes, now }: Pick<Context, 'nodes' | 'now'>): Provisioner[] {
  const pods = near.filter(({ kind }) => kind === 'Pod')
  const context: Context = { pods, events: near.filter(({ kind }) => kind === 'Event'), claims: [], nodes, now }
  return near.filter((object) => isLookedAt(object) && isProvisioner(object)).map((object) => ({ object, look: observe(object, context) }))
}

/** The pods of a Deployment are looked at through it. */
function isLookedAt({ kind, metadata }: KubernetesObject): boolean {
  return kind === 'Deployment' || (kind === 'Pod' && metadata.ownerReferences === undefined)
}

/** Where Minikube's is, a bare pod that no Deployment leads to. */
const system = 'kube-system'

/** Asked for only while a claim waits: on most looks there is none. Where it may not be read nothing is concluded. */
export async function lookForProvisioners(claims: readonly KubernetesObject[], { nodes, now }: Pick<Context, 'nodes' | 'now'>, reader: Pick<Reader, 'list'>): Promise<Provisioner[] | undefined> {
  if (!claims.some((claim) => (claim as PersistentVolumeClaim).status?.phase === 'Pending')) return []
  try {
    const deployments = (await reader.list({ resources: ['deployments.apps'] })).filter(isProvisioner)
    const namespaces = [...new Set([...deployments.flatMap(({ metadata }) => metadata.namespace ?? []), system])]
    const inside = await Promise.all(namespaces.map((namespace) => reader.list({ resources: ['pods', 'events'], namespace })))
    return provisionersIn([...deployments, ...inside.flat()], { nodes, now })
  } catch {
    return undefined
  }
}
