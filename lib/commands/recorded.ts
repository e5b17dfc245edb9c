/** What the state file says of itself and of what went wrong, for the doctor; a file that cannot be used is a finding there and no error. */
import { AirstripError } from '../errors.ts'
import type { Witnessed, Said, StateFacts } from '../doctor/evidence.ts'
import { parseState, refuseForeign, type State, type StateFile } from '../engine/state.ts'
import { steps as allSteps } from '../../steps/index.ts'
import { clusterId } from '../observe/cluster-id.ts'
import type { Reader } from '../access.ts'

export interface Recorded {
  state: StateFacts
  said: Said[]
  witnessed: Witnessed[]
}

/** By the name of a step: the fingerprint of what is wanted of it now. */
type Wishes = (step: string) => string | undefined

/** Without a reader nothing can be said of whose the file is. */
export async function readRecorded(file: StateFile, wishes: Wishes, reader?: Reader): Promise<Recorded> {
  try {
    const text = file.read()
    if (text === undefined) return { state: { path: file.path }, said: [], witnessed: [] }
    const state = parseState(text, file.path)
    if (state === undefined) return { state: { path: file.path, problem: { code: 'STATE_DAMAGED', sentence: `${file.path} cannot be read as what airstrip writes.` } }, said: [], witnessed: [] }
    const foreign = reader && await foreignTo(state, file.path, reader)
    return { state: { path: file.path, ...(foreign === undefined ? { doneAt: doneTimes(state), skipped: skippedIn(state) } : { problem: foreign }) }, said: foreign === undefined ? saidIn(state, file.path, wishes) : [], witnessed: foreign === undefined ? witnessedIn(state) : [] }
  } catch (error) {
    if (!(error instanceof AirstripError)) throw error
    return { state: { path: file.path, problem: { code: error.code, sentence: error.message } }, said: [], witnessed: [] }
  }
}

/** Where the cluster does not answer nothing can be said of whose the file is. */
async function foreignTo(state: State, path: string, reader: Reader): Promise<StateFacts['problem']> {
  const id = await clusterId(reader).catch(() => undefined)
  try {
    if (id !== undefined) refuseForeign(state, id, path)
    return undefined
  } catch (error) {
    if (!(error instanceof AirstripError)) throw error
    return { code: error.code, sentence: error.message }
  }
}

function doneTimes({ steps }: State): Record<string, string> {
  return Object.fromEntries(Object.entries(steps).flatMap(([name, { doneAt }]) => (doneAt === undefined ? [] : [[name, doneAt]])))
}

/** Left out on purpose only where a step after it was done: what no run has come to yet is no decision. */
function skippedIn({ steps }: State): string[] {
  const names = allSteps.map(({ name }) => name)
  return names.filter((name, index) => steps[name]?.status === 'skipped' && names.slice(index + 1).some((later) => steps[later]?.doneAt !== undefined))
}

/** Only of steps that failed last, and with what is wanted now: what was mended since, or is wished otherwise, says nothing of now. */
function saidIn(state: State, path: string, wishes: Wishes): Said[] {
  return Object.entries(state.steps).flatMap(([name, { status, error, endedAt = '', fingerprint }]) =>
    status === 'failed' && error !== undefined && (fingerprint === undefined || fingerprint === wishes(name)) ? [{ source: `step ${name}, in ${path}`, at: endedAt, text: [error.sentence, ...error.seen, ...error.findings.flatMap(({ evidence }) => evidence)].join('\n') }] : [])
}

/** A step that is done has none. */
function witnessedIn({ steps }: State): Witnessed[] {
  return Object.values(steps).flatMap(({ witnessed = [] }) => witnessed)
}
