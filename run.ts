import { randomBytes } from 'node:crypto'
import { once, setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Target } from './lib/cluster/api.ts'
import { openApi } from './lib/cluster/proxy.ts'
import type { Deps } from './lib/commands/deps.ts'

const { argv, env, stdin, stdout, stderr, pid } = process
const stop = new AbortController()
// Every call under way listens for the end of the run, and many are under way side by side.
setMaxListeners(0, stop.signal)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stop.abort(signal)
  })
}

const api = openApi(env)

// The way to the cluster opens while the program is read. A wrong guess costs a process for a moment.
const { values: { kubeconfig, context } } = parseArgs({ args: argv.slice(2), strict: false, options: { kubeconfig: { type: 'string' }, context: { type: 'string' } } })
const words = argv.slice(2)
const replays = words.includes('doctor') && words.some((word) => /^--from(=|$)/.test(word))
if (!replays && !words.some((word) => ['schedule', 'help', '--help', '-h'].includes(word))) api({ kubeconfig, context } as Target)

const { runCommandLine } = await import('./lib/commands/cli.ts')
const { screenOf } = await import('./lib/adapters/screen.ts')
const { createExec } = await import('./lib/cluster/exec.ts')
const { holderOf } = await import('./lib/cluster/machine.ts')
const { AirstripError } = await import('./lib/errors.ts')

// Whoever reads along may stop reading (`| head`); the run goes on.
for (const stream of [stdout, stderr]) stream.on('error', () => undefined)

const deps: Deps = {
  env,
  exec: createExec(env),
  api,
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  colors: stderr.isTTY && !env.NO_COLOR,
  outColors: stdout.isTTY && !env.NO_COLOR,
  clock: {
    now: () => new Date(),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    },
  },
  random: randomBytes,
  holder: holderOf(pid),
  commandLine: ['airstrip', ...argv.slice(2)].join(' '),
  cacheFolder: join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'airstrip'),
  fetchText: async (url) => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`)
    return answer.text()
  },
  readFile: (path) => readFileSync(path, 'utf8'),
  signal: stop.signal,
  screen: stderr.isTTY && env.TERM !== 'dumb' ? screenOf(stderr) : undefined,
  ask: stdin.isTTY && stderr.isTTY ? ask : undefined,
}

/** In the terminal's own line mode, so that Ctrl-C is a signal like any other; the end of input is no answer. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    return await Promise.race([lines.question(question, { signal: stop.signal }), once(lines, 'close').then(() => '')])
  } catch (error) {
    if (stop.signal.aborted) throw new AirstripError('INTERRUPTED', 'The run was interrupted before anything was agreed to.')
    throw error
  } finally {
    lines.close()
  }
}

process.exitCode = await runCommandLine(argv.slice(2), deps)
