import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AirstripError } from '../errors.ts'
import type { StepName } from '../step.ts'
import { finding } from './finding.ts'

/** The record of what happened here. Readable by a person, never the truth: the cluster is. */
const stepRecord = z.object({
  status: z.enum(['pending', 'started', 'done', 'failed', 'skipped']),
  /** SHA-256 over what the step wanted. */
  fingerprint: z.string().optional(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
  ms: z.number().optional(),
  /** Tries of the last run. */
  tries: z.number().int().optional(),
  /** Objects changed by the last run. */
  changed: z.number().int().optional(),
  evidence: z.array(z.string()).optional(),
  warnings: z.array(finding).optional(),
  error: z.object({ code: z.string(), sentence: z.string(), seen: z.array(z.string()), next: z.string(), findings: z.array(finding) }).optional(),
})

export const stateVersion = 1

export const stateSchema = z.object({
  version: z.literal(stateVersion),
  /** UID of the cluster's kube-system namespace. */
  cluster: z.string().optional(),
  updatedAt: z.iso.datetime(),
  run: z.object({ id: z.string(), command: z.string(), holder: z.string(), startedAt: z.iso.datetime(), endedAt: z.iso.datetime().optional(), result: z.enum(['running', 'done', 'failed', 'interrupted']) }).optional(),
  steps: z.record(z.string(), stepRecord),
})

export type State = z.output<typeof stateSchema>
export type StepRecord = z.output<typeof stepRecord>

/** Where state lies; the adapter writes atomically and with mode 0600. */
export interface StateFile {
  path: string
  read(): string | undefined
  write(text: string): Promise<void>
  /** Keeps the file under another name and returns it. */
  moveAside(): string
  /** One line to the history beside it. */
  append(line: string): Promise<void>
}

export function emptyState(now: Date): State {
  return { version: stateVersion, updatedAt: now.toISOString(), steps: {} }
}

/**
 * A damaged file is set aside and kept, since nothing in it is needed to go on. A newer one and one
 * of another cluster are refused: going on would overwrite what somebody else relies on.
 */
export function loadState(file: StateFile, now: Date, note: (text: string) => void): State {
  const text = file.read()
  if (text === undefined) return emptyState(now)
  const parsed = parseState(text, file.path)
  if (parsed !== undefined) return parsed
  note(`${file.path} is damaged and was kept as ${file.moveAside()}; the cluster is looked at anew`)
  return emptyState(now)
}

/** Undefined where the text is damaged. */
export function parseState(text: string, path: string): State | undefined {
  try {
    const value = JSON.parse(text) as { version?: unknown }
    if (typeof value.version === 'number' && value.version > stateVersion) {
      throw new AirstripError('STATE_NEWER', `${path} was written by a newer airstrip (state version ${value.version}, this one reads ${stateVersion}).`, { place: path })
    }
    return stateSchema.parse(value)
  } catch (error) {
    if (error instanceof AirstripError) throw error
    return undefined
  }
}

export function refuseForeign(state: State, cluster: string, path: string): void {
  if (state.cluster === undefined || state.cluster === cluster) return
  throw new AirstripError('STATE_FOREIGN', `${path} belongs to another cluster (kube-system ${state.cluster}) than the one that answered (${cluster}).`, { place: path })
}

export function stepOf(state: State, name: StepName): StepRecord {
  return state.steps[name] ?? { status: 'pending' }
}

/** Tells whether a step wants the same as at another time. */
export function fingerprintOf(spec: unknown): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex')
}
