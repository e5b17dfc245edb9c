import { execFile } from 'node:child_process'
import { databaseUrl, endpoint, withAddress, type Endpoint } from './settings.ts'

/** What Airflow's own database layer would raise; the message is what a person finds in the log. */
export class OperationalError extends Error {
  override name = 'sqlalchemy.exc.OperationalError'
}

const PSQL = '/opt/bitnami/postgresql/bin/psql'
const QUIET = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-']

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Runs statements as Airflow's user; the password is in the environment and nowhere else. */
export async function execute(statements: string): Promise<string> {
  const url = databaseUrl()
  if (url.startsWith('sqlite:')) throw new OperationalError('(sqlite3.OperationalError) no such table: alembic_version')
  return withAddress(endpoint(url, 5432), server => psql(server, statements))
}

/** The rows of one query. */
export async function rows<Row>(query: string): Promise<Row[]> {
  const text = await execute(`SELECT coalesce(json_agg(r), '[]') FROM (${query}) r;`)
  return JSON.parse(text) as Row[]
}

/** False before the first migration. */
export async function isThere(table: string): Promise<boolean> {
  return (await execute(`SELECT to_regclass(${literal(table)}) IS NOT NULL;`)).trim() === 't'
}

function psql({ name, host, port, user, password, path, sslmode }: Endpoint, statements: string): Promise<string> {
  const env = {
    ...process.env, PGHOST: name, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: path, PGSSLMODE: sslmode,
    PGCONNECT_TIMEOUT: '5', PGAPPNAME: 'airflow', ...(host === name ? {} : { PGHOSTADDR: host }),
  }
  return new Promise((resolve, reject) => {
    const child = execFile(PSQL, QUIET, { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new OperationalError(`(psycopg2.OperationalError) ${stderr.trim().replace(/^psql:(?:<stdin>:\d+:)? (?:error|ERROR): /i, '')}`))
    })
    // A server that is not there closes it early, and says why on stderr.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(statements)
  })
}
