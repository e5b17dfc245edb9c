import { describe, makeChanges, objectChanges, refOf } from '../lib/changes.ts'
import { blockedBy, checked, isNonEmpty } from '../lib/check.ts'
import type { Config } from '../lib/config/schema.ts'
import type { IgnoreRule } from '../lib/diff/noise.ts'
import { drift } from '../lib/diff/rules.ts'
import { folderJob, storageObjects, type StorageSpec } from '../lib/manifest/storage.ts'
import { leavingOf } from '../lib/observe/leaving.ts'
import { lookAt } from '../lib/observe/look.ts'
import { type Deleted, deletedVolumes, keptOf } from '../lib/observe/volume-leaving.ts'
import { takeDownStorage } from '../lib/manifest/storage-takedown.ts'
import { noNode, schedulable, unusable } from '../lib/preflight/folders.ts'
import { judgeImmutable } from '../lib/preflight/volumes.ts'
import type { KubernetesObject, Reader } from '../lib/access.ts'
import type { Change, Finding, Step } from '../lib/step.ts'

interface Spec extends StorageSpec {
  ignore: readonly IgnoreRule[]
}

/** Two folders on the node, each as a volume with its claim, that Airflow's user can use. */
export const storage: Step<Pick<Config, 'airflow' | 'storage' | 'diff'>, Spec> = {
  name: 'storage',
  number: 3,
  title: 'namespace, and volumes for DAGs and logs',
  about: 'namespace, StorageClass, two static volumes with their claims, and the folders on the node',
  needs: [],
  timeoutMs: 300_000,

  spec: ({ airflow, storage: { path, dagsSize, logsSize, image }, diff: { ignore } }) => ({ namespace: airflow.namespace, path, dagsSize, logsSize, image, ignore }),

  async check(spec, reader) {
    const all = await reader.list({ resources: ['nodes'] })
    const nodes = schedulable(all)
    if (nodes.length === 0) return { state: 'blocked', findings: [noNode(all)] }
    const wanted = storageObjects(spec)
    const live = await reader.get([...wanted, ...jobsOf(spec, nodes)].map(refOf))
    const there = live.filter((object) => object !== undefined)
    const kept = keptOf(there, there)
    const leaving = leavingOf(there.filter((object) => !kept.some(({ volume }) => volume === object))).map(({ object, reason }) => ({ object, reason: object.startsWith('PersistentVolumeClaim') ? `${reason}; the folder on the node is kept` : reason }))
    if (isNonEmpty(leaving)) return { state: 'waiting', on: leaving }
    const { blocked } = blockedBy(judgeImmutable(wanted, live, spec.ignore))
    if (blocked !== undefined) return blocked
    const folders = await Promise.all(nodes.map((node, index) => folderChange(spec, node, live[wanted.length + index], reader)))
    return checked([...objectChanges(wanted, live, spec.ignore), ...live.flatMap(releasedChange), ...folders.flat()], [], await warningsOf(kept, spec, reader))
  },

  apply: makeChanges,

  async verify(spec, reader) {
    const nodes = schedulable(await reader.list({ resources: ['nodes'] }))
    const look = await lookAt([...storageObjects(spec), ...jobsOf(spec, nodes)].map(refOf), reader)
    return look.state === 'done' ? { ...look, evidence: [proof(spec, nodes), ...look.evidence] } : look
  },

  takedown: takeDownStorage,
}

/** Deleted, and there for as long as its claim is: all of it works until then. */
async function warningsOf(kept: readonly Deleted[], { namespace }: StorageSpec, reader: Reader): Promise<Finding[]> {
  return kept.length === 0 ? [] : deletedVolumes(kept, await reader.list({ resources: ['pods'], namespace }))
}

function proof({ path }: StorageSpec, nodes: readonly KubernetesObject[]): string {
  return `${path}/dags and ${path}/logs, proven as uid 50000 on ${nodes.map(({ metadata }) => metadata.name).join(', ')}`
}

function jobsOf(spec: StorageSpec, nodes: readonly KubernetesObject[]): KubernetesObject[] {
  return nodes.map((node) => folderJob(spec, node.metadata.name))
}

/** A Retain volume never binds again by itself; ours is a folder, and its next claim is our own. */
function releasedChange(volume: KubernetesObject | undefined): Change[] {
  const phase = (volume?.status as { phase?: string } | undefined)?.phase
  const claim = (volume?.spec as { claimRef?: { uid?: string } } | undefined)?.claimRef
  if (volume?.kind !== 'PersistentVolume' || phase !== 'Released' || claim === undefined) return []
  return [{
    op: 'patch',
    live: volume,
    patch: [{ op: 'test', path: '/spec/claimRef/uid', value: claim.uid }, { op: 'remove', path: '/spec/claimRef' }],
    why: 'it is Released: its claim was deleted, and the next one cannot bind before that is forgotten',
  }]
}

/** The Job is the record that the folders were made; where we can look ourselves, we look as well. */
async function folderChange(spec: Spec, node: KubernetesObject, live: KubernetesObject | undefined, reader: Reader): Promise<Change[]> {
  const want = folderJob(spec, node.metadata.name)
  if (live === undefined) return [{ op: 'create', want, why: 'the folders were not made and proven yet' }]
  const found = drift(want, live, spec.ignore)
  const why = found.length > 0 ? describe(found) : hasFailed(live) ? 'its last try failed' : await folderTrouble(spec, node, reader)
  return why === undefined ? [] : [{ op: 'replace', want, live, why }]
}

function hasFailed({ status }: KubernetesObject): boolean {
  return ((status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? []).some((one) => one.type === 'Failed' && one.status === 'True')
}

async function folderTrouble({ path }: StorageSpec, node: KubernetesObject, reader: Reader): Promise<string | undefined> {
  const [dags, logs] = await Promise.all([reader.folder(`${path}/dags`, node), reader.folder(`${path}/logs`, node)])
  if (dags === undefined || logs === undefined) return undefined
  const reasons = [['dags', unusable(dags, false)], ['logs', unusable(logs, true)]] as const
  const found = reasons.find(([, reason]) => reason !== undefined)
  return found === undefined ? undefined : `${path}/${found[0]} ${found[1] ?? ''}`
}
