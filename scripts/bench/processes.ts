import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabError, run } from '../lab/exec.ts'
import { processesIn } from './trace.ts'

/** One of those who do the same thing, each in its own way. */
export interface Contender {
  id: string
  title: string
  argv: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  /** Why this was no clean run, where it was none. */
  complaint(ended: Ended): string | undefined
}

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** The least that a run must be, where it may change something. */
export function failed({ code }: Ended): string | undefined {
  return code === 0 ? undefined : `ended with ${code}`
}

export interface Timing {
  /** From the first instruction to the exit of the whole process, in seconds. */
  wall: number
  /** User and system time of it and of all that it started. */
  cpu: number
}

/** The shell's own `time`: it is everywhere, and its times are those of all children that were waited for. */
const TIME = 'TIMEFORMAT="%R %U %S"; { time "$@" 1>&3 2>&4; } 3>&1 4>&2 2>"$TIMES"'

export async function timed(contender: Contender): Promise<Timing> {
  return inFolder(async folder => {
    const file = join(folder, 'times')
    await clean(contender, ['bash', '-c', TIME, 'time', ...contender.argv], { ...contender.env, TIMES: file })
    const [wall = NaN, user = NaN, system = NaN] = readFileSync(file, 'utf8').trim().split(' ').map(Number)
    return { wall, cpu: user + system }
  })
}

/** Tracing slows a process down, so processes are counted in a run of their own. */
export async function traced(contender: Contender, strace: string): Promise<Record<string, number>> {
  return inFolder(async folder => {
    const file = join(folder, 'trace')
    await clean(contender, [strace, '-f', '-qq', '-e', 'trace=execve', '-e', 'signal=none', '-o', file, ...contender.argv], contender.env)
    return processesIn(readFileSync(file, 'utf8'))
  })
}

async function clean(contender: Contender, [file = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const ended = await run(file, args, { cwd: contender.cwd, env })
  const complaint = contender.complaint(ended)
  if (complaint !== undefined) throw new LabError(`${contender.title}: ${complaint}\n${tail(ended)}`)
}

function tail({ stdout, stderr }: Ended): string {
  return `${stdout}${stderr}`.trimEnd().split('\n').slice(-20).join('\n')
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'airstrip-bench-run-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Memory {
  /** The largest single process, in MB. */
  process: number
  /** All of them together at the worst moment; what they share is counted once. */
  tree: number
}

/** Looks at the process and all below it every few milliseconds, which takes time of its own: again a run apart. */
export async function memoryOf({ argv: [file = '', ...args], cwd, env }: Contender): Promise<Memory> {
  const peak: Memory = { process: 0, tree: 0 }
  const child = spawn(file, args, { cwd, env, stdio: 'ignore' })
  const look = (): void => {
    const sizes = familyOf(child.pid ?? 0).map(proportionalSize)
    peak.tree = Math.max(peak.tree, sizes.reduce((sum, size) => sum + size, 0))
    peak.process = Math.max(peak.process, ...sizes)
  }
  const timer = setInterval(look, 15)
  await new Promise(resolve => child.on('close', resolve).on('error', resolve))
  clearInterval(timer)
  return peak
}

function familyOf(root: number): number[] {
  const parents = new Map(readdirSync('/proc').filter(name => /^\d/.test(name)).map(name => [Number(name), parentOf(name)]))
  const belongs = (pid: number | undefined): boolean => pid !== undefined && (pid === root || belongs(parents.get(pid)))
  return [...parents.keys()].filter(belongs)
}

function parentOf(pid: string): number | undefined {
  const stat = readOrNothing(`/proc/${pid}/stat`)
  // The name, in parentheses, may hold anything; the parent is the second field after it.
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  return parent > 0 ? parent : undefined
}

function proportionalSize(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readOrNothing(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024
}

/** A process may end between being listed and being read. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
