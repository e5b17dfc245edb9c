import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { baseFolder } from '../../lib/adapters/base-folder.ts'
import { LabError } from './exec.ts'

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Binaries and images: built once, shared by all checkouts and instances, kept by `down`. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(baseFolder('XDG_CACHE_HOME', env, homedir()), 'airstrip', 'lab')
}

export interface Instance {
  name: string
  /** Sockets, pids, logs: everything here is about running processes. */
  run: string
  /** etcd, images, volumes of the kubelet, certificates. */
  data: string
  /** The named network namespace, as `ip netns` shows it. */
  netns: string
  /** The kubelet's parent group, in every controller. */
  cgroup: string
  kubeconfig: string
}

export function instance(name: string): Instance {
  // The name becomes part of an interface, a cgroup and several paths.
  if (!/^[a-z][a-z0-9]{0,11}$/.test(name)) {
    throw new LabError(`an instance is named with 1 to 12 small letters and digits, not "${name}"`)
  }
  const state = join(checkout, 'state', 'lab')
  return {
    name,
    run: `/run/airstrip-lab/${name}`,
    data: `/var/lib/airstrip-lab/${name}`,
    netns: `airstrip-${name}`,
    cgroup: `/airstrip-lab-${name}`,
    kubeconfig: name === 'lab' ? join(state, 'kubeconfig') : join(state, name, 'kubeconfig'),
  }
}
