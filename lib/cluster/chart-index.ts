import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import semver from 'semver'
import writeFileAtomic from 'write-file-atomic'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { ChartFacts, ChartList } from '../access.ts'
import { AirstripError } from '../errors.ts'
import type { Fetch } from './fetch.ts'

/** So long an index counts as new; Helm itself never asks again unless it is told to. */
const freshMs = 3_600_000
/** The official one has 60 KB, the community's 300 KB, the largest that are known 15 MB: those of hundreds of other charts. */
const mostBytes = 5_000_000

const words = z.string().max(500)

/** Of an entry as Helm writes it (helm pkg/repo/index.go); what is of another kind than expected counts as left out. */
const entrySchema = z.object({
  name: words,
  version: words.refine((version) => semver.valid(version) !== null),
  appVersion: words.catch(''),
  home: words.optional().catch(undefined),
  kubeVersion: words.optional().catch(undefined),
  deprecated: z.stringbool().optional().catch(undefined),
})

const keptSchema = z.object({
  address: z.string(),
  checkedAt: z.iso.datetime(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  charts: z.array(z.object({ name: z.string(), version: z.string(), appVersion: z.string(), home: z.string().optional(), kubeVersion: z.string().optional(), deprecated: z.boolean().optional() })).min(1),
})

type Kept = z.output<typeof keptSchema>

export interface IndexSource {
  /** Of the repository; index.yaml lies in it. */
  url: string
  name: string
  reference: string
}

/**
 * The versions of a chart in a repository's index, which is kept and asked for again at most once an
 * hour. What is kept is what was read of it: to read the YAML itself takes longer than to ask for it.
 */
export async function readIndex(cache: string, fetch: Fetch, now: Date, source: IndexSource): Promise<ChartList> {
  const address = `${source.url.replace(/\/+$/, '')}/index.yaml`
  const file = join(cache, 'indexes', `${createHash('sha256').update(`${address} ${source.name}`).digest('hex').slice(0, 16)}.json`)
  const kept = readKept(file, address)
  const list = ({ charts, checkedAt }: Kept, stale?: string): ChartList => ({ reference: source.reference, address, charts, checkedAt: new Date(checkedAt), ...(stale === undefined ? {} : { stale }) })
  const age = kept === undefined ? Infinity : now.getTime() - Date.parse(kept.checkedAt)
  if (kept !== undefined && age >= 0 && age < freshMs) return list(kept)
  const asked = await fetch(address, { mostBytes, known: { etag: kept?.etag, lastModified: kept?.lastModified } }).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  if (asked instanceof Error) {
    if (kept !== undefined) return list(kept, asked.message)
    throw unusable(address, `The index ${address} could not be read: ${asked.message}.`)
  }
  const { etag, lastModified } = asked
  const charts = asked.text === undefined ? kept?.charts : chartsIn(asked.text, address, source.name)
  if (charts === undefined) throw unusable(address, `The index ${address} did not come, although none is kept here.`)
  const renewed: Kept = { address, checkedAt: now.toISOString(), charts, ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) }
  await keep(file, renewed)
  return list(renewed)
}

/** Every value as text, as Helm reads it: 2.10 is a version and no number. */
function chartsIn(text: string, address: string, name: string): Kept['charts'] {
  const listed = entriesOf(text, address)[name]
  if (listed === undefined) throw unusable(address, `The repository ${address} has no chart called ${name}.`)
  const charts = (Array.isArray(listed) ? listed : []).flatMap((entry) => {
    const { data } = entrySchema.safeParse(entry)
    return data === undefined ? [] : [defined(data)]
  })
  if (charts.length === 0) throw unusable(address, `The index ${address} names no version of ${name} that can be read as one.`)
  return newestFirst(charts)
}

function entriesOf(text: string, address: string): Record<string, unknown> {
  let index: unknown
  try {
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'silent', uniqueKeys: false })
    index = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 20 })
  } catch {
    // Nested or repeated beyond all measure.
  }
  const entries = typeof index === 'object' && index !== null ? (index as { entries?: unknown }).entries : undefined
  if (typeof entries === 'object' && entries !== null && !Array.isArray(entries)) return { ...entries }
  throw unusable(address, `What ${address} gave is no index of a Helm repository.`)
}

export function newestFirst<T extends ChartFacts>(charts: T[]): T[] {
  return charts.sort((a, b) => semver.rcompare(a.version, b.version))
}

function defined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}

function unusable(place: string, sentence: string): AirstripError {
  return new AirstripError('CHART_UNAVAILABLE', sentence, { place, next: 'Check the network and airflow.chart, or point airflow.chart at a folder or a .tgz.' })
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
