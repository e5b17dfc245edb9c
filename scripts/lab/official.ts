import { createHash } from 'node:crypto'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whole } from './cache.ts'
import { LabError, must, say } from './exec.ts'
import { cacheDir } from './paths.ts'

/** The reference's own versions. */
export const OFFICIAL_VERSION = 'v1.22.8'
const HELM_VERSION = 'v3.9.4'
const PROGRAMS = ['kubectl', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy']

const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** Is the place of the official programs within reach? A firewall may swallow packets, so the wait is short. */
export async function officialInReach(): Promise<boolean> {
  try {
    const answer = await fetch(releaseUrl('kubectl.sha256'), { signal: AbortSignal.timeout(3000) })
    return answer.ok
  } catch {
    return false
  }
}

function releaseUrl(file: string): string {
  return `https://dl.k8s.io/release/${OFFICIAL_VERSION}/bin/linux/${arch}/${file}`
}

/** A folder with the servers, kubectl and helm, each compared with its published checksum. */
export function officialBinaries(): Promise<string> {
  return whole(join(cacheDir(), `kubernetes-official-${OFFICIAL_VERSION}`), 'downloading Kubernetes', async dir => {
    for (const [index, name] of PROGRAMS.entries()) {
      say(`downloading ${name} ${OFFICIAL_VERSION} (${index + 1} of ${PROGRAMS.length})…`)
      await download(releaseUrl(name), releaseUrl(`${name}.sha256`), join(dir, name))
      chmodSync(join(dir, name), 0o755)
    }
    say(`downloading helm ${HELM_VERSION}…`)
    const url = `https://get.helm.sh/helm-${HELM_VERSION}-linux-${arch}.tar.gz`
    const archive = join(dir, 'helm.tar.gz')
    await download(url, `${url}.sha256`, archive)
    await must('tar', ['-xzf', archive, '-C', dir, '--strip-components=1', `linux-${arch}/helm`])
    rmSync(archive)
  })
}

async function download(url: string, checksumUrl: string, file: string): Promise<void> {
  const content = await body(url)
  // Some of these files hold the sum alone, some "sum  name".
  const expected = (await body(checksumUrl)).toString().trim().split(/\s+/)[0]
  const actual = createHash('sha256').update(content).digest('hex')
  if (actual !== expected) throw new LabError(`${url} has checksum ${actual}, published is ${expected ?? 'none'}`)
  writeFileSync(file, content)
}

async function body(url: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(600_000) })
  if (!answer.ok) throw new LabError(`${url} answered ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}
