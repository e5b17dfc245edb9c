/** Lists of a chart's versions, as they were read last: a repository and a registry are asked again at most once an hour. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import semver from 'semver'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import type { ChartFacts, ChartList } from '../access.ts'
import { AirstripError } from '../errors.ts'
import { adviceOn } from './web.ts'

/** So long a list counts as new; Helm itself never asks again unless it is told to. */
const freshMs = 3_600_000

const words = z.string().max(500)

/** What Chart.yaml says, which an index repeats and a registry keeps; what is of another kind than expected counts as left out. */
export const chartFields = { name: words, version: words, appVersion: words.catch(''), home: words.optional().catch(undefined), kubeVersion: words.optional().catch(undefined) }

const askedSchema = z.object({
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  /** By version, the digest of the manifest that it was read from: what has this digest never changes. */
  manifests: z.record(z.string(), z.string()).optional(),
  note: z.string().optional(),
  charts: z.array(z.object({ name: z.string(), version: z.string(), appVersion: z.string(), home: z.string().optional(), kubeVersion: z.string().optional(), deprecated: z.boolean().optional() })).min(1),
})
const keptSchema = askedSchema.extend({ address: z.string(), checkedAt: z.iso.datetime() })

export type Asked = z.output<typeof askedSchema>
export type Kept = z.output<typeof keptSchema>

export interface ListSource {
  address: string
  name: string
  reference: string
}

/** What `ask` rejects with, other than an error for the reader, is no failure where a list is kept: that one is used, and why it is old is said. */
export async function keptList(cache: string, now: Date, { address, name, reference }: ListSource, ask: (kept?: Kept) => Promise<Asked>): Promise<ChartList> {
  const file = join(cache, 'indexes', `${createHash('sha256').update(`${address} ${name}`).digest('hex').slice(0, 16)}.json`)
  const kept = readKept(file, address)
  const list = ({ charts, checkedAt, note }: Kept, stale?: string): ChartList => ({ reference, address, charts, checkedAt: new Date(checkedAt), ...defined({ note, stale }) })
  const age = kept === undefined ? Infinity : now.getTime() - Date.parse(kept.checkedAt)
  if (kept !== undefined && age >= 0 && age < freshMs) return list(kept)
  try {
    const renewed: Kept = { address, checkedAt: now.toISOString(), ...defined(await ask(kept)) }
    await keep(file, renewed)
    return list(renewed)
  } catch (error) {
    if (kept === undefined || error instanceof AirstripError) throw error
    return list(kept, error instanceof Error ? error.message : String(error))
  }
}

export function newestFirst<T extends Pick<ChartFacts, 'version'>>(charts: T[]): T[] {
  return charts.sort((a, b) => semver.rcompare(a.version, b.version))
}

export function defined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}

export function unusable(place: string, sentence: string, cause?: unknown): AirstripError {
  return new AirstripError('CHART_UNAVAILABLE', sentence, { place, cause, next: adviceOn(cause) ?? 'Check the network and airflow.chart, or point airflow.chart at a folder or a .tgz.' })
}

/** A file that somebody has damaged is as good as none. */
function readKept(file: string, address: string): Kept | undefined {
  try {
    const kept = keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return kept.address === address ? kept : undefined
  } catch {
    return undefined
  }
}

/** A cache that cannot be written is no reason to stop. */
async function keep(file: string, kept: Kept): Promise<void> {
  try {
    mkdirSync(join(file, '..'), { recursive: true })
    await writeFileAtomic(file, JSON.stringify(kept))
  } catch {
    // It is asked for again next time.
  }
}
