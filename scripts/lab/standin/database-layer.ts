import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Layer } from './layers.ts'
import { below, packagesLayer, type Contents } from './packages-layer.ts'

/** Debian 12's; other releases carry another major version. */
const MAJORS = ['15', '14', '16', '17']
/** What charts, airstrip and the stand-in Airflow call. */
const PROGRAMS = ['postgres', 'initdb', 'psql', 'pg_dump', 'pg_restore', 'pg_isready']
/** It would bring a compiler of 110 MB along, for queries that nobody asks here. */
const LEFT_OUT = /^(llvmjit|bitcode|pgxs|man$)/

/** A real PostgreSQL, server and clients: dumps, passwords and locks are then what they are for a person. */
export function databaseLayer(cacheDir: string): Promise<Layer> {
  const packages = MAJORS.map(major => [`postgresql-${major}`, `postgresql-client-${major}`])
  return packagesLayer(cacheDir, { title: 'PostgreSQL', folder: 'postgresql', packages, contents })
}

function contents(root: string): Contents {
  const [major = ''] = readdirSync(join(root, 'usr/lib/postgresql'))
  const [bin, lib, share] = [`usr/lib/postgresql/${major}/bin`, `usr/lib/postgresql/${major}/lib`, `usr/share/postgresql/${major}`]
  return {
    programs: PROGRAMS.map(name => join(bin, name)),
    files: [lib, share].flatMap(folder => below(root, folder, LEFT_OUT)),
    more: [
      // Time zones but GMT are left out; without the folder the server would complain of it at every look.
      { path: 'usr/share/zoneinfo' },
      ...PROGRAMS.map(name => ({ path: `opt/bitnami/postgresql/bin/${name}`, link: `/${bin}/${name}` })),
    ],
  }
}
