import { copyFileSync, mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirname, join } from 'node:path'
import { pauseArchive } from './binaries.ts'
import type { Binaries } from './binaries.ts'
import { makeCgroups } from './cgroups.ts'
import { importImages } from './containerd.ts'
import { makeCredentials } from './credentials.ts'
import { daemonRows } from './daemons.ts'
import { LabError, must, run } from './exec.ts'
import { writeResolvConf } from './kubelet.ts'
import { makeNetwork } from './network.ts'
import { openOutside } from './outside.ts'
import { cacheDir } from './paths.ts'
import type { Instance } from './paths.ts'
import { writeRecord } from './record.ts'
import type { LabRecord } from './record.ts'
import { openSandbox } from './sandbox.ts'
import { startDaemon } from './start.ts'
import type { Started } from './start.ts'
import { chooseTools, toolPath } from './tools.ts'

export interface BootOptions {
  /** Install what a person's cluster has besides Kubernetes: DNS and Traefik. */
  fixtures: boolean
}

/** From nothing to a node that is Ready and has its images, recorded as whole at the very end. */
export async function boot(instance: Instance, parts: Binaries, options: BootOptions): Promise<LabRecord> {
  mkdirSync(instance.run, { recursive: true, mode: 0o700 })
  // As modules where they are not built in; without the first the pods' traffic passes iptables by.
  await run('modprobe', ['-a', 'br_netfilter', 'overlay', 'veth', 'nf_conntrack'], { env: parts.env })
  makeCgroups(instance)
  const net = await makeNetwork(instance)
  if (parts.engine === 'official') await openOutside(instance, net)
  writeResolvConf(instance)
  const sandbox = await openSandbox(instance)
  const credentials = await makeCredentials(instance, net, parts.env)
  const started: Started[] = []
  let images: Promise<void> = Promise.resolve()
  for (const row of daemonRows({ instance, net, credentials, binaries: parts })) {
    started.push(...await Promise.all(row.map(daemon => startDaemon(instance, sandbox, daemon, parts.env))))
    // containerd is in the first row; what it unpacks meanwhile does not keep the others waiting.
    if (started.length === row.length) {
      images = loadImages(instance, parts)
      images.catch(() => undefined)
    }
  }
  await images
  copyKubeconfig(instance)
  await chooseTools(parts, instance)
  await waitForNode(instance)
  if (options.fixtures) await furnish(instance)
  const record = { engine: parts.engine, version: parts.version, net, daemons: started }
  await writeRecord(instance, record)
  return record
}

async function loadImages(instance: Instance, parts: Binaries): Promise<void> {
  if (parts.engine === 'official') return
  await importImages(instance, [{ tar: await pauseArchive() }], { env: parts.env })
  // The compiler that they are made with takes a second to load, which a second `up` need not wait for.
  const { standinImages } = await import('./standin/images.ts')
  await importImages(instance, await standinImages(cacheDir()), { env: parts.env })
}

/** What is on a person's cluster before airstrip comes. */
async function furnish(instance: Instance): Promise<void> {
  const { applyFixtures } = await import('./standin/fixtures.ts')
  const env = toolEnv(instance)
  await applyFixtures((args, input = '') => must('kubectl', ['--kubeconfig', instance.kubeconfig, ...args], { env, input }))
}

function toolEnv(instance: Instance): NodeJS.ProcessEnv {
  return { ...process.env, PATH: toolPath(instance) }
}

/** A node that is Ready still refuses pods until the namespace's service account is there. */
async function waitForNode(instance: Instance): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const account = await ask(instance, ['get', 'serviceaccount', 'default', '-o', 'jsonpath={.secrets[0].name}'])
    if (account !== '' && await nodeIsReady(instance)) return
    await sleep(150)
  }
  const said = await must('kubectl', ['--kubeconfig', instance.kubeconfig, 'describe', 'node'], { env: toolEnv(instance) })
  throw new LabError(`the node did not become Ready:\n${said}`)
}

/** As the API server sees it, which is what the scheduler goes by. */
export async function nodeIsReady(instance: Instance): Promise<boolean> {
  const condition = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return await ask(instance, ['get', 'node', instance.netns, '-o', condition]) === 'True'
}

async function ask(instance: Instance, args: string[]): Promise<string> {
  const kubectl = ['--kubeconfig', instance.kubeconfig, '--request-timeout=5s', ...args]
  return (await run('kubectl', kubectl, { env: toolEnv(instance) })).stdout
}

export function copyKubeconfig(instance: Instance): void {
  mkdirSync(dirname(instance.kubeconfig), { recursive: true })
  copyFileSync(join(instance.data, 'pki/admin.kubeconfig'), instance.kubeconfig)
}
