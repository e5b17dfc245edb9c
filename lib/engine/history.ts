/**
 * What happened in earlier runs: a line for each, and a transcript of those in which something did.
 * A run that only found everything as wanted leaves its line alone: from a timer that is a hundred
 * runs a day, and their transcripts would push out the one that somebody will want to read.
 */
import { z } from 'zod'
import { lineOf, type Event, type Line } from './events.ts'
import { redacted } from './redacted.ts'
import type { RunRecord, State } from './state.ts'

export const historyEntry = z.object({
  id: z.string().describe('When it began and its process, as a file name; of its transcript, too'),
  command: z.string().describe('The command line'),
  holder: z.string().describe('host/pid/start of its process'),
  startedAt: z.iso.datetime().describe('When it began'),
  endedAt: z.iso.datetime().optional().describe('When it ended; not known of a run that was killed'),
  result: z.enum(['done', 'failed', 'interrupted', 'killed']).describe('How it ended; killed is written by the run that came after'),
  exitCode: z.number().int().optional().describe('Its exit code; a run that was killed has none'),
  changed: z.number().int().optional().describe('How many objects it changed; not known of a run that was killed'),
  steps: z.record(z.string(), z.string()).describe('What became of each chosen step, by its name'),
  sentence: z.string().optional().describe('Why it failed'),
  findings: z.array(z.string()).optional().describe('The causes by id and title, the first one first'),
})

export type HistoryEntry = z.output<typeof historyEntry>
export type Outcome = Pick<HistoryEntry, 'endedAt' | 'result' | 'exitCode' | 'changed' | 'steps' | 'sentence' | 'findings'>

/** Where the history lies, beside its state file. */
export interface HistoryFiles {
  read(): string | undefined
  append(line: string): void
  /** A new transcript; what is returned writes a line to it at once, so that a kill leaves what was said. */
  begin(id: string): (line: string) => void
}

export interface History {
  /** Takes down what the run says. */
  record(event: Event, at: Date): void
  /** A run that was killed could not write its line; whoever holds the lock after it does. */
  settle(state: State): void
  /** The run's own line. */
  end(outcome: Outcome): void
}

/** The start and the process tell two runs apart, and sort as they ran; no character needs quoting anywhere. */
export function runId(startedAt: Date, holder: string): string {
  return `${startedAt.toISOString().replaceAll(/[-:.]/g, '')}-${holder.split('/')[1]?.replaceAll(/\D/g, '') ?? ''}`
}

export function statusesOf({ steps }: State, names = Object.keys(steps)): HistoryEntry['steps'] {
  return Object.fromEntries(names.map((name) => [name, steps[name]?.status ?? 'pending']))
}

/** What tells more than that all was as wanted. */
const worthKeeping: Event['type'][] = ['note', 'asked', 'change', 'waiting', 'retry', 'step-failed']

export function createHistory(files: HistoryFiles, run: RunRecord, redact: (text: string) => string, note: (text: string) => void): History {
  const text = (value: HistoryEntry | Line): string => JSON.stringify(redacted(value, redact))
  const [transcribe, append] = [calmly('transcript', note), calmly('line in the history', note)]
  /** What was said before anything was worth keeping. */
  const early: string[] = []
  let write: ((line: string) => void) | undefined
  return {
    record: (event, at) => {
      transcribe(() => {
        const line = text(lineOf(event, at))
        if (write === undefined && !worthKeeping.includes(event.type)) early.push(line)
        else {
          write ??= files.begin(run.id)
          for (const one of [...early.splice(0), line]) write(one)
        }
      })
    },
    settle: (state) => {
      append(() => {
        if (state.run?.result !== 'running' || parseHistory(files.read() ?? '').some(({ id }) => id === state.run?.id)) return
        const { id, command, holder, startedAt } = state.run
        files.append(text({ id, command, holder, startedAt, result: 'killed', steps: statusesOf(state) }))
      })
    },
    end: (outcome) => {
      const { id, command, holder, startedAt } = run
      append(() => {
        files.append(text({ id, command, holder, startedAt, ...outcome }))
      })
    },
  }
}

/** That something cannot be kept is told once and ends no run: what the cluster has become matters more. */
function calmly(what: string, note: (text: string) => void): (act: () => void) => void {
  let broken = false
  return (act) => {
    try {
      if (!broken) act()
    } catch (error) {
      broken = true
      note(`this run will have no ${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** A line that was only half written when the machine went down is passed over, and the next one read. */
export function parseHistory(text: string): HistoryEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const { data } = historyEntry.safeParse(JSON.parse(line))
      return data === undefined ? [] : [data]
    } catch {
      return []
    }
  })
}
