/**
 * DAG files that Airflow cannot read, as its own logs on the node tell: the scheduler (since Airflow 3 the DAG
 * processor) writes one log for each file and day, and nothing of it to its output.
 *
 *   logs/scheduler/2023-08-02/etl.py.log
 *   [2023-08-02T10:29:40.101+0000] {dagbag.py:536} INFO - Filling up the DagBag from /opt/airflow/dags/etl.py
 *   [2023-08-02T10:29:40.123+0000] {dagbag.py:347} ERROR - Failed to import: /opt/airflow/dags/etl.py
 *   Traceback (most recent call last):
 *   ModuleNotFoundError: No module named 'pandas'
 *   [2023-08-02T10:29:40.125+0000] {processor.py:841} WARNING - No viable dags retrieved from /opt/airflow/dags/etl.py
 *
 *   logs/dag_processor/2025-06-11/dags-folder/etl.py.log
 *   {"timestamp":"…","level":"error","event":"Failed to import: /opt/airflow/dags/etl.py","error_detail":[{"exc_type":"ModuleNotFoundError","exc_value":"No module named 'pandas'"}]}
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { BrokenDag, DagLogs } from '../access.ts'
import { writtenAt } from '../observe/observation.ts'
import { below, entriesOf, listed, unlessRefused } from './folders.ts'

/** A file is read every half minute, unless there are very many. */
const freshMs = 600_000
/** What may still be under way in a log that was written so lately. */
const readingMs = 60_000

/** How much of what the pods have put there is read at most; of the files the newest, of each its end. */
export interface Bounds { entries: number; files: number; tailBytes: number }

/** Of the logs folder, in which the pods write what they like. */
export function findBrokenDags(logs: string, now: Date, bounds: Bounds = { entries: 5000, files: 500, tailBytes: 65_536 }): DagLogs {
  const files = ['scheduler', 'dag_processor'].flatMap((part) => newestDay(join(logs, part), bounds))
  const fresh = files.map((file) => ({ file, at: mtimeOf(file) })).filter(({ at }) => now.getTime() - at < freshMs)
  const tails = fresh.sort((a, b) => b.at - a.at).slice(0, bounds.files).map(({ file, at }) => ({ at, text: tailOf(file, bounds) }))
  const broken = tails.flatMap(({ at, text }) => brokenIn(text, { written: at, now: now.getTime() }) ?? [])
  return { read: tails.length, broken: broken.filter(({ file }) => !isGone(file, join(logs, '..', 'dags'))) }
}

/** Its link "latest" leads to a path of the pods. */
function newestDay(folder: string, bounds: Bounds): string[] {
  const day = entriesOf(folder).filter((one) => one.isDirectory() && /^\d{4}-\d\d-\d\d$/.test(one.name)).map(({ name }) => name).sort().at(-1)
  return day === undefined ? [] : below(join(folder, day), bounds.entries).filter(({ entry }) => entry.isFile() && entry.name.endsWith('.log')).map(({ path }) => path)
}

function mtimeOf(file: string): number {
  return unlessRefused(() => statSync(file).mtimeMs) ?? 0
}

/** A file may have become a link, or a pipe that nobody writes to, since it was listed. */
function tailOf(file: string, { tailBytes }: Bounds): string {
  return unlessRefused(() => {
    const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(handle)
      const bytes = Buffer.alloc(stat.isFile() ? Math.min(stat.size, tailBytes) : 0)
      readSync(handle, bytes, 0, bytes.length, stat.size - bytes.length)
      // Colours within a word would hide what it says.
      return stripVTControlCharacters(bytes.toString('utf8'))
    } finally {
      closeSync(handle)
    }
  }) ?? ''
}

/** Deleted since, where its folder is one of this machine; what git-sync has fetched is elsewhere, and what is behind a closed folder may be there. */
function isGone(file: string, dags: string): boolean {
  const here = file.replace('/opt/airflow/dags/', `${dags}/`)
  const there = here === file ? undefined : unlessRefused(() => listed(dirname(here)))
  return there !== undefined && !there.some(({ name }) => name === basename(here))
}

const begins = 'Filling up the DagBag from'
const ends = 'retrieved from '
const fails = /Failed to (?:import|bag_dag): ([^"]+)/

/** Of the last time that the file was read to its end; the text may begin in the middle. Times are ms since 1970. */
export function brokenIn(text: string, { written, now }: { written: number; now: number }): BrokenDag | undefined {
  const reads = text.split(begins)
  const last = reads.at(-1) ?? ''
  const isReading = reads.length > 1 && !fails.test(last) && !last.includes(ends) && now - written < readingMs
  const lines = ((isReading ? reads.at(-2) : last) ?? '').split('\n')
  const index = lines.findLastIndex((line) => fails.test(line))
  const line = lines[index] ?? ''
  const file = fails.exec(line)?.[1]?.trim()
  const at = writtenAt(line) ?? written
  if (file === undefined || now - at >= freshMs) return undefined
  return { file, said: saidIn(line) ?? exceptionIn(lines.slice(index + 1)) ?? '', at: new Date(at).toISOString() }
}

/** As Airflow 3 writes it, a line for each event. */
function saidIn(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const [first] = (JSON.parse(line) as { error_detail?: { exc_type?: string; exc_value?: string }[] }).error_detail ?? []
    return first === undefined ? undefined : [first.exc_type ?? '', first.exc_value ?? ''].filter((part) => part !== '').join(': ')
  } catch {
    return undefined
  }
}

/** How Python ends a traceback; what comes after the next line of the log is not its. */
function exceptionIn(lines: readonly string[]): string | undefined {
  const end = lines.findIndex((line) => line.startsWith('[') || line.startsWith('{'))
  return (end < 0 ? lines : lines.slice(0, end)).findLast((line) => /^[\w.]+(?:: .*)?$/.test(line))
}
