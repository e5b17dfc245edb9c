/**
 * A disk that is full. The kubelet says so only when it has looked, and of its own disks alone, so whoever could
 * not write is asked: the runtime, which pulls and makes containers, and the programs themselves.
 *
 *   ErrImagePull: … failed to extract layer sha256:…: write /var/lib/containerd/…: no space left on device: unknown
 *   PANIC:  could not write to file "pg_wal/xlogtemp.31": No space left on device
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { claimNamesOf } from '../../../observe/claim.ts'
import { describeEvent, timeOf } from '../../../observe/events.ts'
import { pullOf } from '../../../observe/image.ts'
import { pressuresOf } from '../../../observe/node.ts'
import { fixOf, nameOf } from '../../../observe/observation.ts'
import { placeOf } from '../../../observe/place.ts'
import { pathOf } from '../../../observe/volume.ts'
import type { Finding } from '../../../step.ts'
import { complaints } from '../../complaints.ts'
import type { Evidence, Folder } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'
import { inUse } from '../folders.ts'
import { type Running, containersIn } from '../processes/statuses.ts'
import { relief, shortTitle } from './pressure.ts'

const full = /no space left on device|disk quota exceeded/i
/** The kernel says the same of watches that are used up, which is told with the open files. */
export const watchesUsedUp = /(?:inotify|fsnotify|\bwatch).*no space left on device/i

interface Line {
  pod: KubernetesObject
  line: string
  /** What the pod mounts, where a program said it; the runtime writes to its node's disk alone. */
  volumes?: Volume[]
}

interface Volume {
  line: string
  /** Not a folder of the node, and so of a size of its own. */
  apart: boolean
}

export function diskFull(evidence: Evidence): Finding[] {
  const said = [...containersIn(evidence).flatMap((one) => [...saidByRuntime(one), ...saidInEvents(one, evidence)]), ...saidByItself(evidence)].filter(({ line }) => !watchesUsedUp.test(line))
  const logs = inUse(evidence).filter(({ path, freeBytes = Infinity, freeFiles = Infinity }) => path.endsWith('/logs') && (freeBytes < little || freeFiles === 0))
  const isOf = (line: Line, { path }: Folder): boolean => line.line.includes('/logs') && (line.volumes ?? []).some((volume) => volume.line.includes(` is ${path} on `))
  const all = said.filter((line) => !logs.some((folder) => isOf(line, folder)))
  const nodes = [...new Set(all.map(({ pod }) => (pod as Pod).spec?.nodeName ?? ''))].filter((name) => name !== '')
  return [...logs.map((folder) => ofLogs(folder, said.filter((line) => isOf(line, folder)), evidence)), ...nodes.map((node) => ofNode(node, all.filter(({ pod }) => (pod as Pod).spec?.nodeName === node), evidence))]
}

const mebibyte = 1024 * 1024
/** A day of a small Airflow's logs. */
const little = 100 * mebibyte

/** It need not be a disk that the kubelet watches, and what runs already says nothing until it writes. */
function ofLogs({ path, freeBytes = 0, freeFiles }: Folder, lines: readonly Line[], { wanted }: Evidence): Finding {
  const isFull = freeBytes < mebibyte || freeFiles === 0
  return (isFull ? wrong : doubtful)('node-pressure-evicted', {
    title: `${isFull ? 'No' : 'Little'} space is left on the disk of Airflow's logs`,
    evidence: [`${path}: ${freeFiles === 0 ? 'no file can be made any more, its inodes are used up' : `${Math.floor(freeBytes / mebibyte)} MiB free`}`, ...lines.slice(0, 5).map(({ line }) => line)],
    why: 'The scheduler and every task write their logs there, and fail where they cannot.',
    fix: [
      `df -h ${path}; df -i ${path}; sudo du -xh --max-depth=2 ${path} | sort -h | tail -n 20 # on the node: what fills it; make room there, or make the disk larger`,
      // With a claim for the logs the community's chart refuses its own.
      ...(wanted?.family === 'community' ? [] : ['Set scheduler.logGroomerSidecar.retentionDays lower in airflow.values, so that logs are deleted sooner, then: npx tsx run.ts apply --from helm']),
    ],
  })
}

