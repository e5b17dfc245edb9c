import { rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './exec.ts'
import type { RunOptions } from './exec.ts'
import type { Instance } from './paths.ts'

const OVERLAYFS_MAGIC = 0x794c7630

export function containerdSocket(instance: Instance): string {
  return join(instance.run, 'containerd.sock')
}

/** Where containerd looks, at each pull, for who answers in the name of a registry: HOST/hosts.toml. */
export function registriesFolder(instance: Instance): string {
  return join(instance.data, 'certs.d')
}

/** What runs the containers of this instance alone: a link, in whose place a test may put something else. */
export function runcOf(instance: Instance): string {
  return join(instance.data, 'runc')
}

export interface ContainerdSettings {
  cniConfig: string
  cniPlugins: string
  runc: string
  pauseImage: string
}

export function writeContainerdConfig(instance: Instance, settings: ContainerdSettings): string {
  const file = join(instance.data, 'containerd.toml')
  const runc = runcOf(instance)
  rmSync(runc, { force: true })
  symlinkSync(settings.runc, runc)
  // The kernel refuses overlayfs on top of overlayfs, which is what a machine that is itself a container has.
  const snapshotter = statfsSync(instance.data).type === OVERLAYFS_MAGIC ? 'native' : 'overlayfs'
  writeFileSync(file, `version = 2
root = "${join(instance.data, 'containerd')}"
state = "${join(instance.run, 'containerd')}"
[grpc]
  address = "${containerdSocket(instance)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${settings.pauseImage}"
  # Without CAP_SYS_RESOURCE runc dies of a lower score: "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${registriesFolder(instance)}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${runc}"
        SystemdCgroup = false
    # As on a node whose runtime is set to another cgroup driver than its kubelet, for pods that ask for it.
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.systemd-cgroups]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.systemd-cgroups.options]
        BinaryName = "${runc}"
        SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${settings.cniPlugins}"
    conf_dir = "${settings.cniConfig}"
`)
  return file
}

export interface ImageArchive {
  tar: string
}

/** Imports docker archives. Layers that the node has already are recognised by their digest and not unpacked again. */
export async function importImages(instance: Instance, archives: ImageArchive[], options: RunOptions): Promise<void> {
  const ctr = ['--address', containerdSocket(instance), '--namespace', 'k8s.io', 'images', 'import']
  for (const archive of archives) await must('ctr', [...ctr, archive.tar], options)
}
