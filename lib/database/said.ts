import type { DatabaseFacts } from '../dump.ts'

/** What the scripts say, line by line: a word, a tab, what it is. Anything else is for a person. */
export interface Said extends DatabaseFacts {
  /** Of the data folder's file system, in bytes; undefined where it cannot be seen. */
  free?: number | undefined
  databases: string[]
  swept: string[]
  /** Exit code of the dump, or 0 for a restore that came to its end; undefined where it did not. */
  ended?: number | undefined
}

export function readSaid(text: string): Said {
  const said: Said = { server: '', bytes: 0, rows: {}, databases: [], swept: [] }
  for (const line of text.split('\n')) {
    const [word, value = '', more = ''] = line.split('\t')
    if (word === 'server') said.server = value
    else if (word === 'bytes') said.bytes = Number(value)
    else if (word === 'revision' && value !== '') said.revision = value
    else if (word === 'rows') said.rows[value] = Number(more)
    else if (word === 'database') said.databases.push(value)
    else if (word === 'swept') said.swept.push(value)
    else if (word === 'ended') said.ended = Number(value)
    // The fourth column of `df -Pk` is what is available, in KiB.
    else if (word === 'free') said.free = Number(value.trim().split(/\s+/)[3]) * 1024
  }
  return said
}

const ours = /^(?:server|bytes|revision|rows|database|swept|ended|free)\t/
/** PostgreSQL quotes the row that it stumbled over, and rows hold passwords. */
const quotes = /^(?:CONTEXT|DETAIL|STATEMENT|QUERY|LINE \d+)\b|^Command was:/

/** What is left for a person: the complaints themselves. */
export function complaints(stderr: string): string[] {
  return stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !ours.test(line) && !quotes.test(line) && !line.startsWith('Defaulted container') && !line.startsWith('command terminated with')).slice(-6)
}

/** How a restored database differs from what was dumped, in words; none where it is the same to the row. */
export function unlike(dumped: DatabaseFacts, restored: DatabaseFacts): string[] {
  const tables = [...new Set([...Object.keys(dumped.rows), ...Object.keys(restored.rows)])].sort()
  const revision = (facts: DatabaseFacts): string => facts.revision ?? 'none'
  return [
    ...(revision(dumped) === revision(restored) ? [] : [`migrations: ${revision(dumped)} was dumped, ${revision(restored)} restored`]),
    ...tables.filter((table) => dumped.rows[table] !== restored.rows[table])
      .map((table) => `table ${table}: ${rows(dumped.rows[table])} dumped, ${rows(restored.rows[table])} restored`),
  ]
}

function rows(count: number | undefined): string {
  return count === undefined ? 'not' : String(count)
}
