import semver from 'semver'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { KubernetesObject } from '../access.ts'
import type { Finding } from '../step.ts'
import { error, warning } from './facts.ts'

export type TraefikGroup = 'traefik.containo.us' | 'traefik.io'

export interface Traefik {
  /** Groups whose IngressRoute the API server knows. */
  groups: TraefikGroup[]
  /** `namespace/name` of the workload that runs it. */
  workload?: string | undefined
  version?: string | undefined
  /** False where no pod of it is available: then the version may be one that never ran. */
  running?: boolean
  /** Certificate resolvers in its arguments; a file could name more. */
  resolvers: string[]
  /** Entry points in its arguments. */
  entryPoints?: string[]
  /** The only namespaces whose routes it reads; empty for all. */
  namespaces?: string[]
  /** The only routes that it reads are those with this class. */
  ingressClass?: string | undefined
  crossNamespace?: boolean
}

/** `traefik:v3.0`, `docker.io/library/traefik`, and `rancher/mirrored-library-traefik`, which K3s brings along. */
export const traefikImage = /(^|\/)(?:mirrored-library-)?traefik(:|@|$)/

export const traefikGroups: readonly TraefikGroup[] = ['traefik.io', 'traefik.containo.us']

export function findTraefik(crds: readonly KubernetesObject[], workloads: readonly KubernetesObject[]): Traefik {
  const groups = traefikGroups.filter((group) => crds.some(({ metadata }) => metadata.name === `ingressroutes.${group}`))
  for (const workload of workloads as unknown as Deployment[]) {
    const container = workload.spec?.template.spec?.containers.find(({ image }) => traefikImage.test(image ?? ''))
    if (container === undefined) continue
    const words = [...(container.command ?? []), ...(container.args ?? [])]
    return {
      groups,
      workload: `${workload.metadata?.namespace ?? ''}/${workload.metadata?.name ?? ''}`,
      version: semver.coerce(/:v?([0-9][^@]*)/.exec(container.image ?? '')?.[1])?.version,
      running: runs(workload as unknown as KubernetesObject),
      ...settingsOf(words),
    }
  }
  return { groups, ...settingsOf([]) }
}

export function runs(workload: KubernetesObject): boolean {
  const { availableReplicas, numberAvailable } = (workload.status ?? {}) as { availableReplicas?: number; numberAvailable?: number }
  return (availableReplicas ?? numberAvailable ?? 0) > 0
}

function settingsOf(words: readonly string[]): Omit<Traefik, 'groups' | 'workload' | 'version' | 'running'> {
  const all = (pattern: RegExp): string[] => [...new Set(words.flatMap((word) => pattern.exec(word)?.[1] ?? []))]
  return {
    resolvers: all(/^--certificatesresolvers\.([^.=]+)\./i),
    entryPoints: all(/^--entrypoints\.([^.=]+)\.address=/i),
    namespaces: all(/^--providers\.kubernetescrd\.namespaces=(.+)$/i).flatMap((list) => list.split(',')),
    ingressClass: all(/^--providers\.kubernetescrd\.ingressclass=(.+)$/i)[0],
    crossNamespace: words.some((word) => /^--providers\.kubernetescrd\.allowcrossnamespace(=true)?$/i.test(word)),
  }
}

/**
 * The group that this Traefik reads: before 2.10 only containo.us, from 3.0 only io, both between.
 * Without a version the newer one is taken where the API server has it.
 */
export function groupOf({ groups, version }: Traefik): TraefikGroup | undefined {
  if (version !== undefined && semver.lt(version, '2.10.0')) return groups.find((group) => group === 'traefik.containo.us')
  if (version !== undefined && semver.gte(version, '3.0.0')) return groups.find((group) => group === 'traefik.io')
  return groups[0]
}

/** Why there is no group to write for: step ingress cannot go on, where prereq only warns. */
export function missingTraefik(traefik: Traefik): Finding {
  return traefik.groups.length === 0 ? { ...noTraefik(), severity: 'error' } : wrongGroup(traefik)
}

export function judgeTraefik(traefik: Traefik, resolver: string): Finding[] {
  if (traefik.groups.length === 0) return [noTraefik()]
  if (traefik.workload === undefined) return [notRunning()]
  if (groupOf(traefik) === undefined) return traefik.running === false ? [] : [wrongGroup(traefik)]
  return traefik.resolvers.length === 0 || traefik.resolvers.includes(resolver) ? [] : [noResolver(traefik, resolver)]
}

function noTraefik(): Finding {
  return warning('traefik-missing', {
    title: 'The cluster has no Traefik: its kinds are not known here',
    evidence: ['no CustomResourceDefinition ingressroutes.traefik.io or ingressroutes.traefik.containo.us'],
    why: 'Step ingress writes a Middleware and an IngressRoute for it.',
    fix: ['Install Traefik with its custom resources, or leave the step out with --skip ingress.'],
  })
}

function notRunning(): Finding {
  return warning('traefik-not-running', {
    title: 'No workload on the cluster runs a traefik image',
    evidence: ['looked at all Deployments and DaemonSets'],
    why: 'Its custom resources are there, but nothing that reads them was found.',
    fix: ['Start Traefik; if it runs outside the cluster or under another image name, ignore this.'],
  })
}

function wrongGroup({ version = '', groups, workload = '' }: Traefik): Finding {
  return error('traefik-crd-group-mismatch', {
    title: `Traefik ${version} does not read ${groups.join(', ')}, the only group on this cluster`,
    evidence: [`${workload} runs ${version}`, `groups with IngressRoute: ${groups.join(', ')}`],
    why: 'Traefik before 2.10 reads traefik.containo.us only, from 3.0 on traefik.io only.',
    fix: ['Install the custom resources of the Traefik version that runs.'],
  })
}

function noResolver({ workload = '', resolvers }: Traefik, resolver: string): Finding {
  return warning('certresolver-missing', {
    title: `Traefik has no certificate resolver "${resolver}"`,
    evidence: [`${workload} has ${resolvers.join(', ')}`],
    why: 'A route that names an unknown resolver is served with TRAEFIK DEFAULT CERT.',
    fix: [`Write ingress.certResolver: ${resolvers[0] ?? ''}, or add --certificatesresolvers.${resolver}.… to Traefik.`],
  })
}
