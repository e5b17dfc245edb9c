import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LabError, must, run } from './exec.ts'
import { withLock } from './lock.ts'
import type { Instance } from './paths.ts'
import { runtimeEnv } from './runtime.ts'

/** 10.213.N.0/30 joins host and node, 10.214.N.0/24 is for the pods; N tells instances apart on the host. */
export interface Network {
  hostIP: string
  nodeIP: string
  subnet: string
  podCIDR: string
}

/** Services exist only inside the node's own network namespace, so every instance may use the same. */
export const SERVICE_CIDR = '10.96.0.0/16'
export const CLUSTER_DNS = '10.96.0.10'

export function network(n: number): Network {
  return {
    hostIP: `10.213.${n}.1`,
    nodeIP: `10.213.${n}.2`,
    subnet: `10.213.${n}.0/30`,
    podCIDR: `10.214.${n}.0/24`,
  }
}

/** The lowest N that no interface and no route of the host speaks of. */
export function freeNumber(addressesAndRoutes: string): number {
  for (let n = 0; n < 250; n++) {
    if (!addressesAndRoutes.includes(`10.213.${n}.`) && !addressesAndRoutes.includes(`10.214.${n}.`)) return n
  }
  throw new LabError('no free network of 10.213.0.0/16 is left on this machine')
}

/** At most 15 characters, the limit of the kernel; the name is known without any record, so `down` always finds it. */
function hostLink(instance: Instance): string {
  return `as-${instance.name}`
}

function ip(args: string[]): Promise<string> {
  return must('ip', args, { env: runtimeEnv() })
}

export async function makeNetwork(instance: Instance): Promise<Network> {
  const link = hostLink(instance)
  return withLock('/run/airstrip-lab/network.lock', 'choosing a network', async () => {
    const taken = await ip(['-4', '-o', 'addr']) + await ip(['-4', 'route', 'show', 'table', 'all'])
    const net = network(freeNumber(taken))
    await ip(['netns', 'add', instance.netns])
    await ip(['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', instance.netns])
    await ip(['addr', 'add', `${net.hostIP}/30`, 'dev', link])
    await ip(['link', 'set', link, 'up'])
    await ip(['-n', instance.netns, 'addr', 'add', `${net.nodeIP}/30`, 'dev', 'eth0'])
    await ip(['-n', instance.netns, 'link', 'set', 'lo', 'up'])
    await ip(['-n', instance.netns, 'link', 'set', 'eth0', 'up'])
    // Without a default route the kernel refuses service addresses before iptables can rewrite them.
    await ip(['-n', instance.netns, 'route', 'add', 'default', 'via', net.hostIP])
    // The kubelet asks the cloud's metadata service for seven seconds whether it is on AWS; no is quicker.
    // It also keeps pods away from the credentials of the machine, should it be in a cloud.
    await ip(['-n', instance.netns, 'route', 'add', 'unreachable', '169.254.169.254'])
    return net
  })
}

export async function removeNetwork(instance: Instance): Promise<void> {
  const env = runtimeEnv()
  // Deleted by name first: the namespace itself lives on while anything still refers to it.
  await run('ip', ['link', 'del', hostLink(instance)], { env })
  await run('ip', ['netns', 'del', instance.netns], { env })
}

/** The pods' network: a bridge inside the node's namespace. */
export function writePodNetwork(instance: Instance, net: Network): string {
  const dir = join(instance.data, 'cni')
  mkdirSync(dir, { recursive: true })
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: true,
    // A pod that calls its own service comes back through the port it went out of.
    hairpinMode: true,
    ipam: { type: 'host-local', ranges: [[{ subnet: net.podCIDR }]], routes: [{ dst: '0.0.0.0/0' }] },
  }
  const plugins = [bridge, { type: 'portmap', capabilities: { portMappings: true } }]
  const config = { cniVersion: '0.4.0', name: `airstrip-lab-${instance.name}`, plugins }
  writeFileSync(join(dir, '10-airstrip-lab.conflist'), JSON.stringify(config, null, 2))
  return dir
}
