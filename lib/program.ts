/** Argv and environment in, exit code out: builds the real adapters. `run.ts` starts it, from the sources or from what was compiled of them. */
import { randomBytes } from 'node:crypto'
import { once, setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { baseFolder } from './adapters/base-folder.ts'
import type { Api, Target } from './cluster/api.ts'
import { createFetch } from './cluster/fetch.ts'
import { openApi } from './cluster/proxy.ts'
import { createWeb } from './cluster/web.ts'
import type { Deps } from './commands/deps.ts'

export async function main({ argv, env, stdin, stdout, stderr, pid }: NodeJS.Process): Promise<number> {
  const words = argv.slice(2)
  const signal = untilStopped()
  const api = openEarly(words, env)
  const web = createWeb(env)
  const [{ runCommandLine }, { createExec }, { holderOf }] = await Promise.all([
    import('./commands/cli.ts'), import('./cluster/exec.ts'), import('./cluster/machine.ts'),
  ])
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
    clock: { now: () => new Date(), elapsedMs: () => performance.now(), sleep: pause },
    random: randomBytes,
    holder: holderOf(pid),
    commandLine: ['airstrip', ...words].join(' '),
    cacheFolder: join(baseFolder('XDG_CACHE_HOME', env, homedir()), 'airstrip'),
    web,
    fetchText: createFetch(web),
    readFile: (path) => readFileSync(path, 'utf8'),
    signal,
    screen: stderr.isTTY && env.TERM !== 'dumb' ? (await import('./adapters/screen.ts')).screenOf(stderr) : undefined,
    askHidden: stdin.isTTY && stderr.isTTY ? async (question) => (await import('./adapters/hidden.ts')).askHidden(question, { input: stdin, output: stderr }, signal) : undefined,
    ask: stdin.isTTY && stderr.isTTY ? (question) => ask(question, { input: stdin, output: stderr }, signal) : undefined,
  }
  return runCommandLine(words, deps)
}

/** Every call under way listens for the end of the run, and many are under way side by side. */
function untilStopped(): AbortSignal {
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop.abort(signal)
    })
  }
  return stop.signal
}

/** The way to the cluster opens while the program is read. A wrong guess costs a process for a moment. */
function openEarly(words: string[], env: NodeJS.ProcessEnv): Api {
  const api = openApi(env)
  const { values: { kubeconfig, context } } = parseArgs({ args: words, strict: false, options: { kubeconfig: { type: 'string' }, context: { type: 'string' } } })
  const replays = words.includes('doctor') && words.some((word) => /^--from(=|$)/.test(word))
  if (!replays && !words.some((word) => ['schedule', 'help', '--help', '-h', '--version', '-V'].includes(word))) api({ kubeconfig, context } as Target)
  return api
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}

/** In the terminal's own line mode, so that Ctrl-C is a signal like any other; the end of input is no answer. */
async function ask(question: string, streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream }, signal: AbortSignal): Promise<string> {
  const { AirstripError } = await import('./errors.ts')
  const lines = createInterface({ ...streams, terminal: false })
  try {
    return await Promise.race([lines.question(question, { signal }), once(lines, 'close').then(() => '')])
  } catch (error) {
    if (signal.aborted) throw new AirstripError('INTERRUPTED', 'The run was interrupted before anything was agreed to.')
    throw error
  } finally {
    lines.close()
  }
}
