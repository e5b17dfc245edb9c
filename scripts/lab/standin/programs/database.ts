import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What Airflow keeps in its metadata database, as far as a lab can tell the difference. */
export interface AirflowTables {
  migratedBy: string | null
  users: Record<string, { role: string; email: string; passwordHash: string }>
  /** Last heartbeat in milliseconds, by "JobType/hostname". */
  jobs: Record<string, number>
}

export type Operation =
  | { name: 'read' }
  | { name: 'migrate'; version: string }
  | { name: 'heartbeat'; job: string }
  | { name: 'create-user'; username: string; role: string; email: string; passwordHash: string }

export interface Request {
  user: string
  password: string
  database: string
  operation: Operation
}

export type Reply = { tables: AirflowTables } | { error: string }

interface Stored {
  roles: Record<string, string>
  databases: Record<string, AirflowTables>
}

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * The database: one JSON file in the data volume. Roles and passwords are written when the volume is
 * empty and never again, as initdb does, so that a changed password is refused and a lost one shows.
 */
export class Database {
  readonly #file: string
  readonly #stored: Stored

  constructor(folder: string, initial: { roles: Record<string, string>; databases: string[] }) {
    this.#file = join(folder, 'airstrip-lab.json')
    if (existsSync(this.#file)) {
      this.#stored = JSON.parse(readFileSync(this.#file, 'utf8')) as Stored
      return
    }
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const roles = Object.fromEntries(Object.entries(initial.roles).map(([role, password]) => [role, hash(password)]))
    const databases = Object.fromEntries(initial.databases.map(name => [name, { migratedBy: null, users: {}, jobs: {} }]))
    this.#stored = { roles, databases }
    this.#save()
  }

  answer(request: Request): Reply {
    if (this.#stored.roles[request.user] !== hash(request.password)) {
      return { error: `FATAL:  password authentication failed for user "${request.user}"` }
    }
    const tables = this.#stored.databases[request.database]
    if (tables === undefined) return { error: `FATAL:  database "${request.database}" does not exist` }
    change(tables, request.operation)
    if (request.operation.name !== 'read') this.#save()
    return { tables }
  }

  #save(): void {
    // A kill between two writes must leave the old file, as a write-ahead log would.
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#stored), { mode: 0o600 })
    renameSync(`${this.#file}.new`, this.#file)
  }
}

function change(tables: AirflowTables, operation: Operation): void {
  if (operation.name === 'migrate') tables.migratedBy = operation.version
  if (operation.name === 'heartbeat') tables.jobs[operation.job] = Date.now()
  if (operation.name === 'create-user') {
    const { username, role, email, passwordHash } = operation
    tables.users[username] = { role, email, passwordHash }
  }
}
