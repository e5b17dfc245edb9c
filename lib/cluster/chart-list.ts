import type { ChartList } from '../access.ts'
import { AirstripError } from '../errors.ts'
import { parsedJson } from '../json.ts'
import { findChart, isLocal, parseMetadata, repositories, showChart } from './chart.ts'
import { readIndex } from './chart-index.ts'
import { readRegistry } from './chart-registry.ts'
import type { Connection } from './connection.ts'
import type { Fetch } from './fetch.ts'
import { adviceOn, type Web } from './web.ts'

export interface Sources {
  cacheFolder: string
  fetch: Fetch
  web: Web
  env: NodeJS.ProcessEnv
  now: () => Date
}

/** The versions of a chart that can be had, wherever it is. */
export async function listCharts(connection: Connection, sources: Sources, reference: string): Promise<ChartList> {
  const { cacheFolder, fetch, now } = sources
  if (isLocal(reference)) {
    const chart = await findChart(connection, cacheFolder, { reference, version: 'auto' })
    return { reference, address: chart.path, charts: [chart] }
  }
  if (reference.startsWith('oci://')) return readRegistry({ ...sources, signal: connection.signal }, reference).catch((error: unknown) => newestOf(connection, reference, error))
  const [repository = '', name = ''] = reference.split('/')
  const url = repositories[repository] ?? (await ownRepository(connection, repository))
  return readIndex(cacheFolder, fetch, now(), { url, name, reference })
}

/** Where a registry does not list its tags to airstrip, Helm may still have the one that it takes for the newest: it knows other logins. */
async function newestOf(connection: Connection, reference: string, why: unknown): Promise<ChartList> {
  const reason = why instanceof Error ? why.message : String(why)
  const advice = adviceOn(why)
  const shown = await showChart(connection, reference).catch((error: unknown) => {
    if (!(error instanceof AirstripError)) throw error
    throw new AirstripError(error.code, error.message, { place: reference, seen: [...error.seen, `its versions could not be listed either: ${reason}`], next: advice ?? error.next, cause: error })
  })
  const { name, version, appVersion, home, kubeVersion, deprecated } = parseMetadata(shown, reference)
  const chart = { name, version, appVersion: String(appVersion ?? ''), home, kubeVersion, deprecated }
  return { reference, address: reference, charts: [chart], note: `only the newest version is known, from Helm, since the registry did not list them (${reason})${advice === undefined ? '' : `: ${advice}`}` }
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
