import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { Database, type Request } from './database.ts'
import { endOnTerm } from './ends.ts'

const DATA = process.env.PGDATA ?? '/bitnami/postgresql/data'
const env = process.env

/** Bitnami's image takes a secret as NAME or, from a mounted file, as NAME_FILE. */
function secret(...names: string[]): string | undefined {
  for (const name of names) {
    const file = env[`${name}_FILE`]
    const value = file === undefined ? env[name] : readFileSync(file, 'utf8').trimEnd()
    if (value !== undefined && value !== '') return value
  }
  return undefined
}

function initial(): { roles: Record<string, string>; databases: string[] } {
  const user = secret('POSTGRES_USER', 'POSTGRESQL_USERNAME') ?? 'postgres'
  const password = secret('POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD')
  const admin = secret('POSTGRES_POSTGRES_PASSWORD', 'POSTGRESQL_POSTGRES_PASSWORD')
  if (password === undefined) {
    stop('The POSTGRESQL_PASSWORD environment variable is empty or not set. Set the environment variable ALLOW_EMPTY_PASSWORD=yes to allow the container to be started with blank passwords. This is recommended only for development.')
  }
  const roles = { ...(admin === undefined ? {} : { postgres: admin }), [user]: password }
  const database = secret('POSTGRES_DB', 'POSTGRES_DATABASE', 'POSTGRESQL_DATABASE')
  return { roles, databases: [...new Set(['postgres', ...(database === undefined ? [] : [database])])] }
}

function stop(message: string): never {
  line('ERROR', message)
  process.exit(1)
}

function line(level: string, message: string): void {
  console.error(`postgresql ${new Date().toISOString().slice(11, 22)} ${level.padEnd(5)} ==> ${message}`)
}

function prepareVolume(): void {
  try {
    mkdirSync(DATA, { recursive: true, mode: 0o700 })
    writeFileSync(`${DATA}/postmaster.pid`, String(process.pid))
  } catch {
    console.error(`mkdir: cannot create directory '${DATA}': Permission denied`)
    process.exit(1)
  }
}

function open(): Database {
  try {
    return new Database(DATA, initial())
  } catch (error) {
    stop(`the data folder cannot be read: ${String(error)}`)
  }
}

async function serve(database: Database, request: IncomingMessage): Promise<string> {
  // A browser or a probe that comes by speaks no SQL; say so and go on.
  if (request.method !== 'POST') return JSON.stringify({ error: 'FATAL:  unsupported frontend protocol' })
  const reply = database.answer(JSON.parse(await text(request)) as Request)
  if ('error' in reply) console.log(`${new Date().toISOString()} GMT [${process.pid}] ${reply.error}`)
  return JSON.stringify(reply)
}

line('INFO', '** Starting PostgreSQL setup **')
if (env.AIRSTRIP_LAB_CRASH === '1') stop('told to crash by AIRSTRIP_LAB_CRASH')
prepareVolume()
const database = open()
const slow = Number(env.AIRSTRIP_LAB_SLOW_START ?? 0) * 1000
endOnTerm()
setTimeout(() => {
  createServer((request, response) => {
    serve(database, request).then(body => response.end(body), (error: unknown) => response.writeHead(400).end(String(error)))
  }).listen(Number(env.POSTGRESQL_PORT_NUMBER ?? 5432), () => {
    writeFileSync('/opt/bitnami/postgresql/tmp/.initialized', '')
    line('INFO', '** Starting PostgreSQL ** (the lab\'s stand-in)')
    console.log('LOG:  database system is ready to accept connections')
  })
}, slow)
