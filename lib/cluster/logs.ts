/** What a container has said last, as its kubelet gives it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { LogQuery } from '../access.ts'
import { AirstripError } from '../errors.ts'
import type { Question } from './api.ts'
import type { Connection } from './connection.ts'
import { ask, isGood, isLate, isOneOf, refused } from './request.ts'
import { pathOf } from './resources.ts'

/**
 * All that the kubelet answers, with status 200, in the place of a log: its status still names a container that it
 * has cleared away. Of the newest run that is so for about a second, between its end and the status that tells it.
 */
const inItsPlace = /^(unable to retrieve container logs for [\w-]+:\/\/|failed to (try resolving symlinks in path|open log file) "[^"]*\/\d+\.log")[^\n]*\n?$/

const tries = 3
const pauseMs = 1000

/** The last lines; undefined where the container has none, or none that can be had any more. */
export async function readLogs(connection: Connection, query: LogQuery): Promise<string | undefined> {
  for (let left = query.patient === true ? tries : 1; left > 0; left--) {
    const text = await askLogs(connection, query)
    if (text === undefined || !inItsPlace.test(text)) return text
    if (left > 1) await sleep(pauseMs)
  }
  return undefined
}

/** The API server asks the kubelet for them, and waits half a minute for one that hangs. */
const logsMs = 8000

/** A container that has not run, or not run before, is a bad request; a pod that is gone is not found. */
const noLogs = [400, 404]

async function askLogs(connection: Connection, { namespace, pod, container, previous, lines }: LogQuery): Promise<string | undefined> {
  const words = new URLSearchParams({ container, tailLines: String(lines), ...(previous === true ? { previous: 'true' } : {}) })
  const path = `${pathOf({ apiVersion: 'v1', name: 'pods', namespaced: true }, namespace)}/${encodeURIComponent(pod)}/log?${words.toString()}`
  const question: Question = { method: 'GET', path, limitMs: logsMs }
  const answer = await ask(connection, question)
  // Colours within a word would hide what it says, a password too.
  if (isGood(answer)) return connection.redactor.redact(stripVTControlCharacters(answer.text))
  if (isOneOf(answer, noLogs)) return undefined
  if (isLate(answer)) throw new AirstripError('TIMEOUT', `The kubelet gave no log of ${namespace}/${pod} within ${logsMs / 1000} s.`)
  throw await refused(connection, question, answer)
}
