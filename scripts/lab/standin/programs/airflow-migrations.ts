import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { execute, isThere, literal, rows } from './database-client.ts'
import { log, sleep } from './ends.ts'
import { databaseUrl } from './settings.ts'

/** Tables that a lab can tell the difference by, with Airflow's own names. */
const TABLES = `
CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY);
CREATE TABLE IF NOT EXISTS dag (dag_id varchar(250) PRIMARY KEY, is_paused boolean, fileloc varchar(2000));
CREATE TABLE IF NOT EXISTS connection (id serial PRIMARY KEY, conn_id varchar(250) UNIQUE NOT NULL, conn_type varchar(500) NOT NULL, host varchar(500), password varchar(5000));
CREATE TABLE IF NOT EXISTS variable (id serial PRIMARY KEY, key varchar(250) UNIQUE, val text);
CREATE TABLE IF NOT EXISTS job (id serial PRIMARY KEY, job_type varchar(30), hostname varchar(500), state varchar(20), latest_heartbeat timestamptz, UNIQUE (job_type, hostname));
CREATE TABLE IF NOT EXISTS ab_user (id serial PRIMARY KEY, username varchar(512) UNIQUE NOT NULL, email varchar(512) UNIQUE NOT NULL, first_name varchar(256), last_name varchar(256), password varchar(256), active boolean);
CREATE TABLE IF NOT EXISTS ab_role (id serial PRIMARY KEY, name varchar(64) UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS ab_user_role (id serial PRIMARY KEY, user_id integer REFERENCES ab_user, role_id integer REFERENCES ab_role);
CREATE TABLE IF NOT EXISTS session (id serial PRIMARY KEY, session_id varchar(255) UNIQUE, data bytea, expiry timestamp);
`

/**
 * The head of a version's migrations. Airflow's own ids say nothing of their order, which a program that
 * has not all of Airflow's history could not tell; these begin with it, and look the same otherwise.
 */
export function revisionOf(version: string): string {
  const numbers = version.split('.').slice(0, 3).map(part => String(parseInt(part, 10) || 0).padStart(2, '0').slice(-2))
  return `${numbers.join('')}${createHash('sha256').update(version).digest('hex').slice(0, 6)}`
}

const own = (): string => revisionOf(process.env.AIRFLOW_VERSION ?? '')

async function revision(): Promise<string | undefined> {
  if (!(await isThere('alembic_version'))) return undefined
  return (await rows<{ version_num: string }>('SELECT version_num FROM alembic_version'))[0]?.version_num
}

export async function migrate(): Promise<void> {
  const place = databaseUrl().replace(/:[^:@/]*@/, ':***@')
  console.log(`DB: ${place}\nPerforming upgrade to the metadata database ${place}`)
  const before = await revision()
  if (before !== undefined && before.slice(0, 6) > own().slice(0, 6)) {
    throw Object.assign(new Error(`Can't locate revision identified by '${before}'`), { name: 'alembic.util.exc.CommandError' })
  }
  if (before !== own()) log('migration.py:205', 'INFO', `Running upgrade ${before ?? ''} -> ${own()}`)
  await execute(`SET client_min_messages = warning; BEGIN; ${TABLES} DELETE FROM alembic_version; INSERT INTO alembic_version VALUES (${literal(own())}); COMMIT;`)
  console.log('Database migrating done!')
}

/** The community chart's Deployment: migrates at its start, and again when it is started again. */
export async function keepMigrated(): Promise<void> {
  await migrate()
  for (;;) await sleep(60_000)
}

export async function checkMigrations(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, strict: false, options: { 'migration-wait-timeout': { type: 'string', short: 't' } } })
  const timeout = Number(values['migration-wait-timeout'] ?? 60)
  for (let ticker = 0; ; ticker += 1) {
    const found = await revision()
    if (found === own()) return
    if (ticker >= timeout) {
      const heads = found === undefined ? 'set()' : `{'${found}'}`
      const error = new Error(`There are still unapplied migrations after ${ticker} seconds. Migration Head(s) in DB: ${heads} | Migration Head(s) in Source Code: {'${own()}'}`)
      throw Object.assign(error, { name: 'TimeoutError' })
    }
    await sleep(1000)
    log('db.py:758', 'INFO', `Waiting for migrations... ${ticker + 1} second(s)`)
  }
}
