import { existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { openApt } from './apt.ts'
import { whole } from './cache.ts'
import { say } from './exec.ts'
import { cacheDir } from './paths.ts'

const PACKAGES = [
  'etcd-server', 'containerd', 'runc', 'containernetworking-plugins',
  'iptables', 'conntrack', 'iproute2', 'busybox-static', 'openssl',
]

/** Also for `down`, which must work before anything was fetched: then these are the system's own programs. */
export function runtimeEnv(): NodeJS.ProcessEnv {
  return unpackedEnv([place()])
}

function place(): string {
  return join(cacheDir(), 'runtime')
}

/** What a node runs on besides Kubernetes: unpacked packages of the distribution, not installed. */
export function runtimeRoot(): Promise<string> {
  return whole(place(), 'fetching containerd and etcd', async dir => {
    say('fetching containerd, etcd, runc and the network plugins from the distribution…')
    const apt = await openApt(join(dir, 'apt'))
    await apt.unpack(PACKAGES, dir)
    rmSync(join(dir, 'apt'), { recursive: true })
    linkIptables(join(dir, 'usr/sbin'))
  })
}

/** The packages' own links are made by their install scripts, which did not run. */
function linkIptables(sbin: string): void {
  if (!existsSync(join(sbin, 'xtables-nft-multi'))) return
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) {
      symlinkSync('xtables-nft-multi', join(sbin, `${family}${suffix}`))
    }
  }
}

/** The environment in which unpacked programs find each other and their libraries. */
export function unpackedEnv(roots: string[], env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const bins = roots.flatMap(root => ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map(part => join(root, part)))
  const libs = roots.flatMap(libraryDirs)
  const xtables = libs.map(dir => join(dir, 'xtables')).find(dir => existsSync(dir))
  return {
    ...env,
    // A person's shell need not have the sbin folders in its PATH.
    PATH: [...bins, env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(':'),
    LD_LIBRARY_PATH: libs.join(':'),
    ...(xtables === undefined ? {} : { XTABLES_LIBDIR: xtables }),
  }
}

function libraryDirs(root: string): string[] {
  return ['usr/lib', 'lib'].flatMap(part => {
    const dir = join(root, part)
    if (!existsSync(dir)) return []
    return readdirSync(dir).filter(name => name.includes('-linux-gnu')).map(name => join(dir, name))
  })
}
