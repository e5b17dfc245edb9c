/** A Helm release, its records and its chart, as the Reader gives and the Writer takes them. Types only. */
import type { KubernetesObject, ObjectRef } from './object.ts'

/** A Helm release as its newest record (`sh.helm.release.v1.NAME.vN`) tells it. */
export interface Release {
  name: string
  namespace: string
  revision: number
  /** deployed, failed, pending-install, pending-upgrade, pending-rollback, uninstalling, … */
  status: string
  description: string
  /** ISO time of the last change. */
  updatedAt: string
  chart: { name: string; version: string; appVersion: string }
  values: Record<string, unknown>
  objects: KubernetesObject[]
  /** The objects of the last revision that was deployed, where this one is not: Helm's own base for the next upgrade. */
  base?: KubernetesObject[] | undefined
  hooks: ReleaseHook[]
  /** The Secret that the record lies in. */
  record: ObjectRef
  /** All records that are not superseded, the newest first. */
  records?: RecordFacts[] | undefined
}

/** One of Helm's records, as its labels tell it. */
export interface RecordFacts {
  name: string
  revision: number
  status: string
  /** ISO time. */
  createdAt: string
}

export interface ReleaseHook {
  ref: ObjectRef
  events: string[]
  deletePolicies: string[]
  /** Succeeded, Failed, Running or Unknown. */
  phase: string
  /** ISO time of the end of its last run. */
  endedAt?: string | undefined
  /** Where it is a Secret or a ConfigMap. */
  object?: KubernetesObject | undefined
}

/** What a release would be made of. */
export interface Rendered {
  objects: KubernetesObject[]
  hooks: KubernetesObject[]
}

export interface ReleaseName {
  name: string
  namespace: string
}

export interface ReleaseWish extends ReleaseName {
  chart: ChartSource
  values: Record<string, unknown>
  /** Helm's own `--timeout`, in seconds. */
  timeoutSeconds: number
}

export interface ChartSource {
  /** As the configuration has it: repo/name, oci://…, a folder, a .tgz. */
  reference: string
  version: string
}

/** A chart that is on this machine. */
export interface Chart {
  name: string
  version: string
  appVersion: string
  home: string
  kubeVersion?: string | undefined
  /** SHA-256 over what was read; tells two charts of one version apart. */
  fingerprint: string
  /** Folder or archive. */
  path: string
  /** A person's own, which may be edited without another version. */
  local: boolean
}
