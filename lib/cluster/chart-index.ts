import semver from 'semver'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { ChartList } from '../access.ts'
import { AirstripError } from '../errors.ts'
import type { Fetch } from './fetch.ts'
import { loginIn } from './web-proxy.ts'
import { chartFields, defined, keptList, newestFirst, unusable, type Asked } from './kept-list.ts'

/** The official one has 60 KB, the community's 300 KB, the largest that are known 15 MB: those of hundreds of other charts. */
const mostBytes = 5_000_000

/** Of an entry as Helm writes it (helm pkg/repo/index.go), every value as text. */
const entrySchema = z.object({
  ...chartFields,
  version: chartFields.version.refine((version) => semver.valid(version) !== null),
  deprecated: z.stringbool().optional().catch(undefined),
})

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
export function readIndex(cache: string, fetch: Fetch, now: Date, { url, name, reference }: IndexSource): Promise<ChartList> {
  const { address, login } = openly(`${url.replace(/\/+$/, '')}/index.yaml`)
  return keptList(cache, now, { address, name, reference }, async (kept) => {
    const { text, ...validators } = await fetch(address, { mostBytes, login, known: { etag: kept?.etag, lastModified: kept?.lastModified } })
    const charts = text === undefined ? kept?.charts : chartsIn(text, address, name)
    if (charts === undefined) throw unusable(address, `The index ${address} did not come, although none is kept here.`)
    return { charts, ...validators }
  }).catch((error: unknown) => {
    throw error instanceof AirstripError ? error : unusable(address, `The index ${address} could not be read: ${error instanceof Error ? error.message : String(error)}.`, error)
  })
}

/** An address is shown and kept; a login that somebody wrote into it is not. */
function openly(text: string): { address: string; login?: string | undefined } {
  if (!URL.canParse(text)) return { address: text }
  const url = new URL(text)
  const login = loginIn(url)
  url.username = url.password = ''
  return { address: url.href, login }
}

/** Every value as text, as Helm reads it: 2.10 is a version and no number. */
function chartsIn(text: string, address: string, name: string): Asked['charts'] {
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
