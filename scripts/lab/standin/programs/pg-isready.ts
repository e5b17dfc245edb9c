import { connect } from 'node:net'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: { host: { type: 'string', short: 'h' }, port: { type: 'string', short: 'p' }, username: { type: 'string', short: 'U' }, dbname: { type: 'string', short: 'd' } },
})
const host = String(values.host ?? '127.0.0.1')
const port = Number(values.port ?? 5432)

function end(code: number, word: string): void {
  console.log(`${host}:${port} - ${word}`)
  process.exit(code)
}

const socket = connect({ host, port, timeout: 3000 })
socket.on('connect', () => { end(0, 'accepting connections') })
socket.on('error', () => { end(2, 'no response') })
socket.on('timeout', () => { end(2, 'no response') })
