import { existsSync } from 'node:fs'
import { auditLog } from './api-server.ts'
import { binaries } from './binaries.ts'
import type { Engine } from './binaries.ts'
import { boot, copyKubeconfig, nodeIsReady } from './boot.ts'
import { importImages } from './containerd.ts'
import type { ImageArchive } from './containerd.ts'
import { answers } from './daemons.ts'
import { LabError, say } from './exec.ts'
import { withLock } from './lock.ts'
import { officialInReach } from './official.ts'
import { instance as instanceOf } from './paths.ts'
import type { Instance } from './paths.ts'
import { checkPlatform } from './platform.ts'
import { isAlive } from './process.ts'
import { readRecord } from './record.ts'
import type { LabRecord } from './record.ts'
import { runtimeEnv } from './runtime.ts'
import { sandboxOf } from './sandbox.ts'
import { clear } from './teardown.ts'
import { toolPath } from './tools.ts'

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
  engine?: Engine | 'auto'
  /** False leaves the cluster bare: no DNS, no Traefik. */
  fixtures?: boolean
}

/** A cluster that is ready, at once if it is there already. What is left of a broken one is cleared away first. */
export async function up(name: string, { engine = 'auto', fixtures = true }: UpOptions = {}): Promise<Lab> {
  checkPlatform()
  const instance = instanceOf(name)
  return exclusive(instance, async () => {
    const record = readRecord(instance)
    if (record !== undefined && await isWhole(instance, record)) {
      if (engine === 'auto' || engine === record.engine) return describe(instance, record)
      throw new LabError(`"${name}" runs with the engine ${record.engine}; end it first: npm run lab -- down --name ${name}`)
    }
    const parts = await binaries(await chooseEngine(engine))
    await clear(instance)
    const started = Date.now()
    say(`booting Kubernetes ${parts.version} as "${name}"…`)
    const fresh = await boot(instance, parts, { fixtures })
    say(`node Ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
    return describe(instance, fresh)
  })
}

async function chooseEngine(wish: Engine | 'auto'): Promise<Engine> {
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
  return { lab: describe(instance, record), daemons, nodeReady: await nodeIsReady(instance) }
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

/** Puts images from docker archives into a running lab. */
export async function loadImage(name: string, archives: ImageArchive[]): Promise<void> {
  await importImages(instanceOf(name), archives, { env: runtimeEnv() })
}
