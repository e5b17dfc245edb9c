/** A Kubernetes object and what names it. Types only. */
export interface ObjectRef {
  apiVersion: string
  kind: string
  name: string
  namespace?: string | undefined
}

/** Any Kubernetes object, as the API server sends it. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  generation?: number
  resourceVersion?: string
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  [field: string]: unknown
}