/** What a node says itself is told once, together with whom it keeps from writing. */
function titleOf(name: string, { nodes = [] }: Evidence): string {
  const node = nodes.find(({ metadata }) => metadata.name === name)
  return node !== undefined && pressuresOf(node).some((line) => line.includes(': DiskPressure: ')) ? shortTitle : `No space is left on a disk of node ${name}`
}

function ofNode(node: string, all: readonly Line[], present: Evidence): Finding {
  const volumes = all.flatMap((one) => one.volumes ?? [])
  const evidence = [...new Set([...all.map(({ line }) => line).slice(0, 5), ...volumes.map(({ line }) => line)])]
  const why = 'What needs to be written cannot be: images, containers, or the data of a volume that lies there.'
  const apart = all.every(({ volumes = [] }) => volumes.length > 0 && volumes.every((volume) => volume.apart))
  if (!apart) return wrong('node-pressure-evicted', { ...relief, title: titleOf(node, present), evidence, why })
  const where = [...new Set(volumes.map(({ line }) => line))]
  return wrong('node-pressure-evicted', {
    title: `No space is left on a volume of ${[...new Set(all.map(({ pod }) => nameOf(pod)))].join(', ')}`, evidence, why,
    fix: fixOf(where.map((line) => `df -h # where that volume is: ${line}; make it larger there, or free space on it`), `df -h; df -i # on node ${node}, should the volume have space`),
  })
}

/** `PersistentVolumeClaim airflow/data-airflow-postgresql-0 is /srv/db on home`, of each claim that the pod mounts. */
export function volumesOf(pod: KubernetesObject, { claims, volumes = [], namespace }: Evidence): Volume[] {
  const names = claimNamesOf(pod)
  return claims.filter(({ metadata }) => metadata.namespace === namespace && names.includes(metadata.name)).map((claim) => {
    const volume = volumes.find(({ metadata }) => metadata.name === (claim as PersistentVolumeClaim).spec?.volumeName)
    const { csi, nfs } = (volume as PersistentVolume | undefined)?.spec ?? {}
    const path = pathOf(volume)
    const place = path !== undefined ? `${path} on ${(pod as Pod).spec?.nodeName ?? 'the node'}` : csi ? `${csi.volumeHandle} of ${csi.driver}` : nfs ? `${nfs.server}:${nfs.path}` : undefined
    return { line: place === undefined ? nameOf(claim) : `${nameOf(claim)} is ${place}`, apart: path === undefined && volume !== undefined }
  })
}

function saidByRuntime({ pod, status, events }: Running): Line[] {
  if (status.ready) return []
  const ends = [status.state?.waiting, status.state?.terminated, status.lastState?.terminated].flatMap((one) => one?.message ?? [])
  const pull = pullOf(pod, status, events)?.text ?? ''
  return [...ends, pull].filter((one) => full.test(one)).slice(0, 1).map((one) => ({ pod, line: `${placeOf(pod, status.name)}: ${one.trim()}` }))
}

const recentMs = 300_000

function saidInEvents({ pod, status, events }: Running, { at }: Evidence): Line[] {
  const event = status.ready ? undefined : events.findLast(({ reason = '', message = '' }) => /^Failed(CreatePodSandBox|Mount)$/.test(reason) && full.test(message))
  return event === undefined || Date.parse(at) - timeOf(event) > recentMs ? [] : [{ pod, line: `${nameOf(pod)}: ${describeEvent(event)}` }]
}

function saidByItself(evidence: Evidence): Line[] {
  return complaints(evidence, full).map(({ pod, container, line }) => ({ pod, line: `${placeOf(pod, container)}: ${line}`, volumes: volumesOf(pod, evidence) }))
}
