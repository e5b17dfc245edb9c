/** What the release stands on outside its namespace: the control plane, DNS, the provisioner and Traefik. */
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject, Reader } from '../../access.ts'
import { type Scope, type Found, type Kind, listKind, listKinds, merged } from './collector.ts'
import { traefikImage } from '../../preflight/traefik.ts'
import { keepers } from './keep.ts'

/** Always looked at; those of Traefik and of provisioners are found by what runs in them. */
const known = ['kube-system']

const runs = /(^|\/)(local-path-provisioner|[\w-]*provisioner|(?:mirrored-coredns-)?coredns)(:|@|$)/
const isNeeded = (text: string): boolean => runs.test(text) || traefikImage.test(text)

export async function collectSystem(reader: Reader, scope: Scope): Promise<Found> {
  const keep = keepers(scope)
  const [workloads, leases, corefile] = await Promise.all([
    listKinds(reader, ['deployments.apps', 'daemonsets.apps'].map((resource): Kind => ({ resource, part: 'system', keep: keep.workload })), {}),
    leasesOf(reader, ['kube-system', 'kube-node-lease']),
    corefileOf(reader),
  ])
  const ours = (workloads.system ?? []).filter(({ metadata }) => metadata.namespace !== scope.namespace)
  const namespaces = [...new Set([...known, ...ours.filter(isFoundation).map(({ metadata }) => metadata.namespace ?? 'default')])]
  const near = ours.filter(({ metadata }) => namespaces.includes(metadata.namespace ?? ''))
  const inside = await Promise.all(namespaces.map((namespace) => listKinds(reader, [
    { resource: 'pods', part: 'system', keep: keep.pod },
    { resource: 'services', part: 'system', keep: keep.plain },
    { resource: 'endpoints', part: 'system', keep: keep.plain },
    { resource: 'events', part: 'system', keep: keep.event },
  ], { namespace })))
  return [leases, corefile, ...inside].reduce((sum, one) => merged<Found>(sum, one), { ...workloads, system: near })
}

/** By its images, or its name where somebody broke the image. */
function isFoundation(object: KubernetesObject): boolean {
  if (isNeeded(object.metadata.name)) return true
  return ((object as unknown as Deployment).spec?.template.spec?.containers ?? []).some(({ image }) => isNeeded(image ?? ''))
}

/** Which plugins CoreDNS was told of: of each line the first word. What follows may be anybody's hosts. */
async function corefileOf(reader: Reader): Promise<Found> {
  const [map] = await reader.get([{ apiVersion: 'v1', kind: 'ConfigMap', name: 'coredns', namespace: 'kube-system' }]).catch(() => [])
  const text = (map?.data as { Corefile?: string } | undefined)?.Corefile
  if (map === undefined || text === undefined) return {}
  const words = text.split('\n').flatMap((line) => /^\s*([a-z_]+)\b/.exec(line)?.[1] ?? [])
  return { system: [{ apiVersion: map.apiVersion, kind: map.kind, metadata: { name: map.metadata.name, namespace: 'kube-system' }, data: { Corefile: [...new Set(words)].join('\n') } }] }
}

async function leasesOf(reader: Reader, namespaces: readonly string[]): Promise<Found> {
  const plain = keepers({}).plain
  const lists = await Promise.all(namespaces.map((namespace) => listKind(reader, { resource: 'leases.coordination.k8s.io', part: 'leases', keep: plain }, { namespace })))
  return lists.reduce((sum, one) => merged<Found>(sum, one), {})
}

