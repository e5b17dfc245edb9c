import { spawn } from 'node:child_process'

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  input?: string
  /** Where the output goes as well, line by line, while it comes: for work that lasts minutes. */
  logFd?: number
}

export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program without a shell. Never throws: see `must` for that. */
export function run(file: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const sink = options.logFd ?? 'pipe'
  return new Promise(resolve => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      // Node's pipes are sockets, and a bash whose input is one takes itself for a remote login: it reads a person's .bashrc, each of thousands that a make starts.
      stdio: [options.input === undefined ? 'ignore' : 'pipe', sink, sink],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    // As a shell does it: a program that is not there is an exit code too.
    child.on('error', error => { resolve({ code: 127, stdout: '', stderr: error.message }) })
    child.on('close', (code, signal) => {
      resolve({
        code: code ?? (signal === null ? 1 : 128),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      })
    })
    // A program that ends without reading its input closes the pipe; its exit code tells us, not EPIPE.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
  })
}

/** Like `run`, but a program that fails is an error that quotes the end of what it said. */
export async function must(file: string, args: string[], options: RunOptions = {}): Promise<string> {
  const result = await run(file, args, options)
  if (result.code === 0) return result.stdout
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-15).join('\n')
  throw new LabError(`${[file, ...args].join(' ').slice(0, 300)} ended with ${result.code}: ${said}`)
}

/** Something a person can understand; anything else that is thrown is a bug in the lab. */
export class LabError extends Error {
  override name = 'LabError'
}

export function say(line: string): void {
  process.stderr.write(`lab: ${line}\n`)
}
