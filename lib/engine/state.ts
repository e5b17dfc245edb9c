import { createHash } from 'node:crypto'
import { z } from 'zod'
import { witnessed } from '../doctor/evidence-schema.ts'
import { AirstripError } from '../errors.ts'
import { parsedJson } from '../json.ts'
import type { StepName } from '../step.ts'
import { finding, problem } from './finding.ts'
import { redacted } from './redacted.ts'

/** The record of what happened here. Readable by a person, never the truth: the cluster is. */
export const stepRecord = z.object({
  status: z.enum(['pending', 'started', 'done', 'failed', 'skipped']).describe('started is written before the first effect, done or failed after it'),
  fingerprint: z.string().optional().describe('SHA-256 over what the step wanted'),
  agreed: z.string().optional().describe('Fingerprint of the last wish that was agreed to; what was changed since can be put back unasked'),
  doneAt: z.iso.datetime().optional().describe('When it was done the last time, whatever happened since'),
  startedAt: z.iso.datetime().optional().describe('When its last run began'),
  endedAt: z.iso.datetime().optional().describe('When its last run ended'),
  ms: z.number().optional().describe('How long that took, in milliseconds'),
  tries: z.number().int().optional().describe('How many tries the last run took'),
  changed: z.number().int().optional().describe('How many objects the last run changed'),
  evidence: z.array(z.string()).optional().describe('What the last run saw that proves it'),
  warnings: z.array(finding).optional().describe('What does not stop a run'),
  error: problem.optional(),
  witnessed: z.array(witnessed).optional().describe('Pods of Jobs that did not go well, with what they said last: Kubernetes deletes them with the last try'),
})

export const runRecord = z.object({
  id: z.string().describe('As in the history, and the name of its transcript'),
  command: z.string().describe('The command line'),
  holder: z.string().describe('host/pid/start of its process'),
  startedAt: z.iso.datetime().describe('When it began'),
  endedAt: z.iso.datetime().optional().describe('When it ended'),
  result: z.enum(['running', 'done', 'failed', 'interrupted']).describe('running, and nobody holds the lock: it was killed'),
})

export const stateVersion = 1

export const stateSchema = z.object({
  version: z.literal(stateVersion).describe('Of this schema; a newer one is refused'),
  cluster: z.string().optional().describe('UID of the cluster\'s namespace kube-system'),
  updatedAt: z.iso.datetime().describe('When this was written'),
  run: runRecord.optional().describe('The last run that changed or saw something'),
  steps: z.record(z.string(), stepRecord).describe('By the name of the step'),
})

export type State = z.output<typeof stateSchema>
export type StepRecord = z.output<typeof stepRecord>
export type RunRecord = z.output<typeof runRecord>

/** Where state lies; the adapter writes atomically and with mode 0600. */
export interface StateFile {
  path: string
  read(): string | undefined
  write(text: string): Promise<void>
  /** Keeps the file under another name and returns it. */
  moveAside(): string
}

export function emptyState(now: Date): State {
  return { version: stateVersion, updatedAt: now.toISOString(), steps: {} }
}

/** As it lies on the disk, without the secrets that what it quotes may hold. */
export function stateText(state: State, redact: (text: string) => string): string {
  return `${JSON.stringify(redacted(state, redact), undefined, 2)}\n`
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
  const value = parsedJson(text)
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version > stateVersion) {
    throw new AirstripError('STATE_NEWER', `${path} was written by a newer airstrip (state version ${version}, this one reads ${stateVersion}).`, { place: path })
  }
  return stateSchema.safeParse(value).data
}

export function refuseForeign(state: State, cluster: string, path: string): void {
  if (state.cluster === undefined || state.cluster === cluster) return
  throw new AirstripError('STATE_FOREIGN', `${path} belongs to another cluster (kube-system ${state.cluster}) than the one that answered (${cluster}).`, { place: path })
}

export function stepOf(state: State, name: StepName): StepRecord {
  return state.steps[name] ?? { status: 'pending' }
}

/** Tells whether a step wants the same as at another time, in whatever order a person wrote it down. */
export function fingerprintOf(spec: unknown): string {
  return createHash('sha256').update(JSON.stringify(spec, inOrder) ?? '').digest('hex')
}

function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
