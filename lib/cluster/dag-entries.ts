/** What lies in the DAGs folder on the node and not everybody may read, as after `sudo cp` with a strict umask. */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import type { DagEntry } from '../access.ts'
import { entriesOf, unlessRefused } from './folders.ts'
import { isUnmapped } from './machine.ts'

/** How much of what people have put there is looked at, and how much is told. */
export interface Bounds { entries: number; told: number }

/** Airflow reads Python files and archives of them; what is hidden, compiled, or of the disk's own is no DAG. */
const isDag = /\.(?:py|zip)$/
const isOther = /^(?:\.|__pycache__$|lost\+found$)/

/** Follows no link: one could lead anywhere, and round. */
export function restrictedEntries(dags: string, bounds: Bounds = { entries: 5000, told: 50 }): DagEntry[] {
  const [found, folders]: [DagEntry[], string[]] = [[], [dags]]
  let left = bounds.entries
  for (let folder = folders.shift(); folder !== undefined && left > 0; folder = folders.shift()) {
    for (const entry of entriesOf(folder).slice(0, left)) {
      left -= 1
      if (isOther.test(entry.name) || !(entry.isDirectory() || (entry.isFile() && isDag.test(entry.name)))) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      found.push(...restricted(path, entry.isDirectory()))
    }
  }
  return found.slice(0, bounds.told)
}

function restricted(path: string, folder: boolean): DagEntry[] {
  const stat = unlessRefused(() => lstatSync(path))
  const wanted = folder ? 0o5 : 0o4
  if (stat === undefined || (stat.mode & wanted) === wanted || isUnmapped(stat.uid)) return []
  return [{ path, folder, uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o7777 }]
}
