import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { LabError } from './exec.ts'
import type { Instance } from './paths.ts'

const ROOT = '/sys/fs/cgroup'

/** Version 2 is one tree; version 1 has one per controller, some with two names (cpu,cpuacct). */
export function cgroupRoots(root = ROOT): string[] {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root]
  return readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory()).map(entry => join(root, entry.name))
}

/** The kubelet wants its parent group to be there, in every controller, and does not make it. */
export function makeCgroups(instance: Instance): void {
  for (const root of cgroupRoots()) {
    const dir = join(root, instance.cgroup)
    mkdirSync(dir, { recursive: true })
    if (root === ROOT) {
      delegate(root)
      delegate(dir)
    }
    // A version 1 cpuset is born empty, and no process can enter one without processors.
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      const file = join(dir, name)
      if (root !== ROOT && existsSync(file)) writeFileSync(file, readFileSync(join(root, name), 'utf8'))
    }
  }
}

/** Version 2: children get only the controllers that their parent hands down. */
function delegate(dir: string): void {
  for (const name of readFileSync(join(dir, 'cgroup.controllers'), 'utf8').trim().split(/\s+/)) {
    try {
      writeFileSync(join(dir, 'cgroup.subtree_control'), `+${name}`)
    } catch {
      // Some cannot be handed down on some kernels; the kubelet names those that it misses.
    }
  }
}

export async function removeCgroups(instance: Instance): Promise<void> {
  for (const root of cgroupRoots()) {
    const dir = join(root, instance.cgroup)
    // A group is busy for a moment after its last process ended.
    for (let tries = 0; existsSync(dir); tries++) {
      if (removeTree(dir)) break
      if (tries > 100) throw new LabError(`${dir} still has processes`)
      await sleep(50)
    }
  }
}

/** Files in it are the kernel's: a group is removed folder by folder, from the leaves. */
function removeTree(dir: string): boolean {
  try {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(dir, entry.name))
    }
    rmdirSync(dir)
    return true
  } catch {
    return !existsSync(dir)
  }
}
