import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { AirstripError } from '../errors.ts'
import type { Chart, ChartSource } from '../access.ts'
import type { Finding } from '../step.ts'
import type { Connection } from './connection.ts'
import type { Outcome } from './exec.ts'
import { hostIsLoopback } from './registry.ts'

/** Short names that people know from the charts' own instructions. */
export const repositories: Readonly<Record<string, string>> = {
  'apache-airflow': 'https://airflow.apache.org',
  'airflow-stable': 'https://airflow-helm.github.io/charts',
}

export function isLocal(reference: string): boolean {
  return /^(\.{0,2}\/|~\/)/.test(reference) || reference.endsWith('.tgz')
}

/** A folder or archive is used as it is; anything else is pulled once into the cache. */
export async function findChart(connection: Connection, cache: string, source: ChartSource): Promise<Chart> {
  const local = isLocal(source.reference)
  const path = local ? source.reference : await pull(connection, cache, source)
  const chart = await readChart(connection, cache, path, local)
  if (!local || source.version === 'auto' || chart.version === source.version) return chart
  throw new AirstripError('CHART_UNAVAILABLE', `The chart at ${path} has version ${chart.version}, not ${source.version}.`, {
    place: path,
    ...missingVersion(source, `It has version ${chart.version}.`, `Write airflow.version: ${chart.version}, or point airflow.chart at a chart of version ${source.version}.`),
  })
}

async function pull(connection: Connection, cache: string, source: ChartSource): Promise<string> {
  const folder = join(cache, 'charts', createHash('sha256').update(source.reference).digest('hex').slice(0, 12))
  mkdirSync(folder, { recursive: true })
  const cached = readdirSync(folder).find((name) => name.endsWith(`-${source.version}.tgz`))
  if (cached !== undefined) return join(folder, cached)
  // Into a folder of its own first: a pull that is cut short must not be taken for a chart.
  const arriving = mkdtempSync(join(folder, 'pull-'))
  try {
    const outcome = await askHelm(connection, source.reference, pullArgs(source, arriving))
    const [archive] = readdirSync(arriving)
    if (outcome.exitCode !== 0 || archive === undefined) throw unavailable(connection, source, outcome.stderr)
    renameSync(join(arriving, archive), join(folder, archive))
    return join(folder, archive)
  } finally {
    rmSync(arriving, { recursive: true, force: true })
  }
}

/** That a registry on this machine has no TLS older ones find out by themselves. Helm 3.17 has to be told for a list of tags, and Helm 4 for everything; before 3.13 it could not be. */
async function askHelm({ exec, signal }: Connection, reference: string, args: string[]): Promise<Outcome> {
  const outcome = await exec({ tool: 'helm', args, signal })
  const [, host] = /^oci:\/\/([^/]+)\//.exec(reference) ?? []
  if (outcome.exitCode === 0 || host === undefined || !hostIsLoopback(host) || !outcome.stderr.includes('server gave HTTP response to HTTPS client')) return outcome
  return exec({ tool: 'helm', args: [...args, '--plain-http'], signal })
}

/** For certain, and not only for now: another version may be looked for. */
function missingVersion({ reference, version }: ChartSource, seen: string, next: string): { next: string; findings: Finding[] } {
  return { next, findings: [{ id: 'chart-version-missing', severity: 'error', title: `There is no version ${version} of chart ${reference}`, evidence: [seen], why: 'Whoever makes the chart has not published it there, or has taken it back.', fix: [next] }] }
}

function pullArgs({ reference, version }: ChartSource, folder: string): string[] {
  const [repository = '', name = ''] = reference.split('/')
  const url = repositories[repository]
  const chart = url === undefined || reference.startsWith('oci://') ? [reference] : [name, '--repo', url]
  return ['pull', ...chart, '--version', version, '--destination', folder]
}

function unavailable(connection: Connection, { reference, version }: ChartSource, stderr: string): AirstripError {
  const seen = connection.redactor.said(stderr).split('\n').filter((line) => line.trim() !== '').slice(-3)
  const certain = notThere.test(stderr) ? missingVersion({ reference, version }, seen.at(-1) ?? '', 'Write a version that `npx tsx run.ts charts` lists as airflow.version; for a repository of your own: helm repo update.') : {}
  return new AirstripError('CHART_UNAVAILABLE', `Chart ${reference} ${version} could not be downloaded.`, { seen, ...certain })
}

// Of a repository by its address, of one that Helm knows by name, and of an OCI registry.
const notThere = /chart "[^"]*" (?:version "[^"]*" not found in \S+ repository|matching \S+ not found in \S+ index)|manifest unknown|failed to (?:resolve|perform)[^\n]*: not found/

export interface ChartMetadata { name: string; version: string; appVersion?: string | number; home?: string; kubeVersion?: string; deprecated?: boolean }

async function readChart(connection: Connection, cache: string, path: string, local: boolean): Promise<Chart> {
  if (!existsSync(path)) throw new AirstripError('CHART_UNAVAILABLE', `There is no chart at ${path}.`, { place: path })
  const folder = statSync(path).isDirectory()
  const fingerprint = fingerprintOf(path, folder)
  const { name, version, appVersion, home, kubeVersion } = folder ? parseMetadata(readMetadata(path), path) : await archived(connection, cache, path, fingerprint)
  return { name, version, appVersion: String(appVersion ?? ''), home: home ?? '', kubeVersion, fingerprint, path, local }
}

/** Helm is asked once for an archive, and again for one with another content. */
async function archived(connection: Connection, cache: string, path: string, fingerprint: string): Promise<ChartMetadata> {
  const folder = join(cache, 'charts', 'shown')
  const file = join(folder, `${fingerprint}.yaml`)
  try {
    return parseMetadata(readFileSync(file, 'utf8'), file)
  } catch {
    // Not there yet, or not as it was left.
  }
  const shown = await showChart(connection, path)
  const metadata = parseMetadata(shown, path)
  keep(folder, file, shown)
  return metadata
}

function keep(folder: string, file: string, text: string): void {
  const aside = `${file}.${process.pid}`
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(aside, text)
    renameSync(aside, file)
  } catch {
    // A cache that cannot be written costs a call of Helm each time, and nothing else.
    if (existsSync(aside)) rmSync(aside)
  }
}

function readMetadata(path: string): string {
  try {
    return readFileSync(join(path, 'Chart.yaml'), 'utf8')
  } catch (cause) {
    throw new AirstripError('CHART_UNAVAILABLE', `The folder ${path} holds no Chart.yaml that can be read.`, { place: path, cause })
  }
}

export function parseMetadata(text: string, path: string): ChartMetadata {
  const document = parseDocument(text)
  const { name, version } = (document.errors.length > 0 ? {} : (document.toJS() ?? {})) as Partial<ChartMetadata>
  if (typeof name === 'string' && typeof version === 'string') return document.toJS() as ChartMetadata
  throw new AirstripError('CHART_UNAVAILABLE', `The Chart.yaml of ${path} names no chart with its version.`, { place: path })
}

export async function showChart(connection: Connection, path: string): Promise<string> {
  const outcome = await askHelm(connection, path, ['show', 'chart', path])
  if (outcome.exitCode === 0) return outcome.stdout
  throw new AirstripError('CHART_UNAVAILABLE', `Helm cannot read the chart at ${path}.`, { place: path, seen: [connection.redactor.said(outcome.stderr).trim()] })
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
