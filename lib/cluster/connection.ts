import pRetry, { AbortError } from 'p-retry'
import { AirstripError } from '../errors.ts'
import type { Ask, Target } from './api.ts'
import type { Call, Exec, Outcome } from './exec.ts'
import type { Redactor } from './redact.ts'
import { isTransient, isUnreachable } from './transient.ts'

export interface Connection {
  /** For what changes something, and for what only the tools themselves know. */
  exec: Exec
  /** For everything that only looks. */
  ask: Ask
  target: Target
  redactor: Redactor
  signal?: AbortSignal | undefined
  /** Called before a refused call is made again. */
  onRetry?: ((call: string, reason: string, attempt: number) => void) | undefined
  /** Waits between tries, in ms; a test passes short ones. */
  retryMs?: number
}

const tries = 4

/** kubectl's answer on stdout. Transient refusals are tried again, anything else is an error. */
export async function kubectl(connection: Connection, args: string[], stdin?: string): Promise<string> {
  const outcome = await callKubectl(connection, args, stdin)
  if (outcome.exitCode !== 0) throw await refusal(connection, 'kubectl', args, outcome)
  return outcome.stdout
}

/** As `kubectl`, but a refusal that is not transient is an answer for the caller to read. */
export async function callKubectl(connection: Connection, args: string[], stdin?: string, piped?: boolean): Promise<Outcome> {
  const call: Call = { tool: 'kubectl', args: [...kubectlFlags(connection.target), ...args], stdin, piped, signal: connection.signal }
  return retried(connection, commandOf('kubectl', args), () => connection.exec(call), ({ exitCode, stderr }) => (exitCode === 0 ? undefined : stderr))
}

export function kubectlFlags({ kubeconfig, context }: Target): string[] {
  return [
    '--request-timeout=30s',
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
  ]
}

export function helmFlags({ kubeconfig, context }: Target): string[] {
  return [
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--kube-context=${context}`]),
  ]
}

class TransientRefusal<T> extends Error {
  readonly result: T
  constructor(complaint: string, result: T) {
    super(complaint)
    this.result = result
  }
}

/**
 * p-retry is for calls that failed; waiting for something to become ready is the engine's. What is
 * refused to the end is a result like any other.
 */
export async function retried<T>(connection: Connection, what: string, call: () => Promise<T>, complaintOf: (result: T) => string | undefined, again = tries - 1): Promise<T> {
  const attempt = async (): Promise<T> => {
    const result = await call()
    if (connection.signal?.aborted) throw new AbortError(interrupted())
    const complaint = complaintOf(result)
    if (complaint !== undefined && isTransient(complaint)) throw new TransientRefusal(complaint, result)
    return result
  }
  try {
    return await pRetry(attempt, {
      retries: again,
      minTimeout: connection.retryMs ?? 500,
      shouldRetry: ({ error }) => error instanceof TransientRefusal,
      onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
        if (retriesLeft > 0) connection.onRetry?.(what, connection.redactor.said(firstLine(error.message)), attemptNumber)
      },
    })
  } catch (error) {
    if (error instanceof TransientRefusal) return (error as TransientRefusal<T>).result
    throw error
  }
}

export function interrupted(): AirstripError {
  return new AirstripError('INTERRUPTED', 'The run was interrupted before it was done.')
}

/** kubectl's own, longer than what it is about: three lines of it after the one that names the program that is not installed. */
const advice = /^It looks like you are trying to use a client-go credential plugin|^To learn more about this feature|^\s+https:\/\/kubernetes\.io\/docs\//

/** What a tool's refusal means, with what it said, redacted. */
export async function refusal(connection: Connection, tool: string, args: string[], outcome: Outcome): Promise<AirstripError> {
  const seen = connection.redactor.said(outcome.stderr).split('\n').filter((line) => line.trim() !== '' && !advice.test(line)).slice(-12)
  if (outcome.exitCode === 127) return new AirstripError('TOOL_MISSING', `${tool} is not on the PATH.`, { seen })
  if (isUnreachable(outcome.stderr)) return unreachable(connection, seen)
  return new AirstripError('CALL_FAILED', `${commandOf(tool, args)} was refused.`, { seen, transient: isTransient(outcome.stderr) })
}

function unreachableSentence(address: string, place: string, said: string): string {
  if (/context "[^"]*" does not exist/.test(said)) return `There is no such context in the ${place}.`
  if (address === '') return `No cluster is named: ${place} is not there or has none, and localhost:8080, which is tried then, did not answer.`
  if (/Unauthorized|must be logged in/.test(said)) return `The cluster at ${address} does not accept the credentials of the ${place}.`
  return `The cluster did not answer at ${address} (${place}).`
}

async function unreachable(connection: Connection, seen: string[]): Promise<AirstripError> {
  const { target } = connection
  const address = await serverOf(connection)
  const place = `kubeconfig ${fileOf(target)}${target.context === undefined ? '' : `, context ${target.context}`}`
  return new AirstripError('CLUSTER_UNREACHABLE', unreachableSentence(address, place, seen.join(' ')), {
    seen: [...new Set(seen)].slice(-3),
    transient: address !== '' && isTransient(seen.join(' ')),
    next: 'Start the cluster or correct --kubeconfig or --context; without a cluster, `npm run lab` makes one.',
  })
}

async function serverOf({ target, exec }: Connection): Promise<string> {
  const view = ['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}']
  const { stdout } = await exec({ tool: 'kubectl', args: [...kubectlFlags(target), ...view] })
  return withoutLogin(stdout.trim())
}

/** The address of a server as it may be shown: a kubeconfig may hold https://joe:PASSWORD@10.0.0.1:6443. */
export function withoutLogin(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1')
}

/** What kubectl reads where it is told nothing. */
export function fileOf({ kubeconfig }: Target): string {
  return kubeconfig ?? process.env.KUBECONFIG ?? '~/.kube/config'
}

/** The verb and its object, without other flags: enough to recognise the call, nothing to leak. */
export function commandOf(tool: string, args: readonly string[]): string {
  return [tool, ...args.filter((word) => word === '--raw' || !word.startsWith('-')).slice(0, 4)].join(' ')
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
