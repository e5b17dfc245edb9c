import type { ChartList } from '../access.ts'
import { AirstripError } from '../errors.ts'
import { parsedJson } from '../json.ts'
import { findChart, isLocal, parseMetadata, repositories, showChart } from './chart.ts'
import { readIndex } from './chart-index.ts'
import type { Connection } from './connection.ts'
import type { Fetch } from './fetch.ts'

export interface Sources {
  cacheFolder: string
  fetch: Fetch
  now: () => Date
}

/** The versions of a chart that can be had, wherever it is. */
export async function listCharts(connection: Connection, { cacheFolder, fetch, now }: Sources, reference: string): Promise<ChartList> {
  if (isLocal(reference)) {
    const chart = await findChart(connection, cacheFolder, { reference, version: 'auto' })
    return { reference, address: chart.path, charts: [chart] }
  }
  if (reference.startsWith('oci://')) return newestOf(connection, reference)
  const [repository = '', name = ''] = reference.split('/')
  const url = repositories[repository] ?? (await ownRepository(connection, repository))
  return readIndex(cacheFolder, fetch, now(), { url, name, reference })
}

/** A registry gives one version by its name; there is nothing in it that Helm could list. */
async function newestOf(connection: Connection, reference: string): Promise<ChartList> {
  const { name, version, appVersion, home, kubeVersion, deprecated } = parseMetadata(await showChart(connection, reference), reference)
  const chart = { name, version, appVersion: String(appVersion ?? ''), home, kubeVersion, deprecated }
  return { reference, address: reference, charts: [chart], note: 'an OCI registry has no index: only the newest version is known' }
}

interface Repository { name?: string; url?: string }

/** One that the person has added to Helm; what lies behind a login Helm alone can read. */
async function ownRepository(connection: Connection, name: string): Promise<string> {
  const { exitCode, stdout } = await connection.exec({ tool: 'helm', args: ['repo', 'list', '-o', 'json'], signal: connection.signal })
  const url = exitCode === 0 ? repositoriesIn(stdout).find((one) => one.name === name)?.url : undefined
  if (url !== undefined && /^https?:\/\//.test(url)) return url
  throw new AirstripError('CHART_UNAVAILABLE', `Helm knows no repository called ${name}.`, {
    place: name,
    next: `helm repo add ${name} ADDRESS, or write one of ${Object.keys(repositories).map((known) => `${known}/airflow`).join(', ')} as airflow.chart.`,
  })
}

function repositoriesIn(text: string): Repository[] {
  const listed = parsedJson(text)
  return Array.isArray(listed) ? (listed as Repository[]) : []
}
