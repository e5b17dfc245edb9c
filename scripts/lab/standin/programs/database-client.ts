import { databaseUrl, endpoint, withAddress, type Endpoint } from './settings.ts'
import type { AirflowTables, Operation, Reply } from './database.ts'

/** What Airflow's own database layer would raise; the message is what a person finds in the log. */
export class OperationalError extends Error {
  override name = 'sqlalchemy.exc.OperationalError'
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?',
  ECONNRESET: 'server closed the connection unexpectedly',
  EHOSTUNREACH: 'No route to host\n\tIs the server running on that host and accepting TCP/IP connections?',
}

export async function query(operation: Operation): Promise<AirflowTables> {
  if (databaseUrl().startsWith('sqlite:')) throw new OperationalError('(sqlite3.OperationalError) no such table: alembic_version')
  const server = endpoint(databaseUrl(), 5432)
  const { user, password, path } = server
  const body = JSON.stringify({ user, password, database: path, operation })
  const reply = await withAddress(server, there => ask(there, body))
  if ('error' in reply) throw new OperationalError(`(psycopg2.OperationalError) ${failed(server)} ${reply.error}`)
  return reply.tables
}

async function ask(server: Endpoint, body: string): Promise<Reply> {
  try {
    const response = await fetch(`http://${server.host}:${server.port}/`, { method: 'POST', body, signal: AbortSignal.timeout(5000) })
    return (await response.json()) as Reply
  } catch (error) {
    throw new OperationalError(`(psycopg2.OperationalError) ${reason(server, error)}`)
  }
}

function reason(server: Endpoint, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `could not translate host name "${server.name}" to address: Temporary failure in name resolution`
  }
  return `${failed(server)} ${REASONS[code] ?? 'Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?'}`
}

function failed(server: Endpoint): string {
  return `connection to server at "${server.name}" (${server.host}), port ${server.port} failed:`
}
