import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { execute, rows } from './database-client.ts'
import { sleep } from './ends.ts'
import { databaseUrl } from './settings.ts'

/** A job that was silent for longer is dead: Airflow's scheduler_health_check_threshold. */
export const ALIVE_MS = 30_000

export interface Job {
  job_type: string
  hostname: string
  /** Of its last heartbeat, in milliseconds. */
  beat: string
}

export async function jobs(): Promise<Job[]> {
  return rows<Job>('SELECT job_type, hostname, (extract(epoch from latest_heartbeat) * 1000)::bigint AS beat FROM job')
}

export async function jobsCheck(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args, strict: false,
    options: { 'job-type': { type: 'string' }, hostname: { type: 'string' }, local: { type: 'boolean' } },
  })
  const type = String(values['job-type'] ?? '')
  const host = values.local === true ? hostname() : String(values.hostname ?? '')
  const alive = (await jobs()).filter(job => job.job_type.startsWith(type) && job.hostname.startsWith(host) && Date.now() - Number(job.beat) < ALIVE_MS)
  if (alive.length === 0) throw Object.assign(new Error('No alive jobs found.'), { name: 'SystemExit' })
  console.log(alive.length === 1 ? 'Found one alive job.' : `Found ${alive.length} alive jobs.`)
}

/** Airflow has its whole self to load before it asks; who asks at once meets a database that is still beginning, crashes and waits for its next try. */
export async function checkDatabase(): Promise<void> {
  for (let left = 15; ; left -= 1) {
    try {
      await execute('SELECT 1;')
      console.log('Connection successful.')
      return
    } catch (error) {
      if (left === 0) throw error
      await sleep(1000)
    }
  }
}

/** The entrypoint's patience: CONNECTION_CHECK_MAX_COUNT tries, three seconds apart. */
export async function waitForDatabase(): Promise<void> {
  // A log groomer is told of no database: Airflow then looks at its own file of SQLite, which is always there.
  if (databaseUrl().startsWith('sqlite:')) return
  const tries = Number(process.env.CONNECTION_CHECK_MAX_COUNT ?? 20)
  for (let left = tries; left > 0; left -= 1) {
    const failure = await execute('SELECT 1;').then(() => undefined, (error: unknown) => String(error))
    if (failure === undefined) return
    process.stdout.write('.')
    if (left > 1) await sleep(Number(process.env.CONNECTION_CHECK_SLEEP_TIME ?? 3) * 1000)
    else console.error(`\nERROR! Maximum number of retries (${tries}) reached.\n\nLast check result:\n$ airflow db check\n${failure}\n`)
  }
  process.exit(1)
}
