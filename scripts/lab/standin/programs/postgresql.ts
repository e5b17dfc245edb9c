import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { sleep } from './ends.ts'

/** Bitnami's entrypoint around a real server, as far as charts rely on it. */
const BIN = '/opt/bitnami/postgresql/bin'
const TMP = '/opt/bitnami/postgresql/tmp'
const DATA = process.env.PGDATA ?? '/bitnami/postgresql/data'
const PORT = process.env.POSTGRESQL_PORT_NUMBER ?? '5432'
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

function stop(message: string): never {
  line('ERROR', message)
  process.exit(1)
}

function line(level: string, message: string): void {
  console.error(`postgresql ${new Date().toISOString().slice(11, 22)} ${level.padEnd(5)} ==> ${message}`)
}

interface Wanted {
  user: string
  password: string
  admin: string | undefined
  database: string | undefined
}

function wanted(): Wanted {
  const user = secret('POSTGRES_USER', 'POSTGRESQL_USERNAME') ?? 'postgres'
  const password = secret('POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD')
  if (password === undefined) {
    stop('The POSTGRESQL_PASSWORD environment variable is empty or not set. Set the environment variable ALLOW_EMPTY_PASSWORD=yes to allow the container to be started with blank passwords. This is recommended only for development.')
  }
  const admin = user === 'postgres' ? password : secret('POSTGRES_POSTGRES_PASSWORD', 'POSTGRESQL_POSTGRES_PASSWORD')
  return { user, password, admin, database: secret('POSTGRES_DB', 'POSTGRES_DATABASE', 'POSTGRESQL_DATABASE') }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** One statement a line, as the server's single-user mode takes them. Roles and passwords are written here and never again. */
function firstStatements({ user, password, admin, database }: Wanted): string {
  return [
    ...(admin === undefined ? [] : [`ALTER ROLE postgres PASSWORD ${literal(admin)}`]),
    ...(user === 'postgres' ? [] : [`CREATE ROLE ${quoted(user)} LOGIN CREATEDB PASSWORD ${literal(password)}`]),
    ...(database === undefined || database === 'postgres' ? [] : [`CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)}`]),
  ].map(statement => `${statement};\n`).join('')
}

const ACCESS = ['local all all scram-sha-256', 'host all all 0.0.0.0/0 scram-sha-256', 'host all all ::/0 scram-sha-256', '']

/** Beside its place and then renamed: a pod that goes in between leaves no half of a database. */
function initialize(): void {
  const making = `${DATA}.making`
  rmSync(making, { recursive: true, force: true })
  // Nothing of a lab outlives its machine, so the disk need not be waited for.
  execFileSync(`${BIN}/initdb`, ['-D', making, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--auth=trust', '--no-sync', '--no-instructions'], { stdio: 'ignore', env: { ...env, TZ: 'UTC' } })
  execFileSync(`${BIN}/postgres`, ['--single', '-F', '-D', making, 'postgres'], { input: firstStatements(wanted()), stdio: ['pipe', 'ignore', 'inherit'] })
  writeFileSync(`${making}/pg_hba.conf`, ACCESS.join('\n'))
  rmSync(DATA, { recursive: true, force: true })
  renameSync(making, DATA)
}

function prepareVolume(): void {
  try {
    mkdirSync(DATA, { recursive: true, mode: 0o700 })
    writeFileSync(`${DATA}/.written`, '')
  } catch {
    console.error(`mkdir: cannot create directory '${DATA}': Permission denied`)
    process.exit(1)
  }
  if (existsSync(`${DATA}/PG_VERSION`)) line('INFO', 'Deploying PostgreSQL with persisted data...')
  else initialize()
  // Of a server that was killed; process 1 of the last container is alive in every other one.
  rmSync(`${DATA}/postmaster.pid`, { force: true })
}

const SETTINGS = ['listen_addresses=*', `port=${PORT}`, `unix_socket_directories=${TMP}`, 'fsync=off', 'shared_buffers=16MB', 'max_connections=60', 'log_timezone=GMT', 'timezone=GMT']

/** A client that stays connected would keep a polite end waiting: INT is the fast one, and loses nothing. */
async function serve(): Promise<void> {
  const server = spawn(`${BIN}/postgres`, ['-D', DATA, ...SETTINGS.flatMap(setting => ['-c', setting])], { stdio: 'inherit' })
  server.on('exit', code => { process.exit(code ?? 1) })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => { server.kill('SIGINT') })
  while (!isReady()) await sleep(100)
  writeFileSync(`${TMP}/.initialized`, '')
}

function isReady(): boolean {
  try {
    execFileSync(`${BIN}/pg_isready`, ['-q', '-h', '127.0.0.1', '-p', PORT])
    return true
  } catch {
    return false
  }
}

line('INFO', '** Starting PostgreSQL setup **')
process.once('SIGTERM', () => { process.exit(0) })
if (env.AIRSTRIP_LAB_CRASH === '1') stop('told to crash by AIRSTRIP_LAB_CRASH')
wanted()
prepareVolume()
await sleep(Number(env.AIRSTRIP_LAB_SLOW_START ?? 0) * 1000)
line('INFO', "** Starting PostgreSQL ** (the lab's: Debian's server in Bitnami's clothes)")
process.removeAllListeners('SIGTERM')
await serve()
