import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { hash } from './database.ts'
import { query } from './database-client.ts'
import { log, sleep } from './ends.ts'
import { databaseUrl } from './settings.ts'

/** A job that was silent for longer is dead: Airflow's scheduler_health_check_threshold. */
export const ALIVE_MS = 30_000

export async function migrate(): Promise<void> {
  const place = databaseUrl().replace(/:[^:@/]*@/, ':***@')
  console.log(`DB: ${place}\nPerforming upgrade to the metadata database ${place}`)
  const tables = await query({ name: 'read' })
  const version = process.env.AIRFLOW_VERSION ?? ''
  if (tables.migratedBy !== version) log('migration.py:205', 'INFO', `Running upgrade ${tables.migratedBy ?? ''} -> ${version}`)
  await query({ name: 'migrate', version })
  console.log('Database migrating done!')
}

export async function checkMigrations(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, strict: false, options: { 'migration-wait-timeout': { type: 'string', short: 't' } } })
  const timeout = Number(values['migration-wait-timeout'] ?? 60)
  for (let ticker = 0; (await query({ name: 'read' })).migratedBy === null; ticker += 1) {
    if (ticker >= timeout) {
      const error = new Error(`There are still unapplied migrations after ${ticker} seconds. Migration Head(s) in DB: set() | Migration Head(s) in Source Code: {'${process.env.AIRFLOW_VERSION ?? ''}'}`)
      throw Object.assign(error, { name: 'TimeoutError' })
    }
    await sleep(1000)
    log('db.py:758', 'INFO', `Waiting for migrations... ${ticker + 1} second(s)`)
  }
}

const USER_OPTIONS = {
  username: { type: 'string', short: 'u' },
  role: { type: 'string', short: 'r' },
  email: { type: 'string', short: 'e' },
  firstname: { type: 'string', short: 'f' },
  lastname: { type: 'string', short: 'l' },
  password: { type: 'string', short: 'p' },
} as const

export async function createUser(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: USER_OPTIONS })
  const { username, role, email, firstname, lastname } = values
  if (username === undefined || role === undefined || email === undefined || firstname === undefined || lastname === undefined) {
    console.error('airflow users create command error: the following arguments are required: -e/--email, -f/--firstname, -l/--lastname, -r/--role, -u/--username')
    process.exit(2)
  }
  const password = values.password ?? (await typedTwice())
  const tables = await query({ name: 'read' })
  if (tables.migratedBy === null) throw new Error('relation "ab_user" does not exist')
  if (username in tables.users) {
    console.log(`${username} already exist in the db`)
    return
  }
  await query({ name: 'create-user', username, role, email, passwordHash: hash(password) })
  console.log(`User "${username}" created with role "${role}"`)
}

/** Without -p Airflow asks twice, and takes the answers from stdin where there is no terminal. */
async function typedTwice(): Promise<string> {
  process.stdout.write('Password:\nRepeat for confirmation:\n')
  const [first, second] = (await text(process.stdin)).split('\n')
  if (first === undefined || first === '') throw Object.assign(new Error('EOF when reading a line'), { name: 'EOFError' })
  if (first !== second) throw Object.assign(new Error('Passwords did not match'), { name: 'SystemExit' })
  return first
}

export async function listUsers(): Promise<void> {
  const { users } = await query({ name: 'read' })
  console.log('username | email | roles')
  for (const [name, { email, role }] of Object.entries(users)) console.log(`${name} | ${email} | ${role}`)
}

export async function jobsCheck(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args, strict: false,
    options: { 'job-type': { type: 'string' }, hostname: { type: 'string' }, local: { type: 'boolean' } },
  })
  const wanted = `${String(values['job-type'] ?? '')}/${values.local === true ? hostname() : String(values.hostname ?? '')}`
  const { jobs } = await query({ name: 'read' })
  const alive = Object.entries(jobs).filter(([job, beat]) => job.startsWith(wanted) && Date.now() - beat < ALIVE_MS)
  if (alive.length === 0) throw Object.assign(new Error('No alive jobs found.'), { name: 'SystemExit' })
  console.log(alive.length === 1 ? 'Found one alive job.' : `Found ${alive.length} alive jobs.`)
}

/** The entrypoint's patience: CONNECTION_CHECK_MAX_COUNT tries, three seconds apart. */
export async function waitForDatabase(): Promise<void> {
  // A log groomer is told of no database: Airflow then looks at its own file of SQLite, which is always there.
  if (databaseUrl().startsWith('sqlite:')) return
  const tries = Number(process.env.CONNECTION_CHECK_MAX_COUNT ?? 20)
  for (let left = tries; left > 0; left -= 1) {
    const failure = await query({ name: 'read' }).then(() => undefined, (error: unknown) => String(error))
    if (failure === undefined) return
    process.stdout.write('.')
    if (left > 1) await sleep(Number(process.env.CONNECTION_CHECK_SLEEP_TIME ?? 3) * 1000)
    else console.error(`\nERROR! Maximum number of retries (${tries}) reached.\n\nLast check result:\n$ airflow db check\n${failure}\n`)
  }
  process.exit(1)
}
