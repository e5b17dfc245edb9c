import { connect } from 'node:net'
import type { Endpoint } from './settings.ts'

/** Reads Redis's wire format: a command is an array of strings, each with its length before it. */
export function readCommands(onCommand: (command: string[]) => void): (chunk: string) => void {
  let buffer = ''
  return chunk => {
    buffer += chunk
    for (let taken = take(buffer); taken !== undefined; taken = take(buffer)) {
      buffer = buffer.slice(taken.length)
      onCommand(taken.words)
    }
  }
}

function take(buffer: string): { words: string[]; length: number } | undefined {
  const lines = buffer.split('\r\n')
  const count = Number(/^\*(\d+)$/.exec(lines[0] ?? '')?.[1] ?? Number.NaN)
  if (Number.isNaN(count) || lines.length < 2 * count + 2) return undefined
  const used = lines.slice(0, 2 * count + 1)
  return { words: used.filter((_, index) => index > 0 && index % 2 === 0), length: used.join('\r\n').length + 2 }
}

export class RedisError extends Error {
  /** A refusal, which a retry cannot mend; anything else may pass. */
  readonly refused: boolean

  constructor(message: string, refused: boolean) {
    super(message)
    this.refused = refused
  }
}

/** One short conversation: log in, say the command, give back the last answer. */
export function redis(server: Endpoint, ...command: string[]): Promise<string> {
  const commands = [...(server.password === '' ? [] : [['AUTH', server.password]]), command]
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port, timeout: 3000 })
    let answers = ''
    socket.on('connect', () => socket.write(commands.map(encode).join('')))
    socket.on('timeout', () => socket.destroy(new Error('timed out')))
    socket.on('error', error => { reject(new RedisError(error.message, false)) })
    socket.on('data', chunk => {
      answers += chunk.toString('utf8')
      const lines = answers.split('\r\n').filter(line => !/^(\$\d*|)$/.test(line))
      const refusal = lines.find(line => line.startsWith('-'))
      if (refusal === undefined && lines.length < commands.length) return
      socket.end()
      if (refusal === undefined) resolve(lines.at(-1) ?? '')
      else reject(new RedisError(refusal.slice(1).replace(/^WRONGPASS /, ''), true))
    })
  })
}

function encode(words: string[]): string {
  return `*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
