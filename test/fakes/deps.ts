/** A world for commands: nothing is spawned, fetched or read that was not scripted. */
import { join } from 'node:path'
import type { Ask } from '../../lib/cluster/api.ts'
import type { Deps } from '../../lib/commands/deps.ts'
import { fakeClock } from './clock.ts'
import { fakeExec, unscripted, type Scripted } from './exec.ts'
import type { Call } from '../../lib/cluster/exec.ts'

export const smallest = 'storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: letsencrypt}\n'

/** What kubectl and helm say of themselves, as the verified pair has them. */
export const tools: Scripted[] = [
  { when: /^kubectl version --client/, answers: { stdout: '{"clientVersion":{"gitVersion":"v1.22.0"}}' } },
  { when: /^helm version/, answers: { stdout: 'v3.9.4' } },
  { when: /^helm pull/, answers: { exitCode: 1, stderr: 'Error: no charts in a test' } },
]

export interface World {
  /** Texts of files that may be read. */
  files?: Record<string, string>
  script?: Scripted[]
  /** The API server; left out where nothing may be asked of it. */
  ask?: Ask
  folder: string
}

export function fakeDeps({ files = { 'airstrip.yaml': smallest }, script = [], ask = unscripted, folder }: World): { deps: Deps; out: string[]; err: string[]; calls: Call[]; stop: AbortController } {
  const out: string[] = []
  const err: string[] = []
  const stop = new AbortController()
  const { exec, calls } = fakeExec(script)
  const deps: Deps = {
    env: {},
    exec,
    api: () => ask,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    colors: false,
    outColors: false,
    clock: fakeClock(),
    random: (count) => Buffer.alloc(count, 1),
    holder: 'home/4242/1a2b-77',
    commandLine: 'airstrip apply',
    cacheFolder: join(folder, 'cache'),
    web: (url) => Promise.reject(new Error(`unscripted: ask ${String(url)}`)),
    fetchText: (url) => Promise.reject(new Error(`unscripted: fetch ${url}`)),
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' })
      return text
    },
    signal: stop.signal,
  }
  return { deps, out, err, calls, stop }
}
