import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FAMILIES, type Family } from './catalogue.ts'
import { databaseLayer } from './database-layer.ts'
import { gitLayer } from './git-layer.ts'
import { programLayer, runtimeLayer } from './layers.ts'
import { tar, type Entry } from '../../../lib/adapters/tar.ts'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Docker archives of the stand-in images, for `ctr -n k8s.io image import`. All are in one archive: they
 * differ in name and entrypoint only, and containerd then reads and unpacks the layers once.
 */
export async function standinImages(cacheDir: string): Promise<{ tar: string; names: string[] }[]> {
  await mkdir(cacheDir, { recursive: true })
  const packed = [await runtimeLayer(cacheDir), await databaseLayer(cacheDir), await gitLayer(cacheDir)]
  const programs = tar(await programLayer())
  const key = digest(Buffer.from(JSON.stringify([packed.map(layer => layer.key), digest(programs), FAMILIES])))
  const path = join(cacheDir, `standin-images-${key.slice(0, 16)}.tar`)
  if (!existsSync(path)) await build(path, ...eachOnce(await Promise.all(packed.map(layer => layer.entries()))).map(entries => tar(entries)), programs)
  await forgetOldArchives(cacheDir, path)
  return [{ tar: path, names: FAMILIES.flatMap(family => family.names) }]
}

/** They need many libraries in common: what a lower layer has, a higher one does not bring again. */
function eachOnce(layers: Entry[][]): Entry[][] {
  const there = new Set<string>()
  return layers.map(entries => {
    const fresh = entries.filter(({ path }) => !there.has(path))
    for (const { path } of fresh) there.add(path)
    return fresh
  })
}

async function build(path: string, ...layers: Buffer[]): Promise<void> {
  const digests = layers.map(layer => digest(layer))
  const configs = FAMILIES.map(family => ({ family, json: imageConfig(family, digests) }))
  const files: Entry[] = layers.map((bytes, index) => ({ path: `${digests[index] ?? ''}.tar`, bytes }))
  const manifest = configs.map(({ family, json }) => ({
    Config: `${digest(Buffer.from(json))}.json`,
    RepoTags: family.names,
    Layers: digests.map(hash => `${hash}.tar`),
  }))
  files.push(...configs.map(({ json }) => ({ path: `${digest(Buffer.from(json))}.json`, bytes: json })))
  files.push({ path: 'manifest.json', bytes: JSON.stringify(manifest) })
  // A run that is killed here must not leave half an archive under the name that the next run trusts.
  const partial = `${path}.${process.pid}.part`
  await writeFile(partial, tar(files))
  await rename(partial, path)
}

function imageConfig(family: Family, diffIds: string[]): string {
  return JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Env: Object.entries({ PATH, ...family.env }).map(([name, value]) => `${name}=${value}`),
      ...(family.entrypoint.length > 0 ? { Entrypoint: family.entrypoint } : {}),
      ...(family.user === undefined ? {} : { User: family.user }),
      WorkingDir: family.workdir ?? '/',
      Labels: { 'airstrip.lab/stand-in': 'true' },
    },
    rootfs: { type: 'layers', diff_ids: diffIds.map(hash => `sha256:${hash}`) },
    history: diffIds.map(() => ({ created_by: 'airstrip lab stand-in' })),
  })
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** An archive is 170 MB and a new one appears with every change to a program; another checkout may use a fresh one. */
async function forgetOldArchives(cacheDir: string, keep: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name)
    if (!name.startsWith('standin-images-') || path === keep) continue
    if (Date.now() - (await stat(path)).mtimeMs > DAY_MS) await rm(path, { force: true })
  }
}
