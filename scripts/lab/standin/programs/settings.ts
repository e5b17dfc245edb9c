import { readFileSync } from 'node:fs'

/** Airflow's order: the environment first, then airflow.cfg. */
export function setting(section: string, key: string): string | undefined {
  return process.env[`AIRFLOW__${section}__${key}`.toUpperCase()] ?? fromFile(section, key)
}

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
}

/**
 * A connection string, with the host resolved without DNS, which the lab does not have: the kubelet puts
 * the address of every service of the namespace into the pod, as NAME_SERVICE_HOST.
 */
export function endpoint(connection: string, defaultPort: number): Endpoint {
  const url = new URL(connection)
  const variable = `${(url.hostname.split('.')[0] ?? '').toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`
  return {
    name: url.hostname,
    host: process.env[variable] ?? url.hostname,
    port: url.port === '' ? defaultPort : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    path: url.pathname.slice(1),
  }
}

/** Before Airflow 2.3 the connection stood in [core]; charts set both. */
export function databaseUrl(): string {
  return setting('database', 'sql_alchemy_conn') ?? setting('core', 'sql_alchemy_conn') ?? 'sqlite:////opt/airflow/airflow.db'
}
