import { appendFileSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import type { HistoryFiles } from '../engine/history.ts'
import { ownerOnly, readIfThere } from './files.ts'

/** Six weeks of an hourly timer, in about half a megabyte. */
const mostRuns = 1000
const mostTranscripts = 100

/** A state file's history lies beside it; one of another name has one of its own, since locks are per state file. */
export function historyPaths(statePath: string): { history: string; runs: string } {
  const name = basename(statePath, '.json')
  const prefix = name === 'state' ? '' : `${name}.`
  return { history: join(dirname(statePath), `${prefix}history.ndjson`), runs: join(dirname(statePath), `${prefix}runs`) }
}

export function historyFiles(statePath: string): HistoryFiles {
  const { history, runs } = historyPaths(statePath)
  return {
    read: () => readIfThere(history),
    append: (line) => {
      mkdirSync(dirname(history), { recursive: true })
      const before = readIfThere(history) ?? ''
      const lines = before.split('\n').filter((one) => one !== '')
      if (lines.length >= mostRuns) {
        writeFileAtomic.sync(history, [...lines.slice(1 - mostRuns), line, ''].join('\n'), { mode: ownerOnly })
        return
      }
      // A line that was cut when the machine went down has no end, and must not swallow this one.
      const gap = before === '' || before.endsWith('\n') ? '' : '\n'
      appendFileSync(history, `${gap}${line}\n`, { mode: ownerOnly })
    },
    begin: (id) => {
      mkdirSync(runs, { recursive: true, mode: 0o700 })
      forgetOldest(runs)
      const file = openSync(join(runs, `${id}.ndjson`), 'ax', ownerOnly)
      return (line) => {
        writeSync(file, `${line}\n`)
      }
    },
  }
}

/** Names sort by the time of their run; what is not called like a transcript is somebody else's. */
function forgetOldest(runs: string): void {
  const transcripts = readdirSync(runs).filter((name) => /^\d{8}T\d{9}Z-\d*\.ndjson$/.test(name)).sort()
  for (const name of transcripts.slice(0, Math.max(0, transcripts.length - mostTranscripts + 1))) rmSync(join(runs, name), { force: true })
}
