import { accessSync, constants } from 'node:fs'
import { osRelease } from './apt.ts'
import { LabError, run } from './exec.ts'

export interface Machine {
  platform: NodeJS.Platform
  uid: number
  /** ID and ID_LIKE of /etc/os-release. */
  family: string[]
}

/** Why a node cannot be booted here, or nothing. */
export function whyNot(machine: Machine): string | undefined {
  if (machine.platform !== 'linux') {
    return `the lab boots a Linux node, and this is ${machine.platform}: install Docker and kind 0.20.0, then use --engine kind`
  }
  if (!machine.family.some(name => name === 'debian' || name === 'ubuntu')) {
    return `the lab takes containerd and etcd from Debian or Ubuntu, and this is ${machine.family.join(' ') || 'neither'}: install Docker and kind 0.20.0, then use --engine kind`
  }
  if (machine.uid !== 0) return 'the lab makes namespaces and mounts, and so has to run as root: sudo -E npm run lab'
  return undefined
}

export function checkPlatform(): void {
  const isLinux = process.platform === 'linux'
  const release = isLinux ? osRelease() : {}
  const family = [release.ID ?? '', ...(release.ID_LIKE ?? '').split(' ')].filter(Boolean)
  const reason = whyNot({ platform: process.platform, uid: process.getuid?.() ?? -1, family })
  if (reason !== undefined) throw new LabError(reason)
  for (const program of ['/usr/bin/unshare', '/usr/bin/nsenter']) accessSync(program, constants.X_OK)
}

/** A Docker client alone is not enough: its engine has to answer. */
export async function hasKind(): Promise<boolean> {
  const [docker, kind] = await Promise.all([run('docker', ['info', '--format', '{{.ServerVersion}}']), run('kind', ['version'])])
  return docker.code === 0 && kind.code === 0
}
