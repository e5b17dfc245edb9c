import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, run } from './exec.ts'
import type { Network } from './network.ts'
import type { Instance } from './paths.ts'
import { runtimeEnv } from './runtime.ts'

const FORWARDING = '/proc/sys/net/ipv4/ip_forward'
const LABS = '/run/airstrip-lab'

/** Every rule carries the instance's name, so that exactly these are found again. */
function tag(instance: Instance): string {
  return `airstrip-lab-${instance.name}`
}

/** Only the official engine pulls images, so only it gets a way from the node to the internet. */
export async function openOutside(instance: Instance, net: Network): Promise<void> {
  const env = runtimeEnv()
  writeFileSync(join(instance.run, 'forwarding-was'), readFileSync(FORWARDING, 'utf8'))
  writeFileSync(FORWARDING, '1')
  const comment = ['-m', 'comment', '--comment', tag(instance)]
  const rules = [
    ['-t', 'nat', '-I', 'POSTROUTING', '-s', net.subnet, '!', '-d', net.subnet, ...comment, '-j', 'MASQUERADE'],
    // A Docker engine sets the policy of this chain to DROP.
    ['-t', 'filter', '-I', 'FORWARD', '-s', net.subnet, ...comment, '-j', 'ACCEPT'],
    ['-t', 'filter', '-I', 'FORWARD', '-d', net.subnet, ...comment, '-j', 'ACCEPT'],
  ]
  for (const rule of rules) await must('iptables', ['-w', ...rule], { env })
}

export async function closeOutside(instance: Instance): Promise<void> {
  const env = runtimeEnv()
  const note = join(instance.run, 'forwarding-was')
  if (!existsSync(note)) return
  for (const table of ['nat', 'filter']) {
    const listed = await run('iptables', ['-w', '-t', table, '-S'], { env })
    for (const rule of ownRules(listed.stdout, tag(instance))) {
      await run('iptables', ['-w', '-t', table, ...rule], { env })
    }
  }
  const others = readdirSync(LABS).filter(name => name !== instance.name && existsSync(join(LABS, name, 'forwarding-was')))
  const was = readFileSync(note, 'utf8')
  // The last one turns the light off; one that outlives the first saw a 1 that the first had set.
  for (const name of others) writeFileSync(join(LABS, name, 'forwarding-was'), was)
  if (others.length === 0) writeFileSync(FORWARDING, was)
}

/** From what `iptables -S` lists to the arguments that delete it. */
export function ownRules(listed: string, comment: string): string[][] {
  return listed.split('\n')
    .filter(line => line.startsWith('-A ') && line.split(/\s+/).some(word => word.replaceAll('"', '') === comment))
    .map(line => ['-D', ...line.split(' ').slice(1).map(word => word.replaceAll('"', ''))])
}
