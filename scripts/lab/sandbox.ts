import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { LabError } from './exec.ts'
import type { Instance } from './paths.ts'
import { end, identify, isAlive, parseProcessId } from './process.ts'
import type { ProcessId } from './process.ts'

/**
 * A node is one tree of namespaces: network, mounts and processes. Whoever kills its first process ends every
 * daemon, shim and container at once, and its mounts go with it: the kernel does the cleaning, so nothing has
 * to be recorded in time and a lab killed at any moment leaves nothing that cannot be found.
 *
 * The private mounts also keep instances apart where programs have fixed paths: a kubelet removes the logs of
 * pods that it does not know from /var/log/pods, also those of another kubelet.
 */
const PRIVATE_DIRS = ['/var/log/pods', '/var/log/containers', '/var/lib/cni', '/run/containerd']

/** The kubelet insists on these. It finds them so, and the machine's own settings stay as they are. */
const KERNEL_SETTINGS = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1000000,
  'kernel/keys/root_maxbytes': 25000000,
}

/** Writes its own name tag before it makes anything that would have to be found again. */
const OUTER = `
stat=$(cat /proc/$$/stat); set -- \${stat##*) }
echo "$$ \${20} $(cat /proc/sys/kernel/random/boot_id)" > "$RUN/sandbox.new"
mv "$RUN/sandbox.new" "$RUN/sandbox"
exec nsenter --net="/run/netns/$NETNS" unshare --fork --kill-child --pid --mount --mount-proc bash -c "$INNER"
`

/** First process of the node: arranges the mounts, then reaps what is orphaned, for ever. */
const INNER = `
set -e
for name in /run/netns/*; do umount "$name" 2>/dev/null || true; done
mkdir -p /run/netns && mount -t tmpfs airstrip-lab /run/netns
for dir in ${PRIVATE_DIRS.join(' ')}; do
  mkdir -p "$dir" "$DATA/private$dir"
  mount --bind "$DATA/private$dir" "$dir"
done
while read -r name value; do
  [ -e "/proc/sys/$name" ] || continue
  mkdir -p "$RUN/sys/$(dirname "$name")"
  echo "$value" > "$RUN/sys/$name"
  mount --bind "$RUN/sys/$name" "/proc/sys/$name"
done < "$RUN/settings"
[ ! -e /etc/resolv.conf ] || mount --bind "$DATA/resolv.conf" /etc/resolv.conf
mount --make-rshared /
touch "$RUN/sandbox.ready"
while :; do sleep 3600 & wait $!; done
`

export async function openSandbox(instance: Instance): Promise<ProcessId> {
  mkdirSync(instance.data, { recursive: true })
  const settings = Object.entries(KERNEL_SETTINGS).map(([name, value]) => `${name} ${value}\n`)
  writeFileSync(join(instance.run, 'settings'), settings.join(''))
  const log = join(instance.run, 'sandbox.log')
  const fd = openSync(log, 'a')
  const env = { ...process.env, RUN: instance.run, DATA: instance.data, NETNS: instance.netns, INNER }
  const child = spawn('bash', ['-c', OUTER], { detached: true, cwd: '/', stdio: ['ignore', fd, fd], env })
  child.unref()
  closeSync(fd)
  for (let tries = 0; tries < 200; tries++) {
    const id = sandboxOf(instance)
    if (id !== undefined && existsSync(join(instance.run, 'sandbox.ready'))) return id
    await sleep(25)
  }
  throw new LabError(`the namespaces of the node could not be made:\n${readFileSync(log, 'utf8')}`)
}

/** The outermost process of the node, if it lives. */
export function sandboxOf(instance: Instance): ProcessId | undefined {
  const file = join(instance.run, 'sandbox')
  const id = existsSync(file) ? parseProcessId(readFileSync(file, 'utf8')) : undefined
  return id !== undefined && isAlive(id) ? id : undefined
}

/** The command line that runs a program inside the node. */
export function inside(sandbox: ProcessId, command: string[]): [string, string[]] {
  const ns = `/proc/${sandbox.pid}/ns`
  return ['nsenter', [`--mount=${ns}/mnt`, `--net=${ns}/net`, `--pid=${ns}/pid_for_children`, ...command]]
}

export async function closeSandbox(instance: Instance): Promise<void> {
  const outer = sandboxOf(instance)
  if (outer === undefined) return
  const children = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim()
  const inner = children === '' ? undefined : identify(Number(children.split(' ')[0]))
  // The inner one first: the kernel lets it go only when all others in it are gone, and the outer one waits for it.
  if (inner !== undefined) await end(inner, 20_000)
  if (!await end(outer)) throw new LabError(`process ${outer.pid}, the node of "${instance.name}", does not end`)
}
