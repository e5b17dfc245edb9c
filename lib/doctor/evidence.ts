/**
 * What was collected, as plain data: it can be written to a file and judged again without a cluster.
 *
 * A part that is left out could not be read, which is not the same as empty; the reason is among
 * `unknown`. No part holds a secret: of Secrets there are only facts, and texts were redacted when
 * they were collected.
 */
import type { BrokenDag, DagEntry, FolderFacts, HttpsAnswer, KubernetesObject, NodeUsage, RecordFacts, Release, Unreachable, Versions } from '../access.ts'
import type { Family } from '../airflow/families.ts'
import type { Lease } from '../airflow/lock.ts'
import type { IgnoreRule } from '../diff/noise.ts'
import { isFoundation, type Part } from '../observe/causes.ts'
import { provisionersIn } from '../observe/look-provisioners.ts'
import { nameOf } from '../observe/observation.ts'
import { observe } from '../observe/registry.ts'
import { partsOf, type ReleaseView } from '../observe/release.ts'
import type { Omitted } from './redact.ts'

export interface ContainerLog {
  namespace: string
  pod: string
  container: string
  /** Of the run before the present one. */
  previous: boolean
  /** Redacted. */
  lines: string[]
}

/** A pod of a Job that fails: Kubernetes deletes it with the Job's last try, and its log with it. */
export interface Witnessed {
  /** At least its name, its UID and its conditions. */
  job: KubernetesObject
  /** As it was when it ended last. */
  pod: KubernetesObject
  logs: ContainerLog[]
  /** ISO time when it was seen so. */
  at: string
}

/** What the configuration wants, as far as a rule compares it with what is there. */
export interface Wanted {
  chart: string
  executor: string
  /** Of this machine, where it is the node. */
  storagePath: string
  host: string
  path: string
  prefix: 'strip' | 'mount'
  certResolver: string
  entryPoint: string
  /** Where Traefik is asked instead of what the resolver gives for the host. */
  address?: string | undefined
  /** What the person calls no drift. */
  ignore?: readonly IgnoreRule[] | undefined
  /** Which chart, with which Airflow. */
  family: Family['id']
  /** Of Airflow's health page, below the path. */
  healthPath: string
  /** The name of the route and of its Middleware. */
  route: string
  /** The Service that the route leads to, and the name of what serves the web page. */
  service: string
  /** Whether PostgreSQL is the chart's own. */
  bundledDatabase: boolean
  /** Where Airflow's connection is to lead. */
  database?: { user: string; host: string; port: number; name: string; sslmode?: string | undefined } | undefined
  /** The Secret with the Fernet key that the release is to use. */
  fernetSecretName: string
}

/** A Secret of the release's namespace without its values. */
export interface SecretFacts {
  name: string
  type: string
  createdAt: string
  labels: Record<string, string>
  /** Names of its data, in their order. */
  keys: string[]
  /** By key: every other `NAME/KEY` of the namespace that holds the same value, or the same password in an address. */
  same: Record<string, string[]>
  /** Who wrote its data last, where that was after it was made. */
  changed?: { by: string; at: string } | undefined
  /** What else can be said of a value by key, for example `not a Fernet key` or `known from the documentation`. */
  remarks: Record<string, string>
}

/** Who is at work on the release, as the Lease of airstrip says; an empty holder is nobody. */
export interface Operation extends Lease {
  /** Undefined for a process of another host. */
  alive?: boolean | undefined
}

/** What a tool or the API server said when something failed, as it was written down. */
export interface Said {
  /** `step helm, in the state file`, `Helm's record, revision 3` */
  source: string
  /** ISO time. */
  at: string
  /** Redacted. */
  text: string
}

/** What HOST/PATH/health answered, and the page that a person opens; or why nothing did. */
export type Answered = { url: string } & ({ answer: HttpsAnswer; page?: HttpsAnswer | undefined } | { reason: string })

export interface StateFacts {
  path: string
  /** Only what is wrong with the file itself. */
  problem?: { code: string; sentence: string } | undefined
  /** By step: ISO time when it was done the last time. */
  doneAt?: Record<string, string> | undefined
  /** Steps that never were done, and that were gone past: one after them was done. */
  skipped?: string[] | undefined
}

/** A folder of the storage step as this machine sees it, where it is the node. */
export interface Folder extends FolderFacts {
  path: string
}

export interface Evidence {
  /** ISO time of this machine's clock. */
  at: string
  /** ISO time of the API server's, at about the same moment. */
  clock?: string | undefined
  namespace: string
  /** The Helm release that was asked for, if any. */
  release?: string | undefined
  wanted?: Wanted | undefined
  /** Set where nothing could be asked at all; the rest is empty then. */
  unreachable?: Unreachable | undefined
  /** Tools that are not on the PATH, and without which the cluster can be looked at nevertheless. */
  missingTools?: string[] | undefined
  record?: Release | undefined
  /** All of them that are not superseded, oldest first. */
  records: RecordFacts[]
  operation?: Operation | undefined
  /** Where the record's values let in a password that everybody knows: the path, and never the value. */
  knownPasswords?: string[] | undefined

