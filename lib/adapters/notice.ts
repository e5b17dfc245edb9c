import { spawn } from 'node:child_process'

export interface Told {
  exitCode: number
  /** The last line of its stderr, for whoever wonders why nobody was told. */
  said: string
}

/** Runs the words as they are, no shell between; `input` is its stdin. Whoever hangs is ended. */
export function runNotice([file = '', ...args]: readonly string[], input: string, env: NodeJS.ProcessEnv, timeoutMs = 30_000): Promise<Told> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, stdio: ['pipe', 'ignore', 'pipe'] })
    // spawn's own timeout goes on where there was no such program, and would hold up the end of the run.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let said = ''
    const end = (exitCode: number, why: string): void => {
      clearTimeout(timer)
      // What it left running may keep the pipe open for ever.
      child.stderr.destroy()
      resolve({ exitCode, said: said.trim() === '' ? why : (said.trim().split('\n').at(-1) ?? '') })
    }
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said = (said + chunk).slice(-2000)
    })
    // A command may end without reading what it was told.
    child.stdin.on('error', () => undefined).end(input)
    child.on('error', ({ message }) => {
      end(127, message)
    })
    child.on('exit', (code, signal) => {
      end(code ?? 1, signal === null ? '' : `ended by ${signal}${child.killed ? `, after ${timeoutMs / 1000} s` : ''}`)
    })
  })
}
