import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { AirstripError } from '../errors.ts'
import type { Chart, ChartSource } from '../access.ts'
import type { Connection } from './connection.ts'

/** Short names that people know from the charts' own instructions. */
const repositories: Record<string, string> = {
  'apache-airflow': 'https://airflow.apache.org',
  'airflow-stable': 'https://airflow-helm.github.io/charts',
}

/** A folder or archive is used as it is; anything else is pulled once into the cache. */
export async function findChart(connection: Connection, cache: string, source: ChartSource): Promise<Chart> {
  const local = /^(\.{0,2}\/|~\/)/.test(source.reference) || source.reference.endsWith('.tgz')
  const path = local ? source.reference : await pull(connection, cache, source)
  const chart = await readChart(connection, path, local)
  if (!local || source.version === 'auto' || chart.version === source.version) return chart
  throw new AirstripError('CHART_UNAVAILABLE', `The chart at ${path} has version ${chart.version}, not ${source.version}.`, {
    place: path,
    next: `Write airflow.version: ${chart.version}, or point airflow.chart at a chart of version ${source.version}.`,
  })
}

async function pull(connection: Connection, cache: string, source: ChartSource): Promise<string> {
  if (source.version === 'auto') throw needsVersion(source)
  const folder = join(cache, 'charts', createHash('sha256').update(source.reference).digest('hex').slice(0, 12))
  mkdirSync(folder, { recursive: true })
  const cached = readdirSync(folder).find((name) => name.endsWith(`-${source.version}.tgz`))
  if (cached !== undefined) return join(folder, cached)
  // Into a folder of its own first: a pull that is cut short must not be taken for a chart.
  const arriving = mkdtempSync(join(folder, 'pull-'))
  try {
    const outcome = await connection.exec({ tool: 'helm', args: pullArgs(source, arriving), signal: connection.signal })
    const [archive] = readdirSync(arriving)
    if (outcome.exitCode !== 0 || archive === undefined) throw unavailable(connection, source, outcome.stderr)
    renameSync(join(arriving, archive), join(folder, archive))
    return join(folder, archive)
  } finally {
    rmSync(arriving, { recursive: true, force: true })
  }
}

/** Choosing among a repository's versions needs its index, which is not read yet (README, Limits). */
function needsVersion({ reference }: ChartSource): AirstripError {
  return new AirstripError('CHART_UNAVAILABLE', `airflow.version: auto cannot choose a version of ${reference} yet.`, {
    next: 'Write the version that you want, for example airflow.version: 1.10.0.',
  })
}

function pullArgs({ reference, version }: ChartSource, folder: string): string[] {
  const [repository = '', name = ''] = reference.split('/')
  const url = repositories[repository]
  const chart = url === undefined || reference.startsWith('oci://') ? [reference] : [name, '--repo', url]
  return ['pull', ...chart, '--version', version, '--destination', folder]
}

function unavailable(connection: Connection, { reference, version }: ChartSource, stderr: string): AirstripError {
  const seen = connection.redactor.redact(stderr).split('\n').filter((line) => line.trim() !== '').slice(-3)
  return new AirstripError('CHART_UNAVAILABLE', `Chart ${reference} ${version} could not be downloaded.`, { seen })
}

interface ChartMetadata { name: string; version: string; appVersion?: string | number; home?: string; kubeVersion?: string }

async function readChart(connection: Connection, path: string, local: boolean): Promise<Chart> {
  if (!existsSync(path)) throw new AirstripError('CHART_UNAVAILABLE', `There is no chart at ${path}.`, { place: path })
  const folder = statSync(path).isDirectory()
  const { name, version, appVersion, home, kubeVersion } = parseMetadata(folder ? readMetadata(path) : await showChart(connection, path), path)
  return { name, version, appVersion: String(appVersion ?? ''), home: home ?? '', kubeVersion, fingerprint: fingerprintOf(path, folder), path, local }
}

function readMetadata(path: string): string {
  try {
    return readFileSync(join(path, 'Chart.yaml'), 'utf8')
  } catch (cause) {
    throw new AirstripError('CHART_UNAVAILABLE', `The folder ${path} holds no Chart.yaml that can be read.`, { place: path, cause })
  }
}

function parseMetadata(text: string, path: string): ChartMetadata {
  const document = parseDocument(text)
  const { name, version } = (document.errors.length > 0 ? {} : (document.toJS() ?? {})) as Partial<ChartMetadata>
  if (typeof name === 'string' && typeof version === 'string') return document.toJS() as ChartMetadata
  throw new AirstripError('CHART_UNAVAILABLE', `The Chart.yaml of ${path} names no chart with its version.`, { place: path })
}

async function showChart(connection: Connection, path: string): Promise<string> {
  const outcome = await connection.exec({ tool: 'helm', args: ['show', 'chart', path], signal: connection.signal })
  if (outcome.exitCode === 0) return outcome.stdout
  throw new AirstripError('CHART_UNAVAILABLE', `Helm cannot read the chart at ${path}.`, { place: path, seen: [outcome.stderr.trim()] })
}

/** Over names and contents, in order, so that any edit of a chart folder changes it. */
function fingerprintOf(path: string, folder: boolean): string {
  const hash = createHash('sha256')
  if (!folder) return hash.update(readFileSync(path)).digest('hex')
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
  for (const file of files) {
    const full = join(path, file)
    if (statSync(full).isFile()) hash.update(file).update('\0').update(readFileSync(full)).update('\0')
  }
  return hash.digest('hex')
}
