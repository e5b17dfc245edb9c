/** What lies in the DAGs folder on the node and Airflow's user may not read, as after `sudo cp` with a strict umask. */
import { lstatSync, type Dirent } from 'node:fs'
import type { DagEntry } from '../access.ts'
import { mayRead } from '../preflight/folders.ts'
import { below, unlessRefused } from './folders.ts'
import { isUnmapped } from './machine.ts'

/** How much of what people have put there is looked at, and how much is told. */
export interface Bounds { entries: number; told: number }

/** Airflow reads Python files and archives of them; what is hidden, compiled, or of the disk's own is no DAG. */
const isDag = /\.(?:py|zip)$/
const isOther = /^(?:\.|__pycache__$|lost\+found$)/

const isWanted = (entry: Dirent): boolean => !isOther.test(entry.name) && (entry.isDirectory() || (entry.isFile() && isDag.test(entry.name)))

export function closedEntries(dags: string, bounds: Bounds = { entries: 5000, told: 50 }): DagEntry[] {
  return below(dags, bounds.entries, isWanted).flatMap(({ path, entry }): DagEntry[] => {
    const stat = unlessRefused(() => lstatSync(path))
    if (stat === undefined || isUnmapped(stat.uid)) return []
    const facts = { path, folder: entry.isDirectory(), uid: stat.uid, gid: stat.gid, mode: stat.mode & 0o7777 }
    return mayRead(facts) ? [] : [facts]
  }).slice(0, bounds.told)
}
