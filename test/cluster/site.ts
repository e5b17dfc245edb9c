/**
 * airstrip as a person runs it. Each site is one Airflow in a namespace of its own, with its own
 * folder, configuration, state and user: the API server's audit log then tells what airstrip did from
 * what the test did.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import type { State } from '../../lib/engine/state.ts'
import { checkout } from '../../scripts/lab/paths.ts'
import { labConfig, standinChart } from '../../scripts/lab/standin/fixtures.ts'
import { kubectl, kubectlMaybe, lab, until } from './cluster.ts'
import { dismiss, person, watchProcesses, type Person } from './people.ts'

export interface Run {
  code: number
  stdout: string
  stderr: string
  ms: number
}

/** An exit code; where it is another one, what was said is shown. */
export function exits(test: Test, { code, stdout, stderr }: Run, wanted: number, what = `exit code ${wanted}`): void {
  test.equal(code, wanted, what, { said: stdout + stderr })
}

/** That something was said, or not, in words or by pattern. */
export function says(test: Test, text: string, ...wanted: (string | RegExp)[]): void {
  for (const one of wanted) test.ok(typeof one === 'string' ? text.includes(one) : one.test(text), `says ${String(one)}`, { said: text })
}

export interface Running {
  child: ChildProcess
  ended: Promise<Run>
  /** What it has said up to now; at a terminal both are on the screen, which is stdout. */
  stdout: () => string
  stderr: () => string
  /** What a person types, at a terminal. */
  types: (text: string) => void
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv
  kubeconfig?: string
  state?: string
  /** Nobody has agreed to anything beforehand. */
  unasked?: boolean
  /** With a person before it, who can be asked. */
  terminal?: boolean
}

export type Overrides = Record<string, unknown>

export interface Site extends Person {
  name: string
  namespace: string
  host: string
  /** Configuration, state and caches. */
  folder: string
  /** The folder on the node. */
  base: string
  configPath: string
  statePath: string
  /** Writes the configuration anew: the lab's, with these keys over it. */
  write(overrides: Overrides): void
  start(args: string[], options?: RunOptions): Running
  airstrip(args: string[], options?: RunOptions): Promise<Run>
  state(): State
}

const living = new Set<ChildProcess>()
process.on('exit', () => { for (const child of living) child.kill('SIGKILL') })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { process.exit(1) })

/** PATH@VERSION of another chart than the lab's own: how faults look on the real one. */
const [, chart, version = ''] = /^(.+)@([^@]+)$/.exec(process.env.AIRSTRIP_TEST_CHART ?? '') ?? []
const otherChart = chart === undefined ? {} : { chart, version }
/** For tests that install it by hand. */
export const chartPath = chart ?? standinChart(checkout, 'official').chart
/** For those of the community's chart. */
export const communityChart = chart === undefined ? standinChart(checkout, 'community') : { chart, version }

export async function site(test: Test, name: string, overrides: Overrides = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), `airstrip-test-${name}-`))
  const base = join(lab.storage, name)
  const [configPath, statePath, host] = [join(folder, 'airstrip.yaml'), join(folder, 'state', 'state.json'), `${name}.lab.test`]
  await gone(name)
  rmSync(base, { recursive: true, force: true })
  const owner = await person(name, 'cluster-admin', folder)
  const write = (more: Overrides): void => {
    const own = { airflow: { namespace: name, ...otherChart }, storage: { path: base }, ingress: { host } }
    const config = merged(merged(parse(labConfig({ checkout, nodeIP: lab.nodeIP, storagePath: base })) as Overrides, own), more)
    writeFileSync(configPath, stringify(config))
  }
  const start = (args: string[], options: RunOptions = {}): Running => {
    const files = ['--config', configPath, '--state', options.state ?? statePath, '--kubeconfig', options.kubeconfig ?? owner.kubeconfig]
    const asked = options.unasked === true || options.terminal === true
    return launch([...args, ...(asked ? [] : agreed(args)), ...files], options.terminal === true, { PATH: lab.path, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), LANG: 'C.UTF-8', ...options.env })
  }
  write(overrides)
  test.teardown(async () => {
    await clear(name)
    await dismiss(name)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    ...owner, name, namespace: name, host, folder, base, configPath, statePath, write, start,
    airstrip: (args, options) => start(args, options).ended,
    state: () => JSON.parse(readFileSync(statePath, 'utf8')) as State,
  }
}

