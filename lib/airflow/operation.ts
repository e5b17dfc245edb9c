import type { KubernetesObject, ObjectRef, ReleaseName } from '../access.ts'

/**
 * Who is at work on a release, told by the cluster itself: a Lease that has a holder from before
 * Helm is started until after it has ended. An operation that was cut short, and a record that it
 * left `pending-*`, can then be judged from any machine without the state file: the holder is
 * alive, dead, or on another host and past its time.
 */
export function operationRef(release: ReleaseName): ObjectRef {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name: `airstrip-helm-${release.name}`, namespace: release.namespace }
}

/** With an empty holder nobody is at work. `fingerprint` and `wanted` are what Helm's record does not keep: of the chart, and of the configuration's word where another version was taken. */
export function operationLease(release: ReleaseName, holder: string, seconds: number, now: Date, fingerprint?: string, wanted?: string): KubernetesObject {
  const { apiVersion, kind, name, namespace } = operationRef(release)
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: namespace ?? release.namespace, labels: { 'app.kubernetes.io/managed-by': 'airstrip' }, annotations: { ...(fingerprint === undefined ? {} : { [chartAnnotation]: fingerprint.slice(0, markLength) }), ...(wanted === undefined ? {} : { [wantedAnnotation]: wanted }) } },
    spec: {
      holderIdentity: holder,
      // A MicroTime has six digits after the point, a JavaScript date three.
      acquireTime: now.toISOString().replace('Z', '000Z'),
      leaseDurationSeconds: seconds,
    },
  }
}

/** Helm writes what went wrong where the chart's mark was; the Lease keeps it. */
const chartAnnotation = 'airstrip/chart'
const wantedAnnotation = 'airstrip/wanted'
const markLength = 16

/** The version that the configuration named when the one that is there was taken. */
export function wantedBefore(lease: KubernetesObject | undefined): string | undefined {
  return lease?.metadata.annotations?.[wantedAnnotation]
}

/** ISO time since when somebody is at work. */
export function heldSince(lease: KubernetesObject | undefined): string | undefined {
  const { acquireTime } = (lease?.spec ?? {}) as { acquireTime?: string }
  return isHeld(lease) ? acquireTime : undefined
}

export function isHeld(lease: KubernetesObject | undefined): boolean {
  const { holderIdentity = '' } = (lease?.spec ?? {}) as { holderIdentity?: string }
  return holderIdentity !== ''
}

/**
 * The description of a release that airstrip made. The chart's fingerprint tells an edited chart
 * folder from an unchanged one; the holder tells whose Helm process this is when it outlives its run.
 */
export function chartMark(fingerprint: string, holder: string): string {
  return `airstrip chart=${fingerprint.slice(0, markLength)} by=${holder}`
}

/** Of the Helm process that takes it down, which outlives its run as well. */
export function destroyMark(holder: string): string {
  return `airstrip destroy by=${holder}`
}

export function markedFingerprint(description: string, lease?: KubernetesObject): string | undefined {
  return /^airstrip chart=([0-9a-f]{16})\b/.exec(description)?.[1] ?? chartMarkOf(lease)
}

export function chartMarkOf(lease: KubernetesObject | undefined): string | undefined {
  return lease?.metadata.annotations?.[chartAnnotation]
}
