import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { packagedClients } from './client-tools.ts'
import { whole } from './cache.ts'
import { DEBIAN_VERSION, debianServers } from './debian.ts'
import { LabError } from './exec.ts'
import { OFFICIAL_VERSION, officialBinaries } from './official.ts'
import { cacheDir } from './paths.ts'
import { PAUSE_IMAGE, writePauseImage } from './pause.ts'
import { runtimeEnv, runtimeRoot } from './runtime.ts'

export type Engine = 'debian' | 'official'

export interface Binaries {
  engine: Engine
  version: string
  /** Folder of kube-apiserver and the others. */
  servers: string
  /** Folder of kubectl and helm. */
  clients: string
  cniPlugins: string
  runc: string
  pauseImage: string
  /** Where archives of images are kept. */
  images: string
  /** The environment in which containerd, iptables and the rest are found. */
  env: NodeJS.ProcessEnv
}

/** Gets or builds everything that a node runs on; takes minutes the first time and nothing later. */
export async function binaries(engine: Engine): Promise<Binaries> {
  // One after the other: on a small machine the build needs it all, and the lines stay readable.
  const official = engine === 'official' ? await officialBinaries() : undefined
  const clients = official ?? await packagedClients()
  const runtime = await runtimeRoot()
  const servers = official ?? await debianServers()
  const env = runtimeEnv()
  const images = join(cacheDir(), 'images')
  mkdirSync(images, { recursive: true })
  return {
    engine, servers, clients, images, env,
    version: engine === 'official' ? OFFICIAL_VERSION : DEBIAN_VERSION,
    cniPlugins: firstOf([join(runtime, 'usr/lib/cni'), '/usr/lib/cni']),
    runc: firstOf([join(runtime, 'usr/sbin/runc'), join(runtime, 'usr/bin/runc'), '/usr/sbin/runc', '/usr/bin/runc']),
    pauseImage: engine === 'official' ? 'registry.k8s.io/pause:3.5' : PAUSE_IMAGE,
  }
}

/** A package that the system has already is not unpacked once more. */
function firstOf(paths: string[]): string {
  const found = paths.find(path => existsSync(path))
  if (found === undefined) throw new LabError(`none of these is there: ${paths.join(', ')}`)
  return found
}

/** The archive of the pause image, made once. */
export async function pauseArchive(): Promise<string> {
  const runtime = await runtimeRoot()
  const dir = await whole(join(cacheDir(), 'images', 'pause'), 'making the pause image', temporary => {
    writePauseImage(join(temporary, 'pause.tar'), runtime)
    return Promise.resolve()
  })
  return join(dir, 'pause.tar')
}
