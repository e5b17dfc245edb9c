import semver from 'semver'

/** What goes with what, as data with its source. */

/** The pair that the reference setup was built and proven on. */
export const verifiedPair = { os: 'ubuntu 20.04', kubernetes: '1.22.8' }

export interface MinorRange {
  from: number
  to: number
}

/**
 * Kubernetes minors that a Helm minor supports: the one it was built against and the three before.
 * Source: helm.sh/docs/topics/version_skew (3.9: 1.24–1.21 … 3.19: 1.34–1.31).
 */
export function helmSupports(helm: string): MinorRange | undefined {
  const version = semver.parse(helm)
  if (version === null || version.major < 3 || version.major > 4) return undefined
  // Helm 4.0 was built against the Kubernetes client of 1.34, one after 3.18's 1.33.
  const newest = version.major === 4 ? 34 + version.minor : version.minor + 15
  return { from: newest - 3, to: newest }
}

/** The Helm 3 minors that support a Kubernetes minor: the same table, read the other way. */
export function helmsFor(kubernetesMinor: number): MinorRange {
  return { from: kubernetesMinor - 15, to: kubernetesMinor - 12 }
}

/**
 * Helm 4 leaves the merge to the API server unless it is told not to. What airstrip or a person has put right
 * since would then be a conflict of field managers, and Kubernetes 1.20 refuses a port without a protocol, as
 * charts write them: `failed to create typed patch object: .spec.ports: element 0: associative list with keys has
 * an element that omits key field "protocol"` (seen with Helm 4.1.4 on 1.20.2; structured-merge-diff#183).
 */
export function appliesOnServer(helm: string): boolean {
  return (semver.parse(helm)?.major ?? 3) >= 4
}

/** In a dry run a chart's `lookup` finds nothing, unless it is the server's, which Helm knows since 3.13 (helm#9426). */
export function letsChartsLook(helm: string): boolean {
  const version = semver.parse(helm)
  return version !== null && semver.gte(version, '3.13.0')
}

/** kubectl is supported within one minor of the API server (kubernetes.io, version skew policy). */
export const kubectlSkew = 1

interface ChartRequirement {
  /** From this version of the official chart on. */
  since: string
  kubernetesMinor: number
}

/** Lowest Kubernetes that the official chart's own README asks for; newest first. */
const chartRequirements: readonly ChartRequirement[] = [
  { since: '1.17.0', kubernetesMinor: 30 },
  { since: '1.16.0', kubernetesMinor: 29 },
  { since: '1.14.0', kubernetesMinor: 26 },
  { since: '1.12.0', kubernetesMinor: 25 },
  { since: '1.11.0', kubernetesMinor: 24 },
  { since: '1.9.0', kubernetesMinor: 23 },
  { since: '1.7.0', kubernetesMinor: 21 },
]

export function chartAsksFor(chartVersion: string): number | undefined {
  const version = semver.parse(chartVersion)
  if (version === null) return undefined
  return chartRequirements.find(({ since }) => semver.gte(version, since))?.kubernetesMinor
}

/** The minor of `v1.22.8`, `v1.24.17+k3s1`; undefined where the text is no version of Kubernetes 1. */
export function kubernetesMinor(version: string): number | undefined {
  const parsed = semver.parse(version, { loose: true })
  return parsed?.major === 1 ? parsed.minor : undefined
}
