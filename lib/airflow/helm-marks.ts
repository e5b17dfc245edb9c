/** What Helm writes on objects beside their manifest, and reads there. */
import type { KubernetesObject, ReleaseName } from '../access.ts'

/** What Helm puts on every object that it makes, and keeps out of its record (helm pkg/action/validate.go). */
export function withHelmMarks(object: KubernetesObject, { name, namespace }: ReleaseName): KubernetesObject {
  const { labels, annotations } = object.metadata
  return {
    ...withProtocols(object),
    metadata: {
      ...object.metadata,
      labels: { ...labels, 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { ...annotations, 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': namespace },
    },
  }
}

/**
 * A server before 1.21 knows a Service's ports by their protocol and refuses an apply that leaves it
 * out; and what a chart leaves out can still be changed by hand.
 */
function withProtocols(object: KubernetesObject): KubernetesObject {
  const { ports } = (object.spec ?? {}) as { ports?: object[] }
  if (object.kind !== 'Service' || ports === undefined) return object
  return { ...object, spec: { ...(object.spec as object), ports: ports.map((port) => ({ protocol: 'TCP', ...port })) } }
}

/** Somebody else may have made one of that name since. */
export function isMadeBy({ name, namespace }: ReleaseName, { metadata: { annotations = {} } }: KubernetesObject): boolean {
  return annotations['meta.helm.sh/release-name'] === name && annotations['meta.helm.sh/release-namespace'] === namespace
}

/** Helm leaves it where it is when the release does not have it any more. */
export function isKept({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.['helm.sh/resource-policy'] === 'keep'
}
