import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { AirstripError } from '../errors.ts'

interface Terminal {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
}

/**
 * A line that is typed and not seen. The terminal is then in raw mode, where Ctrl-C is a character
 * like any other: readline knows it, edits the line, and puts the terminal back when it closes.
 */
export function askHidden(question: string, { input, output }: Terminal, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({
    write: (_, __, done) => {
      done()
    },
  })
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  const interrupted = new AirstripError('INTERRUPTED', 'The run was interrupted before a passphrase was given.')
  output.write(question)
  return new Promise<string>((resolve, reject) => {
    const stop = (): void => {
      reject(interrupted)
    }
    lines.once('line', (line) => {
      resolve(corrected(line))
    })
    lines.once('SIGINT', stop)
    // The end of input is no answer.
    lines.once('close', () => {
      resolve('')
    })
    signal.addEventListener('abort', stop, { once: true })
  }).finally(() => {
    lines.close()
    output.write('\n')
  })
}

/** On a terminal that calls itself dumb readline edits nothing: what was rubbed out, and that it was, is still in the line. */
function corrected(line: string): string {
  const left: string[] = []
  for (const one of line) {
    if (one === '\u007F' || one === '\b') left.pop()
    else left.push(one)
  }
  return left.join('')
}
