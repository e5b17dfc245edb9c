import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { endOnTerm } from './ends.ts'
import { readCommands } from './redis-protocol.ts'

const args = process.argv.slice(2)
const at = args.indexOf('--requirepass')
const password = at === -1 ? undefined : args[at + 1]
const values = new Map<string, string>()

type Session = { authenticated: boolean }

function answer(session: Session, [name = '', ...rest]: string[]): string {
  const command = name.toUpperCase()
  if (command === 'AUTH') return authenticate(session, rest)
  if (!session.authenticated) return '-NOAUTH Authentication required.\r\n'
  if (command === 'PING') return '+PONG\r\n'
  if (command === 'SET') {
    values.set(rest[0] ?? '', rest[1] ?? '')
    return '+OK\r\n'
  }
  if (command === 'GET') {
    const value = values.get(rest[0] ?? '')
    return value === undefined ? '$-1\r\n' : `$${Buffer.byteLength(value)}\r\n${value}\r\n`
  }
  return `-ERR unknown command '${name}'\r\n`
}

function authenticate(session: Session, rest: string[]): string {
  if (password === undefined) return '-ERR AUTH <password> called without any password configured for the default user.\r\n'
  session.authenticated = rest.at(-1) === password
  return session.authenticated ? '+OK\r\n' : '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
}

function checkVolume(): void {
  try {
    // Redis writes its snapshot here; a volume that refuses it is found at the first save, so look at once.
    writeFileSync('/data/dump.rdb', '')
  } catch (error) {
    console.error(`1:M Failed opening the temp RDB file in /data for saving: ${String(error)}`)
  }
}

endOnTerm()
checkVolume()
createServer(socket => {
  const session: Session = { authenticated: password === undefined }
  const feed = readCommands(command => { socket.write(answer(session, command)) })
  socket.on('data', chunk => { feed(chunk.toString('utf8')) })
  socket.on('error', () => { socket.destroy() })
}).listen(6379, () => { console.log("1:M * Ready to accept connections (the lab's stand-in)") })
