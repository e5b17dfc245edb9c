/**
 * PostgreSQL on a disk that takes no more writes. After an I/O error the kernel remounts it read-only, and
 * whoever writes there is told so:
 *
 *   FATAL:  could not create lock file "postmaster.pid": Read-only file system
 *   mkdir: cannot create directory '/bitnami/postgresql/conf': Read-only file system
 */
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import { pathOf } from '../../../observe/volume.ts'
import { type Complaint, complaints, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { databaseOf } from './parts.ts'

export function diskReadOnly(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const said = complaints(evidence, /: Read-only file system/).filter((one) => one.pod === database?.pod && !isByItsSettings(one))
  const [first] = said
  if (database === undefined || first === undefined) return []
  const node = (first.pod as Pod).spec?.nodeName ?? 'the node'
  const path = pathOf(database.volume)
  return [wrong('postgres-datadir-permission', {
    title: 'The disk under PostgreSQL\'s volume has turned read-only',
    evidence: [...told(said), ...(database.claim === undefined ? [] : [`${nameOf(database.claim)}${path === undefined ? '' : ` is ${path} on ${node}`}`])],
    why: 'After an error the kernel takes no more writes for a disk, so that nothing more is damaged: an SD card or a cable that fails, a power cut, or a volume that lost its server.',
    fix: [
      `dmesg -T | grep -iE 'remount|I/O error' # on ${node}: why; a disk with I/O errors is copied to another one first`,
      `sudo mount -o remount,rw "$(findmnt -no TARGET -T ${path ?? 'PATH'})" # on ${node}, where the disk itself is well; PostgreSQL then starts by itself`,
      `Where that is refused: unmount the disk (findmnt -no SOURCE -T ${path ?? 'PATH'} names it), sudo fsck -f on it, and sudo mount -a; the disk that ${node} runs from is checked at a boot with fsck.mode=force`,
    ],
  })]
}

/** Kept from writing by its container or by the mount of a claim, which is told as what somebody has set. */
function isByItsSettings({ pod, container }: Complaint): boolean {
  const { initContainers = [], containers = [], volumes = [] } = (pod as Pod).spec ?? {}
  const { securityContext, volumeMounts = [] } = [...initContainers, ...containers].find(({ name }) => name === container) ?? {}
  return securityContext?.readOnlyRootFilesystem === true || volumes.some(({ name, persistentVolumeClaim }) => persistentVolumeClaim !== undefined
    && (persistentVolumeClaim.readOnly === true || volumeMounts.some((mount) => mount.name === name && mount.readOnly === true)))
}
