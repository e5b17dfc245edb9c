/**
 * DAG files that Airflow cannot read, as its own logs on the node tell: the scheduler (since Airflow 3 the DAG
 * processor) writes one log for each file and day, and nothing of it to its output.
 *
 *   logs/scheduler/2023-08-02/etl.py.log
 *   [2023-08-02T10:29:40.101+0000] {dagbag.py:536} INFO - Filling up the DagBag from /opt/airflow/dags/etl.py
 *   [2023-08-02T10:29:40.123+0000] {dagbag.py:347} ERROR - Failed to import: /opt/airflow/dags/etl.py
 *   Traceback (most recent call last):
 *   ModuleNotFoundError: No module named 'pandas'
 *
 *   logs/dag_processor/2025-06-11/dags-folder/etl.py.log
 *   {"timestamp":"…","level":"error","event":"Failed to import: /opt/airflow/dags/etl.py","error_detail":[{"exc_type":"ModuleNotFoundError","exc_value":"No module named 'pandas'"}]}
 */
import { closeSync, fstatSync, openSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokenDag } from '../access.ts'

/** A file is read every half minute, unless there are very many; what nobody has read for so long may be gone. */
const freshMs = 1_800_000
/** As many of the newest as that, and of each no more than its end. */
const maxFiles = 500
const tailBytes = 65_536

/** Of the logs folder; none where nothing can be read there. */
export function findBrokenDags(logs: string, now: Date): BrokenDag[] {
  return ['scheduler', 'dag_processor'].flatMap((part) => newestDay(join(logs, part)).flatMap((file) => {
    const log = freshTail(file, now)
    const broken = log === undefined ? undefined : brokenIn(log.text)
    return log === undefined || broken === undefined ? [] : [{ ...broken, at: log.at }]
  }))
}

/** Its link "latest" leads to a path of the pods. */
function newestDay(folder: string): string[] {
  try {
    const day = readdirSync(folder).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name)).sort().at(-1)
    if (day === undefined) return []
    const entries = readdirSync(join(folder, day), { recursive: true, encoding: 'utf8' })
    return entries.filter((name) => name.endsWith('.log')).slice(0, maxFiles).map((name) => join(folder, day, name))
  } catch {
    return []
  }
}

function freshTail(file: string, now: Date): { at: string; text: string } | undefined {
  try {
    const handle = openSync(file, 'r')
    try {
      const { size, mtime } = fstatSync(handle)
      if (now.getTime() - mtime.getTime() > freshMs) return undefined
      const bytes = Buffer.alloc(Math.min(size, tailBytes))
      readSync(handle, bytes, 0, bytes.length, size - bytes.length)
      return { at: mtime.toISOString(), text: bytes.toString('utf8') }
    } finally {
      closeSync(handle)
    }
  } catch {
    return undefined
  }
}

const begins = 'Filling up the DagBag from'
const fails = /Failed to import: (.+?)"?(?:$|[,}\s])/
/** How Python ends a traceback, and Airflow 3 writes it. */
const exception = /^([\w.]+(?:Error|Exception|Interrupt|Exit|Warning|Timeout|NotFound)[\w.]*)(?:: (.*))?$/
const detail = /"exc_type": ?"([^"]+)", ?"exc_value": ?"((?:[^"\\]|\\.)*)"/

/** Of the last time that the file was read; the text may begin in the middle. */
export function brokenIn(text: string): Pick<BrokenDag, 'file' | 'said'> | undefined {
  const lines = text.slice(Math.max(0, text.lastIndexOf(begins))).split('\n')
  const index = lines.findIndex((line) => fails.test(line))
  const line = lines[index]
  const file = fails.exec(line ?? '')?.[1]
  if (line === undefined || file === undefined) return undefined
  const [, type, value] = detail.exec(line) ?? exceptionOf(lines.slice(index + 1)) ?? []
  return { file, said: type === undefined ? '' : `${type}${value === undefined || value === '' ? '' : `: ${value.slice(0, 300)}`}` }
}

/** The last of its traceback: what comes after the next line of the log is not its. */
function exceptionOf(lines: readonly string[]): RegExpExecArray | undefined {
  const end = lines.findIndex((line) => line.startsWith('[') || line.startsWith('{'))
  return (end < 0 ? lines : lines.slice(0, end)).map((line) => exception.exec(line)).findLast((found) => found !== null) ?? undefined
}
