/** Whether what fails was edited by hand, since then the first thing to do is to put it back. */
import type { VolumeMount } from 'kubernetes-types/core/v1.js'
import { withHelmMarks } from '../airflow/helm-marks.ts'
import type { KubernetesObject, NonEmpty } from '../access.ts'
import { isRecord } from '../diff/compare.ts'
import { drift } from '../diff/rules.ts'
import { nameOf } from '../observe/observation.ts'
import { workloadOf } from '../observe/owners.ts'
import { templateOf } from '../observe/template.ts'
import type { Finding } from '../step.ts'
import type { FaultId } from '../observe/faults.ts'
import type { Evidence } from './evidence.ts'
import { databaseSets } from './rules/database/parts.ts'

/** What a workload's own template can be the reason of. */
const ofTemplates: readonly FaultId[] = [
  'claim-missing', 'volume-node-affinity-conflict', 'node-affinity-mismatch', 'untolerated-taint', 'insufficient-cpu-or-memory', 'host-port-taken', 'pod-affinity-unsatisfied', 'scheduler-unknown', 'volume-mount-failed', 'admission-refused', 'service-account-missing', 'object-invalid',
  'bitnami-image-removed', 'dockerhub-rate-limit', 'wrong-cpu-architecture', 'image-not-found', 'image-registry-unreachable', 'image-pull-denied', 'invalid-image-name', 'container-config-error',
  'readiness-probe-failing', 'probe-path-mismatch', 'scheduler-liveness-restart-loop', 'webserver-oom-or-slow-start', 'oom-killed', 'crash-loop',
  'database-unreachable', 'fernet-key-rotated', 'webserver-secret-dynamic', 'logs-not-writable-50000', 'hostpath-not-on-the-node', 'wait-for-migrations-crashloop', 'prefix-handled-twice', 'k8s-executor-forbidden', 'node-pressure-evicted', 'cgroup-driver-mismatch', 'runtime-handler-missing', 'not-ready-unexplained',
]

/** What the database's can be the reason of, whoever says it: another folder of its volume looks empty, for example. */
const ofTheDatabase: readonly FaultId[] = ['database-unreachable', 'database-damaged', 'postgres-datadir-permission', 'postgres-major-version', 'postgres-pvc-old-password']

export function withEdits(finding: Finding, evidence: Evidence): Finding {
  const databases = (ofTheDatabase as readonly string[]).includes(finding.id) ? databaseSets(evidence) : []
  const named = (ofTemplates as readonly string[]).includes(finding.id) ? workloadsOf(finding, evidence) : []
  const speakers = finding.id === 'database-unreachable' ? speakersOf(finding, evidence) : []
  const edits = [...new Set([
    ...[...databases, ...named].flatMap((workload) => editsOf(workload, evidence)),
    ...speakers.flatMap((workload) => editsOf(workload, evidence, ofConnections)),
  ])]
  const [first] = edits
  if (first === undefined) return finding
  const line = 'npx tsx run.ts apply # puts back what was edited by hand'
  const fix: NonEmpty<string> = [line, ...finding.fix.filter((one) => !one.startsWith('npx tsx run.ts apply #'))]
  return { ...finding, evidence: [...finding.evidence, ...edits], fix }
}

/** Nobody fills these in by himself, and who wrote them is not kept with the evidence. */
const neverFilledIn = [
  'topologySpreadConstraints', 'tolerations', 'priorityClassName', 'runtimeClassName', 'hostNetwork', 'hostPID', 'hostIPC', 'hostAliases', 'dnsConfig', 'nodeName', 'automountServiceAccountToken', 'shareProcessNamespace',
  'command', 'args', 'envFrom', 'workingDir', 'lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe',
] as const
/** The API server does, with these. */
const filledIn = { schedulerName: 'default-scheduler', dnsPolicy: 'ClusterFirst', enableServiceLinks: true } as const
/** Lists of things with names, and maps, of which the API server adds no part to a template. */
const namedLists = ['env', 'volumes', 'containers', 'initContainers'] as const
const maps = ['nodeSelector', 'affinity', 'resources', 'securityContext'] as const
type Part = Partial<Record<(typeof neverFilledIn)[number] | (typeof maps)[number] | keyof typeof filledIn, unknown>> & Partial<Record<(typeof namedLists)[number], Named[]>> & { ports?: { hostPort?: number }[] | null; volumeMounts?: VolumeMount[] | null }
type Named = Part & { name: string }

