import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Api, Ask, Question } from './api.ts'

/**
 * One `kubectl proxy` per run and cluster instead of one kubectl per look: kubeconfig, contexts, plugins
 * and certificates stay kubectl's affair. Nothing that changes or deletes comes through. A proxy cannot
 * let POST through for one path alone; that is left to the type of a question.
 *
 * The shell becomes kubectl. Beside it waits a child for the end of stdin, which comes with the end of
 * airstrip however that ends (kill -9), and takes proxy and socket away. Ctrl-C is not for them: what is
 * still asked after it, to tell how things stand, needs the way. Asked beside it: the server's address,
 * because a proxy drops the path of one that has a path (Rancher), unless told otherwise since kubectl 1.23.
 */
const script = `
trap '' INT
exec 3<&0 </dev/null
{ trap '' TERM HUP; read -r _; kill $$; rm -rf "$0"; } <&3 >/dev/null 2>&1 &
echo "server $(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}' "$@" 2>/dev/null)" 3<&- 2>/dev/null &
exec kubectl proxy --unix-socket="$0/s" --reject-methods='^(PUT|PATCH|DELETE)$' "$@" 3<&-
`

const longestMs = 30_000
/** As many as the server's own clients ask side by side; the rest waits its turn. */
const atOnce = 16

interface Door {
  agent: Agent
  socketPath: string
  /** Path of the server's address, empty for most. */
  prefix: string
}

type Closed = Extract<Answer, { exitCode: number }>

interface Opening {
  door: Promise<Door | Closed>
  shut: () => boolean
}

/** To name a cluster opens the way to it, so that it is open when the first question comes. */
export function openApi(env: NodeJS.ProcessEnv): Api {
  const known = new Map<string, Ask>()
  return ({ kubeconfig, context }) => {
    const flags = [...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]), ...(context === undefined ? [] : [`--context=${context}`])]
    const key = JSON.stringify(flags)
    const ask = known.get(key) ?? askThrough(() => open(env, flags))
    known.set(key, ask)
    return ask
  }
}

/** A door that has fallen shut is opened anew by the next question. */
function askThrough(openAgain: () => Opening): Ask {
  let opening = openAgain()
  return async (question) => {
    if (opening.shut()) opening = openAgain()
    const door = await opening.door
    return 'exitCode' in door ? door : send(door, question)
  }
}

/** Airstrip can end without closing anything: the shell's child sees to the rest. */
function open(env: NodeJS.ProcessEnv, flags: readonly string[]): Opening {
  const folder = ownFolder()
  if (typeof folder !== 'string') return { door: Promise.resolve(folder), shut: () => true }
  const child = spawn('/bin/sh', ['-c', script, folder, ...flags], { env })
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref()
  return {
    door: inTime(Promise.race([closed(child), served(child, join(folder, 's'))])),
    shut: () => child.exitCode !== null || child.signalCode !== null,
  }
}

/** Only its owner can enter it, and so only its owner can ask through the socket. */
function ownFolder(): string | Closed {
  try {
    return mkdtempSync(join(tmpdir(), 'airstrip-'))
  } catch (error) {
    return { exitCode: 1, text: `kubectl proxy needs a folder for its socket: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** It complains of every question that it could not bring; the last words are enough. */
function closed(child: ChildProcessWithoutNullStreams): Promise<Closed> {
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    said = (said + words).slice(-4096)
  })
  // Where the kubeconfig has no credentials kubectl asks for a name, of nobody.
  child.stdout.setEncoding('utf8').on('data', (words: string) => {
    const [asked] = /Please enter \w+:/.exec(words) ?? []
    if (asked !== undefined) said = `${asked} ${said}`
  })
  return new Promise((resolve) => {
    child.on('error', ({ message }) => { resolve({ exitCode: 127, text: message }) })
    child.on('close', (code) => { resolve({ exitCode: code ?? 1, text: said }) })
  })
}

function served(child: ChildProcessWithoutNullStreams, socketPath: string): Promise<Door> {
  let said = ''
  return new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (words: string) => {
      said += words
      const [, server] = /^server (.*)\n/m.exec(said) ?? []
      if (server === undefined || !said.includes('Starting to serve')) return
      resolve({ agent: new Agent({ keepAlive: true, maxSockets: atOnce }), socketPath, prefix: pathOf(server) })
    })
  })
}

function pathOf(server: string): string {
  return /^https?:\/\//.test(server) && URL.canParse(server) ? new URL(server).pathname.replace(/\/$/, '') : ''
}

/** The timer also keeps the process alive while nothing else does. */
async function inTime(door: Opening['door']): Opening['door'] {
  const late = new AbortController()
  const limit = sleep(longestMs, { exitCode: 1, text: unreachable('kubectl proxy did not begin to serve') }, { signal: late.signal })
  try {
    return await Promise.race([door, limit])
  } finally {
    late.abort()
    limit.catch(() => undefined)
  }
}

async function send({ agent, socketPath, prefix }: Door, question: Question): Promise<Answer> {
  const { method, path, signal, limitMs = longestMs } = question
  const body = question.method === 'POST' ? question.body : ''
  const headers = { accept: 'application/json', ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }) }
  let late = false
  try {
    const outgoing = request({ agent, socketPath, method, path: prefix + path, headers, timeout: limitMs, ...(signal === undefined ? {} : { signal }) })
    outgoing.on('timeout', () => {
      late = true
      outgoing.destroy(new Error('late'))
    })
    // One that comes after the answer began ends the reading of its text, and is told there.
    outgoing.on('error', () => undefined)
    outgoing.end(body)
    const [incoming] = await once(outgoing, 'response') as [IncomingMessage]
    return { status: incoming.statusCode ?? 0, text: await text(incoming), date: incoming.headers.date }
  } catch (error) {
    // An answer that stops in the middle would be told as aborted.
    if (late) return { exitCode: 1, late, text: unreachable(`no answer within ${limitMs / 1000} s`) }
    return { exitCode: 1, text: unreachable(error instanceof Error ? error.message : String(error)) }
  }
}

/** As kubectl says it of a request that went unanswered, which another try may overcome. */
function unreachable(why: string): string {
  return `Unable to connect to the server: net/http: request canceled (${why})`
}