/** Nobody sits here to be asked; a test about consent says itself how much of it there is. */
function agreed(args: readonly string[]): string[] {
  const applies = args[0] === undefined || args[0] === 'apply' || args[0].startsWith('-')
  return applies && !args.some((one) => ['--yes', '--unattended', '--dry-run'].includes(one)) ? ['--yes'] : []
}

function launch(args: string[], terminal: boolean, childEnv: NodeJS.ProcessEnv): Running {
  const started = Date.now()
  const words = [process.execPath, '--import=tsx', 'run.ts', ...args]
  // util-linux's script gives its command a terminal, types into it what comes in, and ends as the command did.
  const [file = '', ...rest] = terminal ? ['script', '-qefc', words.map(word => `'${word}'`).join(' '), '/dev/null'] : words
  const env = terminal ? { ...childEnv, SHELL: '/bin/sh', TERM: 'dumb', NO_COLOR: '1' } : childEnv
  const child = spawn(file, rest, { cwd: checkout, env, stdio: [terminal ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  living.add(child)
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
  const ended = new Promise<Run>(resolve => {
    // Not "close": a Helm that outlives a killed airstrip keeps the pipes open.
    child.on('exit', (code, signal) => {
      living.delete(child)
      const ms = Date.now() - started
      const tell = (): void => { resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 128), stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), ms }) }
      if (code === null) tell()
      else setTimeout(tell, 50)
    })
  })
  return { child, ended, stdout: () => Buffer.concat(out).toString(), stderr: () => Buffer.concat(err).toString(), types: (text) => void child.stdin?.write(text) }
}

function merged(base: Overrides, more: Overrides): Overrides {
  const result = { ...base }
  for (const [key, value] of Object.entries(more)) {
    const old = result[key]
    const both = [value, old].every(one => typeof one === 'object' && one !== null && !Array.isArray(one))
    result[key] = both ? merged(old as Overrides, value as Overrides) : value
  }
  return result
}

/** Takes an Airflow away without waiting; who needs the name again waits in `gone`. */
async function clear(name: string): Promise<void> {
  await kubectlMaybe(['delete', 'namespace', name, '--ignore-not-found', '--wait=false'])
  await kubectlMaybe(['delete', 'pv', `${name}-local-dags-pv`, `${name}-local-logs-pv`, '--ignore-not-found', '--wait=false'])
}

async function gone(name: string): Promise<void> {
  await clear(name)
  const left = ['get', `ns/${name}`, `pv/${name}-local-dags-pv`, `pv/${name}-local-logs-pv`, '--ignore-not-found', '-o', 'name']
  await until(`${name} is gone`, async () => (await kubectl(left)) === '', 120_000)
}

/** All that airstrip has written beside its state: the state, its history, its backups and their names. */
export function writtenBy({ statePath }: Site): string {
  const folder = join(statePath, '..')
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  // A backup of a Helm record is the record itself, in Helm's own packing; its contents are judged as such.
  const contents = files.map(file => join(folder, file)).filter(file => statSync(file).isFile() && !file.includes('/backups/')).map(file => readFileSync(file, 'utf8'))
  return [...files, ...contents].join('\n')
}

export interface Hunt {
  /** airstrip, whose outputs are looked through at the end. */
  run: (test: Test, code: number, ...args: string[]) => Promise<Run>
  /** That none of the values is in anything that was said, written or called since. */
  nowhere: (test: Test, values: readonly string[]) => void
}

/** From now on, for secrets. */
export function hunt(it: Site): Hunt {
  const processes = watchProcesses()
  const runs: Run[] = []
  return {
    run: async (test, code, ...args) => {
      const ended = await it.airstrip(args)
      runs.push(ended)
      exits(test, ended, code, args.join(' '))
      return ended
    },
    nowhere: (test, values) => {
      const lines = processes()
      test.ok(values.length > 3 && lines.some(line => line.includes('pg_dump')), 'the hunt is for what was there')
      for (const [where, texts] of Object.entries({ 'command lines': lines, 'outputs': runs.flatMap(({ stdout, stderr }) => [stdout, stderr]), 'state, history and names of files': [writtenBy(it)] })) {
        test.same(texts.filter(text => values.some(value => text.includes(value))), [], `no secret in ${where}`)
      }
    },
  }
}

/** A file that only its owner can read. */
export function secretFile(folder: string, name: string, value: string): string {
  const path = join(folder, name)
  writeFileSync(path, value)
  chmodSync(path, 0o600)
  return path
}