function addedTo(want: KubernetesObject, live: KubernetesObject): string[] {
  const containersOf = ({ initContainers, containers }: Part): Named[] => [...(initContainers ?? []), ...(containers ?? [])]
  const [wanted, there] = [templateOf(want), templateOf(live)] as [Part, Part]
  // Nothing was added to what the record has no template of.
  if (containersOf(wanted).length === 0) return []
  const added = (one: Part, other: Part, path: string): string[] => [
    ...neverFilledIn.filter((key) => isNothing(one[key]) && !isNothing(other[key])).map((key) => `${path}.${key}`),
    ...namedLists.flatMap((key) => namesAdded(one[key], other[key]).map((name) => `${path}.${key}[${name}]`)),
    ...mountsAdded(one.volumeMounts, other.volumeMounts, `${path}.volumeMounts`),
    ...hostPortsOf(other).filter((port) => !hostPortsOf(one).includes(port)).map((port) => `${path}.ports: hostPort ${port}`),
    ...maps.flatMap((key) => keysAdded(one[key], other[key], `${path}.${key}`)),
  ]
  const otherwise = Object.entries(filledIn) as [keyof typeof filledIn, unknown][]
  return [
    ...added(wanted, there, 'spec.template.spec'),
    ...otherwise.filter(([key, usual]) => wanted[key] === undefined && (there[key] ?? usual) !== usual).map(([key]) => `spec.template.spec.${key}`),
    ...containersOf(there).flatMap((one) => {
      const was = containersOf(wanted).find(({ name }) => name === one.name) ?? one
      return added(was, one, `spec.template.spec.containers[${one.name}]`)
    }),
  ]
}

/** Charts write an empty list or map where there is nothing to say. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0)
}

/** A port may have no name; that it takes one of the node's is what matters. */
function hostPortsOf({ ports }: Part): number[] {
  return (ports ?? []).flatMap(({ hostPort }) => hostPort ?? [])
}

function namesAdded(wanted: readonly Named[] | null = [], there: readonly Named[] | null = []): string[] {
  return (there ?? []).map(({ name }) => name).filter((name) => !(wanted ?? []).some((one) => one.name === name))
}

/** One volume may be mounted in several places. Another part of it is another folder. */
function mountsAdded(wanted: readonly VolumeMount[] | null = [], there: readonly VolumeMount[] | null = [], path: string): string[] {
  return (there ?? []).flatMap((mount) => {
    const was = (wanted ?? []).find(({ name, mountPath }) => name === mount.name && mountPath === mount.mountPath)
    if (was === undefined) return [`${path}[${mount.name}]`]
    return (['subPath', 'subPathExpr', 'readOnly'] as const).filter((key) => !was[key] && mount[key]).map((key) => `${path}[${mount.name}].${key}`)
  })
}

function keysAdded(wanted: unknown, there: unknown, path: string): string[] {
  if (!isRecord(there)) return isNothing(wanted) && !isNothing(there) ? [path] : []
  return Object.entries(there).flatMap(([key, value]) => keysAdded(isRecord(wanted) ? wanted[key] : undefined, value, `${path}.${key}`))
}

/** The lines of evidence begin with the object they speak of. */
function workloadsOf({ evidence: lines }: Finding, { pods, workloads }: Evidence): KubernetesObject[] {
  const named = new Set(lines.flatMap((line) => /^(?:Pod|Deployment|StatefulSet|DaemonSet) [^\s:,]+/.exec(line) ?? []))
  const owners = pods.filter((pod) => named.has(nameOf(pod))).map(workloadOf)
  return workloads.filter((workload) => named.has(nameOf(workload)) || owners.some((owner) => owner?.kind === workload.kind && owner.name === workload.metadata.name))
}

/** Whose logs are its evidence: `airflow-scheduler-6fc-x/scheduler: LINE`. */
function speakersOf({ evidence: lines }: Finding, { pods, workloads }: Evidence): KubernetesObject[] {
  const speaking = lines.flatMap((line) => /^([a-z0-9][a-z0-9.-]*)\/[\w-]+: /.exec(line)?.[1] ?? [])
  const owners = pods.filter(({ metadata }) => speaking.includes(metadata.name)).map(workloadOf)
  return workloads.filter(({ kind, metadata }) => owners.some((owner) => owner?.kind === kind && owner.name === metadata.name))
}

/** Of who does not reach the database only what leads him there: another edit is no reason of it. */
const ofConnections = /SQL_ALCHEMY_CONN|DATABASE|POSTGRES|PGBOUNCER|\.hostAliases|\.dns(?:Policy|Config)/

/** Where its template is not as Helm's record has it, of all places or those alone; empty where it is. */
export function editsOf(live: KubernetesObject, { record }: Evidence, about = /./): string[] {
  const want = record?.objects.find(({ kind, metadata }) => kind === live.kind && metadata.name === live.metadata.name)
  // Of a release on its way, or that failed, what lives may be of the revision before.
  if (record?.status !== 'deployed' || want === undefined) return []
  const places = drift(withHelmMarks(want, record), live, []).map(({ path }) => path)
  const inTemplate = [...places.filter((path) => path.startsWith('spec.template.spec.')), ...addedTo(want, live)].filter((path) => about.test(path))
  return inTemplate.length === 0 ? [] : [`${nameOf(live)} is not as the release has it: ${inTemplate.slice(0, 4).join(', ')}`]
}
