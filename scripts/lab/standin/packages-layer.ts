import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openApt } from '../apt.ts'
import { whole } from '../cache.ts'
import { LabError, say } from '../exec.ts'
import { unpackedEnv } from '../runtime.ts'
import type { Entry } from '../../../lib/adapters/tar.ts'
import { librariesOf, type Layer } from './layers.ts'

export interface Wanted {
  /** What a person calls it. */
  title: string
  /** In the cache. */
  folder: string
  /** Releases of a distribution name packages differently: of these lists, the first that it has. */
  packages: string[][]
  contents: (root: string) => Contents
}

/** By their paths below the root. */
export interface Contents {
  /** Every library that they need comes along. */
  programs: string[]
  files: string[]
  more: Entry[]
}

/**
 * Real programs from the distribution's packages, with every library they need: what they refuse, and the
 * words in which they do it, are then what they are for a person. Fetched once per cache.
 */
export async function packagesLayer(cacheDir: string, { title, folder, packages, contents }: Wanted): Promise<Layer> {
  const root = await whole(join(cacheDir, folder), `fetching ${title}`, dir => fetchPackages(dir, title, packages))
  const wanted = contents(root)
  const key = JSON.stringify([await readFile(join(root, 'packages'), 'utf8'), wanted])
  return { key, entries: () => entriesOf(root, wanted) }
}

/** Also where this system has the packages: what an image holds must not depend on that. */
async function fetchPackages(dir: string, title: string, choices: string[][]): Promise<void> {
  say(`fetching ${title} from the distribution…`)
  const apt = await openApt(join(dir, 'apt'))
  for (const packages of choices) {
    const found = await apt.unpack(packages, dir, true).then(() => true, () => false)
    if (!found) continue
    const archives = (await readdir(join(dir, 'apt', 'archives'))).filter(name => name.endsWith('.deb')).sort()
    await writeFile(join(dir, 'packages'), archives.join('\n'))
    await rm(join(dir, 'apt'), { recursive: true })
    return
  }
  throw new LabError(`the distribution has none of these: ${choices.map(packages => packages.join(' and ')).join('; ')}`)
}

async function entriesOf(root: string, { programs, files, more }: Contents): Promise<Entry[]> {
  const env = unpackedEnv([root])
  const libraries = await Promise.all(programs.map(path => librariesOf(join(root, path), env)))
  // The loader itself is node's, too.
  const shared = [...new Set(libraries.flat())].filter(path => !path.includes('/ld-linux'))
  return [
    ...(await Promise.all([...programs, ...files].map(path => fileAt(path, join(root, path))))),
    ...(await Promise.all(shared.map(path => fileAt(inImage(path, root), realpathSync(path))))),
    ...more,
  ]
}

async function fileAt(path: string, source: string): Promise<Entry> {
  return { path, bytes: await readFile(source), mode: (await stat(source)).mode & 0o777 }
}

/** A library of the unpacked packages, or of this system, by the path that the loader looks at by itself. */
function inImage(path: string, root: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path.slice(1)
}

/** All files in a folder of a package, but for those whose name the pattern fits. */
export function below(root: string, folder: string, leftOut: RegExp): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).filter(({ name }) => !leftOut.test(name)).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? below(root, path, leftOut) : [path]
  }).sort()
}
