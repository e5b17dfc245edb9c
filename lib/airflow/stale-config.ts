/**
 * Programs that began while somebody else's words stood in a ConfigMap or Secret of the release. Airflow reads
 * its variables once, and a file that is mounted by itself (`subPath`, as charts mount airflow.cfg) is never
 * brought up to date (kubernetes.io, ConfigMap, "Mounted ConfigMaps are updated automatically"): putting the
 * object back changes nothing for them until they begin anew. So it is with what a pod has of its service account.
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { JsonPatch, KubernetesObject } from '../access.ts'
import { lastWriter, writingsOf } from '../diff/managed.ts'
import { pointerOf } from '../diff/patch.ts'
import { podsOf } from '../observe/owners.ts'
import { reads, rollsOut, templateOf } from '../observe/template.ts'
import type { Change } from '../step.ts'

type Patch = Extract<Change, { op: 'patch' }>

interface Edit {
  kind: string
  name: string
  /** ISO time of the last write by another hand than Helm's and ours. */
  since: string
}

/** What is put back of what programs read as they begin; made anew it has no time, and nobody can have begun without it. */
export function editedConfigs(changes: readonly Change[]): Edit[] {
  return changes.flatMap((change) => {
    if (change.op === 'patch' && change.live.kind === 'ServiceAccount') return editedAccount(change)
    if ((change.op !== 'patch' && change.op !== 'replace') || !['ConfigMap', 'Secret'].includes(change.live.kind)) return []
    const times = writingsOf(change.live).filter(({ manager, time }) => !['helm', 'airstrip'].includes(manager) && time !== '').map(({ time }) => time)
    const since = times.sort().at(-1)
    return since === undefined ? [] : [{ kind: change.live.kind, name: change.live.metadata.name, since }]
  })
}

/** Of an account pods get their token and their pull secrets, when they are made. */
function editedAccount({ live, patch }: Patch): Edit[] {
  const fields = ['automountServiceAccountToken', 'imagePullSecrets'].filter((field) => patch.some(({ path }) => path.startsWith(`/${field}`)))
  const times = fields.flatMap((field) => lastWriter(live, [field])?.time ?? [])
  const since = times.sort().at(-1)
  return since === undefined ? [] : [{ kind: live.kind, name: live.metadata.name, since }]
}

interface Besides {
  /** What else is done to the objects of the release. */
  changes: readonly Change[]
  /** Helm comes before it, and may give a template its first annotations, which must not be written over. */
  upgrade: boolean
}

/** The same as `kubectl rollout restart`, for those of which something began since. */
export function restartsOf(edits: readonly Edit[], live: readonly (KubernetesObject | undefined)[], pods: readonly KubernetesObject[], { changes, upgrade }: Besides, now: Date): Patch[] {
  return live.flatMap((workload): Patch[] => {
    if (workload === undefined || !rollsOut(workload) || beginsAnyway(workload, changes)) return []
    if ((upgrade && annotationsOf(workload) === undefined) || restartedLately(workload, now)) return []
    const read = edits.filter((edit) => readsEdited(workload, edit) && podsOf(workload, pods).some((pod) => startsOf(pod, edit).some((time) => Date.parse(time) >= Date.parse(edit.since))))
    if (read.length === 0) return []
    return [{ op: 'patch', live: workload, patch: restartPatch(workload, now), why: `its pods began with the edited ${read.map(({ kind, name }) => `${kind} ${name}`).join(', ')}, and begin anew` }]
  })
}

/** A container that is started again in the same pod reads it again, too; but for its account, which the pod has from when it was made. */
function startsOf(pod: KubernetesObject, { kind }: Edit): string[] {
  if (kind === 'ServiceAccount') return [pod.metadata.creationTimestamp].filter((time) => time !== undefined)
  const { startTime, initContainerStatuses = [], containerStatuses = [] } = (pod as Pod).status ?? {}
  const ofContainers = [...initContainerStatuses, ...containerStatuses].flatMap(({ state, lastState }) => [state?.running?.startedAt, state?.terminated?.startedAt, lastState?.terminated?.startedAt])
  return [startTime, ...ofContainers].filter((time) => time !== undefined)
}

function beginsAnyway({ kind, metadata }: KubernetesObject, changes: readonly Change[]): boolean {
  return changes.some((change) => change.op === 'patch' && change.live.kind === kind && change.live.metadata.name === metadata.name && change.patch.some(({ path }) => path.startsWith('/spec/template/')))
}

const restartedAt = 'kubectl.kubernetes.io/restartedAt'
/** Something that writes the object again each time it was put back must not keep Airflow from ever getting to work. */
const oftenMs = 3_600_000

function restartedLately(workload: KubernetesObject, now: Date): boolean {
  const last = lastWriter(workload, ['spec', 'template', 'metadata', 'annotations', restartedAt])
  return last?.manager === 'airstrip' && now.getTime() - Date.parse(last.time) < oftenMs
}

function annotationsOf({ spec }: KubernetesObject): object | undefined {
  return (spec as { template?: { metadata?: { annotations?: object } } } | undefined)?.template?.metadata?.annotations
}

function restartPatch(workload: KubernetesObject, now: Date): [JsonPatch] {
  const annotations = ['spec', 'template', 'metadata', 'annotations']
  return [annotationsOf(workload) === undefined ? { op: 'add', path: pointerOf(annotations), value: { [restartedAt]: now.toISOString() } } : { op: 'add', path: pointerOf([...annotations, restartedAt]), value: now.toISOString() }]
}

function readsEdited(workload: KubernetesObject, { kind, name }: Edit): boolean {
  const spec = templateOf(workload)
  if (kind === 'ServiceAccount') return spec.serviceAccountName === name
  return reads(spec, kind === 'ConfigMap' ? kind : 'Secret', name)
}
