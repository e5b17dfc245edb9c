/**
 * What a step may look at and change: the Reader, which has no write methods, the Writer, and the
 * shapes that they speak in. Types only.
 */
import type { DatabasePlace, Dump, DumpWish } from './dump.ts'
import type { Chart, ChartList, ChartSource, ImageAnswer, Release, ReleaseName, ReleaseWish, Rendered } from './helm.ts'
import type { KubernetesObject, ObjectRef } from './object.ts'

export type * from './dump.ts'
export type * from './helm.ts'
export type * from './object.ts'

export type NonEmpty<T> = [T, ...T[]]

export interface JsonPatch {
  op: 'add' | 'replace' | 'remove' | 'test'
  path: string
  value?: unknown
}

/** `count` random bytes; passed in so that a test can know them. */
export type RandomBytes = (count: number) => Buffer

export interface ListQuery {
  /** With the group, unless it is the core one: `pods`, `storageclasses.storage.k8s.io`. */
  resources: NonEmpty<string>
  /** Left out: all namespaces. */
  namespace?: string | undefined
  selector?: string | undefined
  fieldSelector?: string | undefined
  /** What is kept of each object, part by part as they come, where thousands whole would not fit. */
  keep?: ((object: KubernetesObject) => KubernetesObject) | undefined
}

export interface Versions {
  /** `v1.22.8`; undefined where it could not be read. */
  server: string
  kubectl: string
  helm: string
}

export interface PolicyRule {
  verbs: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
}

export interface Permissions {
  rules: PolicyRule[]
  /** True when the cluster's authorizer could not list everything; then a missing rule is unknown. */
  incomplete: boolean
}

export interface ManifestSource {
  /** Used instead of the download. */
  file?: string | undefined
  url: string
  /** Hex SHA-256 that the download must have. */
  sha256?: string | undefined
}

/** Where a person's secret value comes from. */
export type SecretSource = { env: string } | { file: string }

export interface HttpsAnswer {
  status: number
  headers: Record<string, string>
  /** The first 64 KiB. */
  body: string
  certificate?: { subject: string; issuer: string; validFrom?: string | undefined; validTo: string; names: string[] }
}

/** A folder as the machine that airstrip runs on sees it. */
export interface FolderFacts {
  exists: boolean
  uid?: number
  gid?: number
  /** Permission bits, e.g. 0o775. */
  mode?: number
  /** A file, or whatever else is no folder, has the name. */
  taken?: boolean
  /** Bytes that anyone but root may still write on its disk. */
  freeBytes?: number
  /** Files that may still be made there; left out where its file system has no such number. */
  freeFiles?: number
}

/** A file or a folder among the DAGs that the user of Airflow's images may not read, by its mode. */
export interface DagEntry {
  path: string
  folder: boolean
  uid: number
  gid: number
  /** Permission bits, e.g. 0o600. */
  mode: number
}

/** A DAG file that Airflow could not read the last time it tried. */
export interface BrokenDag {
  /** As the pods see it, e.g. /opt/airflow/dags/etl.py. */
  file: string
  /** The exception, e.g. `ModuleNotFoundError: No module named 'pandas'`; empty where the log does not say. */
  said: string
  /** ISO time at which the log says so. */
  at: string
}

export interface DagLogs {
  /** How many logs of DAG files were read: those of the last minutes. */
  read: number
  broken: BrokenDag[]
}

/** How much of its processors a node uses, in cores, over the last seconds. */
export interface NodeUsage {
  node: string
  cores: number
  /** By what is no pod: the system, and whatever else runs on the machine. */
  beside: number
  /** The pods that use most, the greediest first. */
  pods: { namespace: string; name: string; cores: number }[]
}

export interface LogQuery {
  namespace: string
  pod: string
  container: string
  previous?: boolean
  lines: number
  /** Its run has ended only just: where the kubelet has cleared it away and not written down the next, a log is asked for again, for seconds. */
  patient?: boolean
}

/** Looks and changes nothing. */
/** How a cluster is meant to be reached, without anything secret. */
export interface KubeconfigFacts {
  /** As kubectl is told: by the flag, by KUBECONFIG (which may name several), or its default. */
  file: string
  /** False where none of the named files is there. */
  exists: boolean
  contexts: string[]
  /** The one that is asked for, whether it is there or not. */
  context?: string | undefined
  cluster?: string | undefined
  server?: string | undefined
  /** The one that the user of the context shows; ISO times. */
  certificate?: { subject: string; validFrom: string; validTo: string } | undefined
  /** The administrators' kubeconfigs that a distribution has left on this machine. */
  others: string[]
}

/** Why nothing of a cluster can be asked. */
export interface Unreachable {
  /** An error's: `CLUSTER_UNREACHABLE`, `TOOL_MISSING`. */
  code: string
  sentence: string
  seen: string[]
  kubeconfig?: KubeconfigFacts | undefined
}

