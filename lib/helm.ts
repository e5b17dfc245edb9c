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
  /** The version that the configuration names, where it has candidates besides. */
  wanted?: string | undefined
  values: Record<string, unknown>
  /** Helm's own `--timeout`, in seconds. */
  timeoutSeconds: number
}

export interface ChartSource {
  /** As the configuration has it: repo/name, oci://…, a folder, a .tgz. */
  reference: string
  version: string
}

/** What a chart says of itself, in its Chart.yaml and in the index of its repository. */
export interface ChartFacts {
  name: string
  version: string
  appVersion: string
  home?: string | undefined
  kubeVersion?: string | undefined
  /** Its makers have given it up. */
  deprecated?: boolean | undefined
}

/** What the registry of an image says of it; unknown where it says nothing that counts. */
export interface ImageAnswer {
  image: string
  state: 'there' | 'absent' | 'unknown'
  reason: string
}

/** The versions of a chart that can be had, newest first. */
export interface ChartList {
  reference: string
  /** Where they were found. */
  address: string
  charts: ChartFacts[]
  /** When the list was last known to be that of the address; undefined for what was looked at now. */
  checkedAt?: Date | undefined
  /** Why it could not be asked again. */
  stale?: string | undefined
  /** What has to be known of the list. */
  note?: string | undefined
}

/** A chart that is on this machine. */
export interface Chart extends ChartFacts {
  home: string
  /** SHA-256 over what was read; tells two charts of one version apart. */
  fingerprint: string
  /** Folder or archive. */
  path: string
  /** A person's own, which may be edited without another version. */
  local: boolean
}