  // Of the release's namespace.
  pods: KubernetesObject[]
  /** As runs have seen them; rules see those that are not there any more through `recalled`. */
  witnessed?: Witnessed[] | undefined
  claims: KubernetesObject[]
  events: KubernetesObject[]
  /** Deployments, StatefulSets and DaemonSets. */
  workloads: KubernetesObject[]
  jobs: KubernetesObject[]
  replicaSets?: KubernetesObject[] | undefined
  services?: KubernetesObject[] | undefined
  endpoints?: KubernetesObject[] | undefined
  /** Names and keys only. */
  configMaps?: KubernetesObject[] | undefined
  secrets?: SecretFacts[] | undefined
  serviceAccounts?: KubernetesObject[] | undefined
  /** Roles and RoleBindings: names only. */
  roles?: KubernetesObject[] | undefined
  networkPolicies?: KubernetesObject[] | undefined
  quotas?: KubernetesObject[] | undefined
  autoscalers?: KubernetesObject[] | undefined
  /** Of either of Traefik's groups: IngressRoutes of all namespaces, since another one may take the requests, and the release's Middlewares. */
  routes?: KubernetesObject[] | undefined

  // Of the cluster.
  nodes?: KubernetesObject[] | undefined
  /** Of those whose pods do not answer their probes in time. */
  usages?: NodeUsage[] | undefined
  /** The pods that use most of those: their names and who makes them. */
  consumers?: KubernetesObject[] | undefined
  classes?: KubernetesObject[] | undefined
  volumes?: KubernetesObject[] | undefined
  /** The release's own namespace; left out also where there is none. */
  ownNamespace?: KubernetesObject | undefined
  /** CustomResourceDefinitions, Traefik's and the chart's among them: names and conditions. */
  definitions?: KubernetesObject[] | undefined
  webhooks?: KubernetesObject[] | undefined
  /** Of the control plane and of the nodes: who has renewed them tells who lives. */
  leases?: KubernetesObject[] | undefined
  /** Pods, Deployments, DaemonSets, Services and events outside the release's namespace: DNS, provisioner, Traefik. */
  system: KubernetesObject[]

  logs: ContainerLog[]
  answered?: Answered | undefined
  /** What this machine's resolver gives for HOST. */
  addresses?: string[] | undefined
  versions?: Versions | undefined
  folders: Folder[]
  /** Among the DAGs, where this machine is the node: what Airflow's images may not read. */
  dagEntries?: DagEntry[] | undefined
  /** Of the logs folder, where this machine is the node. */
  brokenDags?: BrokenDag[] | undefined
  state?: StateFacts | undefined
  said: Said[]
  /** How often something was left out or taken out, by kind. */
  redacted?: Partial<Record<Omitted, number>> | undefined
  /** What was read, in words: `7 pods`. */
  looked: string[]
  /** What could not be read and why; while this is not empty nobody may say "healthy". */
  unknown: string[]
}

/** Nothing read yet. */
export function emptyEvidence(at: Date, namespace: string, release?: string): Evidence {
  return {
    at: at.toISOString(), namespace, release,
    records: [], pods: [], claims: [], events: [], workloads: [], jobs: [], system: [],
    logs: [], folders: [], said: [], looked: [], unknown: [],
  }
}

export function viewOf(evidence: Evidence): ReleaseView {
  const { pods, claims, events, classes, volumes, nodes, replicaSets, workloads, jobs, definitions = [], record } = evidence
  const now = new Date(evidence.at)
  // Without the Deployments of the whole cluster nobody may say that there is none.
  const readSystem = evidence.system.length > 0 && !evidence.unknown.some((line) => line.startsWith('deployments.apps could not be read'))
  return {
    pods, claims, events, classes, volumes, nodes, replicaSets,
    present: [...(evidence.secrets ?? []).map(({ name }) => `Secret ${evidence.namespace}/${name}`), ...(evidence.configMaps ?? []).map(nameOf)],
    provisioners: readSystem ? provisionersIn(evidence.system, { nodes, now }) : undefined,
    release: record,
    objects: [...workloads, ...jobs, ...claims, ...pods, ...definitions],
    hooks: [...jobs, ...pods],
    now,
  }
}

/** Those of the namespace and those that it stands on. */
export function podsIn({ pods, system }: Pick<Evidence, 'pods' | 'system'>): KubernetesObject[] {
  return [...pods, ...system.filter(({ kind }) => kind === 'Pod')]
}

/** About those, and about all else of both. */
export function eventsIn({ events, system }: Pick<Evidence, 'events' | 'system'>): KubernetesObject[] {
  return [...events, ...system.filter(({ kind }) => kind === 'Event')]
}

/** The parts of the release where there is a record; otherwise everything in the namespace. */
export function partsIn(evidence: Evidence): Part[] {
  const view = viewOf(evidence)
  if (evidence.record) return partsOf(view, evidence.record)
  const { workloads, jobs, claims } = evidence
  return [...workloads, ...jobs, ...claims].map((object) => ({
    name: nameOf(object), object, observation: observe(object, view), foundation: isFoundation(object),
  }))
}
