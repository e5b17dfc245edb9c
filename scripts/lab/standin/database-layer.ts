import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { openApt } from '../apt.ts'
import { whole } from '../cache.ts'
import { LabError, say } from '../exec.ts'
import { unpackedEnv } from '../runtime.ts'
import type { Entry } from '../../../lib/adapters/tar.ts'
import { librariesOf } from './layers.ts'

/** Debian 12's; other releases carry another major version. */
const MAJORS = ['15', '14', '16', '17']
/** What charts, airstrip and the stand-in Airflow call. */
const PROGRAMS = ['postgres', 'initdb', 'psql', 'pg_dump', 'pg_restore', 'pg_isready']
/** It would bring a compiler of 110 MB along, for queries that nobody asks here. */
const LEFT_OUT = /^(llvmjit|bitcode|pgxs|man$)/

/**
 * A real PostgreSQL, server and clients, from the distribution's packages with every library they need:
 * dumps, passwords and locks are then what they are for a person. Made once per cache.
 */
export async function databaseLayer(cacheDir: string): Promise<{ key: string; entries: () => Promise<Entry[]> }> {
  const root = await whole(join(cacheDir, 'postgresql'), 'fetching PostgreSQL', dir => fetchPackages(dir))
  const key = await readFile(join(root, 'packages'), 'utf8')
  return { key, entries: () => entriesOf(root) }
}

/** Also where this system has the packages: what an image holds must not depend on that. */
async function fetchPackages(dir: string): Promise<void> {
  say('fetching PostgreSQL from the distribution…')
  const apt = await openApt(join(dir, 'apt'))
  for (const major of MAJORS) {
    const named = [`postgresql-${major}`, `postgresql-client-${major}`]
    const found = await apt.unpack(named, dir, true).then(() => true, () => false)
    if (!found) continue
    const packages = (await readdir(join(dir, 'apt', 'archives'))).filter(name => name.endsWith('.deb')).sort()
    await writeFile(join(dir, 'packages'), packages.join('\n'))
    await rm(join(dir, 'apt'), { recursive: true })
    return
  }
  throw new LabError(`the distribution has none of PostgreSQL ${MAJORS.join(', ')}`)
}

async function entriesOf(root: string): Promise<Entry[]> {
  const [major = ''] = readdirSync(join(root, 'usr/lib/postgresql'))
  const [bin, lib, share] = [`usr/lib/postgresql/${major}/bin`, `usr/lib/postgresql/${major}/lib`, `usr/share/postgresql/${major}`]
  const files = [...PROGRAMS.map(name => join(bin, name)), ...below(root, lib), ...below(root, share)]
  const env = unpackedEnv([root])
  const libraries = await Promise.all(PROGRAMS.map(name => librariesOf(join(root, bin, name), env)))
  // The loader itself is node's, too.
  const shared = [...new Set(libraries.flat())].filter(path => !path.includes('/ld-linux'))
  return Promise.all([
    ...files.map(async path => ({ path, bytes: await readFile(join(root, path)), mode: path.startsWith(share) ? 0o644 : 0o755 })),
    ...shared.map(async path => ({ path: inImage(path, root), bytes: await readFile(realpathSync(path)), mode: 0o755 })),
    // Time zones but GMT are left out; without the folder the server would complain of it at every look.
    Promise.resolve({ path: 'usr/share/zoneinfo' }),
    ...PROGRAMS.map(name => Promise.resolve({ path: `opt/bitnami/postgresql/bin/${name}`, link: `/${bin}/${name}` })),
  ])
}

/** A library of the unpacked packages, or of this system, by the path that the loader looks at by itself. */
function inImage(path: string, root: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path.slice(1)
}

function below(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).filter(({ name }) => !LEFT_OUT.test(name)).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? below(root, path) : [path]
  }).sort()
}
