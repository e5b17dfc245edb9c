import { $ } from 'zx/core'

/** One call of kubectl or helm. Secrets go in by `stdin`, never by `args`. */
export interface Call {
  tool: string
  args: string[]
  stdin?: string | undefined
  /** The tool opens `/dev/stdin` by name, which works for a pipe and not for the socket that Node hands down. */
  piped?: boolean | undefined
  /** Files instead of texts, byte by byte: what goes in, and what comes out. */
  from?: string | undefined
  into?: string | undefined
  signal?: AbortSignal | undefined
}

export interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
  ms: number
}

export type Exec = (call: Call) => Promise<Outcome>

/**
 * The one place that knows zx. Its shell prefix (`set -euo pipefail`) is left out: without it bash
 * replaces itself by the tool, so a call costs one process and a signal reaches the tool itself.
 */
export function createExec(env: NodeJS.ProcessEnv): Exec {
  return async ({ tool, args, stdin, piped, from, into, signal }) => {
    const started = performance.now()
    const shell = $({
      nothrow: true,
      quiet: true,
      verbose: false,
      prefix: '',
      env,
      input: stdin ?? '',
      ...(signal === undefined ? {} : { signal }),
    })
    // The shell opens the files and becomes the tool, so what streams never passes through here.
    const call = from !== undefined ? shell`${tool} ${args} < ${from}` : into !== undefined ? shell`${tool} ${args} > ${into}` : piped === true ? shell`cat | ${tool} ${args}` : shell`${tool} ${args}`
    const { exitCode, stdout, stderr } = await call
    return { exitCode: exitCode ?? 1, stdout, stderr, ms: Math.round(performance.now() - started) }
  }
}
