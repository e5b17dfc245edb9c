import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tar } from '../../lib/adapters/tar.ts'

export const PAUSE_IMAGE = 'localhost/airstrip-lab/pause:1'

/** Holds a pod's namespaces. It reaps what is orphaned in them, and must end on TERM, or every pod takes half a minute to go. */
const PAUSE = 'trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done'

/** An image of one program, the distribution's static busybox, as a docker archive. */
export function writePauseImage(file: string, runtime: string): void {
  const busybox = ['bin/busybox', 'usr/bin/busybox'].map(part => join(runtime, part)).find(path => existsSync(path))
  const bytes = readFileSync(busybox ?? '/bin/busybox')
  const layer = tar([
    { path: 'bin' },
    { path: 'bin/busybox', bytes, mode: 0o755 },
    { path: 'bin/sleep', link: 'busybox' },
  ])
  const diffId = createHash('sha256').update(layer).digest('hex')
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: ['/bin/busybox', 'sh', '-c', PAUSE], Env: ['PATH=/bin'], User: '65535:65535' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
  })
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  const manifest = [{ Config: configName, RepoTags: [PAUSE_IMAGE], Layers: [`${diffId}.tar`] }]
  writeFileSync(file, tar([
    { path: `${diffId}.tar`, bytes: layer },
    { path: configName, bytes: config },
    { path: 'manifest.json', bytes: JSON.stringify(manifest) },
  ]))
}
