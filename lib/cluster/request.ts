import { AirstripError } from '../errors.ts'
import type { Answer, Question } from './api.ts'
import { commandOf, refusal, retried, type Connection } from './connection.ts'

/** What was asked, as a person could type it. */
export function commandFor({ method, path }: Question): string[] {
  return method === 'GET' ? ['get', '--raw', path] : ['create', '--raw', path, '-f', '-']
}

/** The same without selectors and limits: enough to recognise it. */
function nameFor({ path, method }: Question): string[] {
  return [method === 'GET' ? 'get' : 'create', '--raw', path.split('?')[0] ?? path]
}

/** The API server's answer, a refusal too. What a moment can overcome is asked again; who is late for a limit of the question's own is not. */
export async function ask(connection: Connection, question: Question): Promise<Answer> {
  const isEnough = (answer: Answer): boolean => isGood(answer) || (question.limitMs !== undefined && isLate(answer))
  return retried(connection, commandOf('kubectl', nameFor(question)), () => connection.ask({ ...question, signal: connection.signal }), (answer) => (isEnough(answer) ? undefined : wordsOf(answer)))
}

/** Undefined where the answer is one of these statuses. */
export async function readJson<T>(connection: Connection, path: string, none: readonly number[] = []): Promise<T | undefined> {
  const question: Question = { method: 'GET', path }
  const answer = await ask(connection, question)
  if (isGood(answer)) return parsed(path, answer.text) as T
  if (isOneOf(answer, none)) return undefined
  throw await refused(connection, question, answer)
}

/** Nobody answered within the limit. */
export function isLate(answer: Answer): boolean {
  return 'late' in answer
}

export function isGood(answer: Answer): boolean {
  return 'status' in answer && answer.status >= 200 && answer.status < 300
}

export function isOneOf(answer: Answer, statuses: readonly number[]): boolean {
  return 'status' in answer && statuses.includes(answer.status)
}

export async function refused(connection: Connection, question: Question, answer: Answer): Promise<AirstripError> {
  const exitCode = 'status' in answer ? 1 : answer.exitCode
  return refusal(connection, 'kubectl', nameFor(question), { exitCode, stdout: '', stderr: wordsOf(answer), ms: 0 })
}

export function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AirstripError('CALL_FAILED', `The API server answered something that is not JSON to ${path}.`, { seen: [text.slice(0, 200)], cause })
  }
}

/**
 * A refusal as kubectl would have printed it, which is what the tables of refusals are made of. The
 * API server explains itself in a Status; the proxy, when it could not reach it, in plain words:
 * `500 dial tcp 192.168.1.10:6443: connect: connection refused`.
 */
export function wordsOf(answer: Answer): string {
  if (!('status' in answer)) return answer.text
  const { status, text } = answer
  const { message, reason } = explanation(text)
  if (status === 401) return `error: You must be logged in to the server (${message})`
  if (reason !== undefined) return `Error from server (${reason}): ${message}`
  const known = plainReasons[status]
  return known === undefined ? `Error from server (HTTP ${status}): ${message}` : `${known}: ${message}`
}

const plainReasons: Record<number, string> = {
  429: 'Error from server (TooManyRequests)',
  500: 'Unable to connect to the server',
  502: 'Unable to connect to the server',
  503: 'Error from server (ServiceUnavailable)',
  504: 'Error from server (ServiceUnavailable)',
}

function explanation(text: string): { message: string; reason?: string | undefined } {
  try {
    const { kind, message, reason } = JSON.parse(text) as { kind?: string; message?: string; reason?: string }
    if (kind === 'Status') return { message: message ?? '', reason: reason ?? 'unknown' }
  } catch {
    // Plain words: the proxy's, or those of something between it and the server.
  }
  return { message: text.trim() }
}
