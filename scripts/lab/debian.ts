import { closeSync, cpSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openApt } from './apt.ts'
import { whole } from './cache.ts'
import { LabError, run, say } from './exec.ts'
import { cacheDir } from './paths.ts'
import { unpackedEnv } from './runtime.ts'

const SERVERS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy']
const TOOLCHAIN = ['golang-go', 'golang-github-modern-go-reflect2-dev', 'rsync', 'jq', 'make']
/** What a program says of itself, and what the API server's /version says: its aggregator takes the latter's. */
const VERSION_PACKAGES = ['component-base/version', 'client-go/pkg/version']

export const DEBIAN_VERSION = 'v1.20.2'
/** Of what is built from it here: another number builds anew. */
const BUILD = 2

/** Kubernetes built from the distribution's source package: what can be had where only its archive can be reached. */
export function debianServers(): Promise<string> {
  return whole(join(cacheDir(), `kubernetes-debian-${DEBIAN_VERSION}-${BUILD}`), 'building Kubernetes', async dir => {
    const work = join(dir, 'work')
    say(`fetching the source of Kubernetes ${DEBIAN_VERSION} and Go from the distribution…`)
    const { tree, env } = await prepare(work)
    const log = openSync(join(dir, 'build.log'), 'a')
    const step = async (what: string, file: string, args: string[]): Promise<void> => {
      say(what)
      const result = await run(file, args, { cwd: tree, env, logFd: log })
      if (result.code !== 0) throw new LabError(`${what} failed:\n${tail(join(dir, 'build.log'))}`)
    }
    await step('generating code (1 of 6; all six take about four minutes on two cores)…', 'make', ['generated_files'])
    for (const [index, name] of SERVERS.entries()) {
      const args = ['build', '-tags', 'providerless dockerless', '-ldflags', linkerFlags(), '-o', join(dir, name)]
      await step(`building ${name} (${index + 2} of 6)…`, 'go', [...args, `./cmd/${name}`])
    }
    closeSync(log)
    rmSync(work, { recursive: true, force: true })
  })
}

async function prepare(work: string): Promise<{ tree: string; env: NodeJS.ProcessEnv }> {
  const tools = join(work, 'tools')
  const apt = await openApt(join(work, 'apt'))
  const files = await apt.source('kubernetes', join(work, 'source'))
  const archive = files.find(file => /\.orig\.tar\.\w+$/.test(file))
  // Other releases carry other versions, whose build was never tried; better no lab than a broken one.
  if (!archive?.includes(DEBIAN_VERSION.slice(1))) {
    throw new LabError(`the distribution's source is ${archive ?? 'missing'}, not ${DEBIAN_VERSION} as in Debian 12`)
  }
  await apt.unpack(TOOLCHAIN, tools)
  const gopath = join(work, 'gopath')
  const tree = join(gopath, 'src/k8s.io/kubernetes')
  mkdirSync(tree, { recursive: true })
  const unpacked = await run('tar', ['-xf', archive, '-C', tree, '--strip-components=1'])
  if (unpacked.code !== 0) throw new LabError(`${archive}: ${unpacked.stderr}`)
  replaceReflect2(tree, tools)
  collectSooner(tree)
  return { tree, env: { ...unpackedEnv([tools]), ...goEnv(tools, work, gopath) } }
}

/** The vendored 1.0.1 reads Go's internals wrongly from 1.18 on: the API server dies on the first custom resource. */
function replaceReflect2(tree: string, tools: string): void {
  const vendored = join(tree, 'vendor/github.com/modern-go/reflect2')
  rmSync(vendored, { recursive: true })
  cpSync(join(tools, 'usr/share/gocode/src/github.com/modern-go/reflect2'), vendored, { recursive: true })
}

/**
 * The kubelet of 1.20 lets a deleted pod stay until its sandbox is collected, once a minute: a StatefulSet's
 * next pod waits half of that, which on 1.22 it does not (kubernetes/kubernetes#88543).
 */
function collectSooner(tree: string): void {
  const file = join(tree, 'pkg/kubelet/kubelet.go')
  const [before, after] = ['ContainerGCPeriod = time.Minute', 'ContainerGCPeriod = 2 * time.Second']
  const source = readFileSync(file, 'utf8')
  if (!source.includes(before)) throw new LabError(`${file} does not say ${before}: this source was never tried`)
  writeFileSync(file, source.replace(before, after))
}

function goEnv(tools: string, work: string, gopath: string): NodeJS.ProcessEnv {
  return {
    GOROOT: join(tools, 'usr/lib/go'),
    GOPATH: gopath,
    GOCACHE: join(work, 'gocache'),
    GO111MODULE: 'off',
    GOFLAGS: `-p=${availableParallelism()}`,
    CGO_ENABLED: '0',
  }
}

function linkerFlags(): string {
  const [major = '', minor = ''] = DEBIAN_VERSION.slice(1).split('.')
  const values = [`gitVersion=${DEBIAN_VERSION}`, `gitMajor=${major}`, `gitMinor=${minor}`]
  const settings = VERSION_PACKAGES.flatMap(name => values.map(value => `-X k8s.io/kubernetes/vendor/k8s.io/${name}.${value}`))
  return ['-s', '-w', ...settings].join(' ')
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n')
}