export interface Reader {
  /** Undefined where the cluster answers. Says so within seconds, for those who want to know no more. */
  unreachable(): Promise<Unreachable | undefined>
  /** By how many ms the API server's clock is ahead of this machine's, give or take a second; undefined where it does not tell. */
  clockAhead(): Promise<number | undefined>
  /** Live objects in the order of the references; undefined where there is none. */
  get(refs: readonly ObjectRef[]): Promise<(KubernetesObject | undefined)[]>
  /** Kinds that the API server does not have give no objects. */
  list(query: ListQuery): Promise<KubernetesObject[]>
  /** Everything that lies in a namespace, of whatever kind the API server has; names and owners alone. */
  contents(namespace: string): Promise<KubernetesObject[]>
  versions(): Promise<Versions>
  /** The API server's alone, and those that need no cluster. */
  server(): Promise<string>
  tools(): Promise<Pick<Versions, 'kubectl' | 'helm'>>
  /** Those of these kinds that the API server does not have. */
  lacking(kinds: readonly Pick<ObjectRef, 'apiVersion' | 'kind'>[]): Promise<Pick<ObjectRef, 'apiVersion' | 'kind'>[]>
  permissions(namespace: string): Promise<Permissions>
  /** The newest record that is not superseded. */
  release(name: string, namespace: string): Promise<Release | undefined>
  chart(source: ChartSource): Promise<Chart>
  /** The versions of a chart that can be had, as `airflow.chart` names it. */
  charts(reference: string): Promise<ChartList>
  /** What Helm would make of the wish now; takes seconds. */
  render(wish: ReleaseWish): Promise<Rendered>
  /** Whether their registries have them, within seconds. */
  images(images: readonly string[]): Promise<ImageAnswer[]>
  manifest(source: ManifestSource): Promise<KubernetesObject[]>
  secret(source: SecretSource): Promise<string>
  /** The last lines, or undefined where the container has none; a kubelet that hangs is waited for once, and seconds only (TIMEOUT). */
  logs(query: LogQuery): Promise<string | undefined>
  /** By the node's name; undefined where its kubelet does not tell. */
  usage(node: string): Promise<NodeUsage | undefined>
  /** Addresses that this machine's resolver gives; empty when it knows none. */
  resolve(host: string): Promise<string[]>
  /** GET, no redirect followed, any certificate accepted and returned. `address` overrides DNS. */
  https(url: string, address?: string, timeoutMs?: number): Promise<HttpsAnswer>
  /** Undefined where the node is another machine than this one (by machine id). */
  folder(path: string, node: KubernetesObject): Promise<FolderFacts | undefined>
  /** What Airflow's logs in that folder say of its DAG files; undefined where the node is another machine. */
  dagLogs(logs: string, node: KubernetesObject): Promise<DagLogs | undefined>
  /** What lies in that folder of DAGs and Airflow may not read; undefined where the node is another machine. */
  dagEntries(dags: string, node: KubernetesObject): Promise<DagEntry[] | undefined>
  /** True when that process of this host (`host/pid/start`) still runs; undefined for another host. */
  alive(holder: string): Promise<boolean | undefined>
  now(): Date
}

export interface Removal {
  /** Until it is gone; true where nothing is said. */
  wait?: boolean
  /** What it made stays, without an owner. */
  keepsPods?: boolean | undefined
}

export interface Writer {
  /** Server-side apply as field manager `airstrip`, conflicts taken over. */
  apply(objects: readonly KubernetesObject[]): Promise<void>
  /** Creates and never overwrites: for secrets. */
  create(objects: readonly KubernetesObject[]): Promise<void>
  /** Deletes one object, and waits until it is gone unless told not to. */
  remove(live: KubernetesObject, how?: Removal): Promise<void>
  patch(live: KubernetesObject, patch: readonly JsonPatch[]): Promise<void>
  upgrade(wish: ReleaseWish): Promise<void>
  unlock(release: ReleaseName): Promise<void>
  uninstall(release: ReleaseName): Promise<void>
  /** Dumps the database and proves the dump by restoring it into a database beside; it is kept only then. */
  dump(wish: DumpWish): Promise<Dump>
  /** Restores a dump into a new database beside, and holds that against what is known of the dump. */
  load(place: DatabasePlace, dump: Dump, name: string): Promise<void>
  /** Puts that one in the place of the one that is there, which then has the name `kept`; both or neither. */
  swap(place: DatabasePlace, name: string, kept: string): Promise<void>
  /** Drops one that was loaded and is not wanted. */
  discard(place: DatabasePlace, name: string): Promise<void>
  random: RandomBytes
}
