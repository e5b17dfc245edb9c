/** A world for commands: nothing is spawned, fetched or read that was not scripted. */
import { join } from 'node:path'
import type { Deps } from '../../lib/commands/deps.ts'
import { fakeClock } from './clock.ts'
import { fakeExec, type Scripted } from './exec.ts'
import type { Call } from '../../lib/cluster/exec.ts'

export const smallest = 'storage: {path: /srv/airflow}\ningress: {host: home.example.org, certResolver: letsencrypt}\n'

export interface World {
  /** Texts of files that may be read. */
  files?: Record<string, string>
  script?: Scripted[]
  folder: string
}

export function fakeDeps({ files = { 'airstrip.yaml': smallest }, script = [], folder }: World): { deps: Deps; out: string[]; err: string[]; calls: Call[]; stop: AbortController } {
  const out: string[] = []
  const err: string[] = []
  const stop = new AbortController()
  const { exec, calls } = fakeExec(script)
  const deps: Deps = {
    env: {},
    exec,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    colors: false,
    clock: fakeClock(),
    random: (count) => Buffer.alloc(count, 1),
    holder: 'home/4242/1a2b-77',
    commandLine: 'airstrip apply',
    cacheFolder: join(folder, 'cache'),
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
