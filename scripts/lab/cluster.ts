import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirname, join } from 'node:path'
import { auditLog } from './api-server.ts'
import { binaries, pauseArchive } from './binaries.ts'
import type { Binaries, Engine } from './binaries.ts'
import { makeCgroups, removeCgroups } from './cgroups.ts'
import { importImages } from './containerd.ts'
import type { ImageArchive } from './containerd.ts'
import { makeCredentials } from './credentials.ts'
import { answers, daemonRows } from './daemons.ts'
import { LabError, must, run, say } from './exec.ts'
import { writeResolvConf } from './kubelet.ts'
import { withLock } from './lock.ts'
import { makeNetwork, removeNetwork } from './network.ts'
import { closeOutside, openOutside } from './outside.ts'
import { officialInReach } from './official.ts'
import { cacheDir, instance as instanceOf } from './paths.ts'
import type { Instance } from './paths.ts'
import { checkPlatform } from './platform.ts'
import { isAlive } from './process.ts'
import { readRecord, writeRecord } from './record.ts'
import type { LabRecord } from './record.ts'
import { removeFolder } from './remove.ts'
import { closeSandbox, openSandbox, sandboxOf } from './sandbox.ts'
import { startDaemon } from './start.ts'
import type { Started } from './start.ts'
import { chooseTools, toolPath } from './tools.ts'

export interface Lab {
  name: string
  engine: Engine
  version: string
  /** The file that kubectl, helm and airstrip are pointed at. */
  kubeconfig: string
  server: string
  nodeIP: string
  /** A PATH in which kubectl and helm fit this cluster. */
  path: string
  /** One JSON event per line for each request of people and pods. */
  auditLog: string
}

export interface UpOptions {
  /** `auto` takes what is running, else the official programs where they can be had. */
  engine: Engine | 'auto'
}

/** A cluster that is ready, at once if it is there already. What is left of a broken one is cleared away first. */
export async function up(name: string, options: UpOptions = { engine: 'auto' }): Promise<Lab> {
  checkPlatform()
  const instance = instanceOf(name)
  return exclusive(instance, async () => {
    const record = readRecord(instance)
    if (record !== undefined && await isWhole(instance, record)) {
      if (options.engine === 'auto' || options.engine === record.engine) return describe(instance, record)
      throw new LabError(`"${name}" runs with the engine ${record.engine}; end it first: npm run lab -- down --name ${name}`)
    }
    const parts = await binaries(await chooseEngine(options.engine))
    await clear(instance)
    const started = Date.now()
    say(`booting Kubernetes ${parts.version} as "${name}"…`)
    const fresh = await boot(instance, parts)
    say(`node Ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
    return describe(instance, fresh)
  })
}

async function chooseEngine(wish: UpOptions['engine']): Promise<Engine> {
  if (wish !== 'auto') return wish
  if (await officialInReach()) return 'official'
  say("dl.k8s.io is out of reach: building from the distribution's source, with stand-in images")
  return 'debian'
}

/** `up` and `down` of one instance never run at the same time. */
function exclusive<T>(instance: Instance, work: () => Promise<T>): Promise<T> {
  return withLock(`${instance.run}.lock`, `starting or ending the lab "${instance.name}"`, work)
}

export async function down(name: string): Promise<void> {
  checkPlatform()
  const instance = instanceOf(name)
  await exclusive(instance, () => clear(instance))
}

export interface DaemonStatus {
  name: string
  alive: boolean
}

export interface Status {
  lab: Lab | undefined
  daemons: DaemonStatus[]
  nodeReady: boolean
}

export async function status(name: string): Promise<Status> {
  const instance = instanceOf(name)
  const record = readRecord(instance)
  if (record === undefined) return { lab: undefined, daemons: [], nodeReady: false }
  const daemons = record.daemons.map(daemon => ({ name: daemon.name, alive: isAlive(daemon.id) }))
  return { lab: describe(instance, record), daemons, nodeReady: await isWhole(instance, record) }
}

function describe(instance: Instance, record: LabRecord): Lab {
  return {
    name: instance.name,
    engine: record.engine,
    version: record.version,
    kubeconfig: instance.kubeconfig,
    server: `https://${record.net.nodeIP}:6443`,
    nodeIP: record.net.nodeIP,
    path: toolPath(instance),
    auditLog: auditLog(instance),
  }
}

async function isWhole(instance: Instance, record: LabRecord): Promise<boolean> {
  if (sandboxOf(instance) === undefined || !record.daemons.every(daemon => isAlive(daemon.id))) return false
  if (!existsSync(instance.kubeconfig)) copyKubeconfig(instance)
  return answers(`http://${record.net.nodeIP}:10248/healthz`)
}

async function boot(instance: Instance, parts: Binaries): Promise<LabRecord> {
  mkdirSync(instance.run, { recursive: true, mode: 0o700 })
  // As modules where they are not built in; without the first the pods' traffic passes iptables by.
  await run('modprobe', ['-a', 'br_netfilter', 'overlay', 'veth', 'nf_conntrack'], { env: parts.env })
  makeCgroups(instance)
  const net = await makeNetwork(instance)
  if (parts.engine === 'official') await openOutside(instance, net, parts.env)
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
  const record = { engine: parts.engine, version: parts.version, net, daemons: started }
  await writeRecord(instance, record)
  return record
}

async function loadImages(instance: Instance, parts: Binaries): Promise<void> {
  if (parts.engine === 'official') return
  await loadImage(instance.name, [{ tar: await pauseArchive(), names: [parts.pauseImage] }], parts.env)
  // The compiler that they are made with takes a second to load, which a second `up` need not wait for.
  const { standinImages } = await import('./standin/images.ts')
  await loadImage(instance.name, await standinImages(cacheDir()), parts.env)
}

/** Puts images from docker archives into a running lab. */
export async function loadImage(name: string, archives: ImageArchive[], env: NodeJS.ProcessEnv): Promise<void> {
  await importImages(instanceOf(name), archives, { env })
}

/** A node that is Ready still refuses pods until the namespace's service account is there. */
async function waitForNode(instance: Instance): Promise<void> {
  const env = { ...process.env, PATH: toolPath(instance) }
  const ask = (args: string[]): Promise<string> =>
    run('kubectl', ['--kubeconfig', instance.kubeconfig, ...args], { env }).then(result => result.stdout)
  const ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  for (let tries = 0; tries < 200; tries++) {
    const account = await ask(['get', 'serviceaccount', 'default', '-o', 'jsonpath={.secrets[0].name}'])
    if (account !== '' && await ask(['get', 'node', instance.netns, '-o', ready]) === 'True') return
    await sleep(150)
  }
  const said = await must('kubectl', ['--kubeconfig', instance.kubeconfig, 'describe', 'node'], { env })
  throw new LabError(`the node did not become Ready:\n${said}`)
}

function copyKubeconfig(instance: Instance): void {
  mkdirSync(dirname(instance.kubeconfig), { recursive: true })
  copyFileSync(join(instance.data, 'pki/admin.kubeconfig'), instance.kubeconfig)
}

/** Ends and removes everything of an instance, whatever state it is in. The binaries stay in the cache. */
async function clear(instance: Instance): Promise<void> {
  await closeSandbox(instance)
  await removeCgroups(instance)
  await closeOutside(instance, join(cacheDir(), 'runtime'))
  await removeNetwork(instance)
  await removeFolder(instance.data)
  await removeFolder(instance.run)
  rmSync(instance.kubeconfig, { force: true })
}
