import { Resolver } from 'node:dns/promises'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Airflow's order: the environment first, then airflow.cfg. */
export function setting(section: string, key: string): string | undefined {
  const variable = `AIRFLOW__${section}__${key}`.toUpperCase()
  return process.env[variable] ?? fromCommand(process.env[`${variable}_CMD`]) ?? fromFile(section, key)
}

/** What a command prints: the community chart's connections, put together of their parts. */
const fromCommand = (command: string | undefined): string | undefined => {
  if (command === undefined) return undefined
  const known = printed.get(command) ?? execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' }).trim()
  printed.set(command, known)
  return known
}

const printed = new Map<string, string>()

function fromFile(wanted: string, key: string): string | undefined {
  let section = ''
  for (const line of configLines()) {
    section = /^\[(.+)\]/.exec(line)?.[1] ?? section
    const [name, ...value] = line.split('=')
    if (section === wanted && name?.trim() === key) return value.join('=').trim()
  }
  return undefined
}

function configLines(): string[] {
  try {
    return readFileSync(`${process.env.AIRFLOW_HOME ?? '/opt/airflow'}/airflow.cfg`, 'utf8').split('\n')
  } catch {
    // A bare `airflow version` runs without one.
    return []
  }
}

export interface Endpoint {
  name: string
  host: string
  port: number
  user: string
  password: string
  path: string
  sslmode: string
}

/** A connection string in parts. */
export function endpoint(connection: string, defaultPort: number): Endpoint {
  const url = new URL(connection)
  const variable = `${(url.hostname.split('.')[0] ?? '').toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`
  return {
    name: url.hostname,
    host: process.env[variable] ?? url.hostname,
    port: url.port === '' ? defaultPort : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    // As SQLAlchemy reads it: a line break at its end is a part of the name, which URL takes away.
    path: decodeURIComponent(/^[^:]+:\/\/[^/?]*\/([^?]*)/.exec(connection)?.[1] ?? ''),
    sslmode: url.searchParams.get('sslmode') ?? 'prefer',
  }
}

/**
 * Calls with the address that the kubelet put into the pod as NAME_SERVICE_HOST, which is there where a
 * cluster has no DNS; then, since a service that was made anew has another address, with what DNS says.
 */
export async function withAddress<T>(server: Endpoint, call: (server: Endpoint) => Promise<T>): Promise<T> {
  try {
    return await call(server)
  } catch (error) {
    const host = await lookUp(server.name)
    if (host === undefined || host === server.host) throw error
    return call({ ...server, host })
  }
}

/** Through the search list of the pod, as libc does; gives up at once where no DNS answers. */
async function lookUp(name: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: 500, tries: 2 })
  const search = /^search (.*)$/m.exec(readFileSync('/etc/resolv.conf', 'utf8'))?.[1]?.split(' ') ?? []
  for (const candidate of [...search.map(domain => `${name}.${domain}`), name]) {
    try {
      return (await resolver.resolve4(candidate))[0]
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOTFOUND')) return undefined
    }
  }
  return undefined
}

/** Before Airflow 2.3 the connection stood in [core]; charts set both. */
export function databaseUrl(): string {
  return setting('database', 'sql_alchemy_conn') ?? setting('core', 'sql_alchemy_conn') ?? 'sqlite:////opt/airflow/airflow.db'
}
