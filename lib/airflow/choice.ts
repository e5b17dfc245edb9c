import type { Chart, NonEmpty, Reader, Release } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import { isLocal } from '../config/places.ts'
import { AirstripError } from '../errors.ts'
import type { Finding } from '../step.ts'
import { airflowOf, isOlder } from './airflow-version.ts'
import { mayHoldData } from './backup.ts'
import { operationRef, wantedBefore } from './operation.ts'
import { newestFitting, placeOf, rankCharts } from './ranking.ts'
import { changedValues, executorOf, wishOf, type ReleaseSpec } from './release.ts'
import { asInstalled, vet } from './vet.ts'

interface Rejection {
  version: string
  reasons: NonEmpty<string>
}

interface Choice {
  chart: Chart
  rejected: Rejection[]
}

/** Of the chart and its place; what somebody else has put in the way speaks against no version. */
const aboutTheChart = [
  'kubeversion-refused', 'helm-too-old-for-chart', 'chart-api-removed', 'executor-not-supported-by-chart', 'values-schema-rejected',
  'image-not-found', 'bitnami-image-removed', 'chart-version-missing',
]

/** So many versions of `auto` are rendered at most: each takes seconds. */
const mostTried = 5

/** What there is of the release, the chart that it is to be made of, and which others were not taken. */
export async function releaseAndChart(spec: ReleaseSpec, reader: Reader): Promise<[Release | undefined, Chart, Finding[]]> {
  // Asked side by side; where both fail, what the cluster says counts: without it a chart is of no use.
  const written = isWritten(spec) ? reader.chart(spec.chart) : undefined
  written?.catch(() => undefined)
  const release = await reader.release(spec.name, spec.namespace)
  if (written !== undefined) return [release, await written, []]
  const choice = await chooseChart(spec, release, reader)
  return [release, choice.chart, choiceFinding(spec, choice)]
}

/** One version and no other. */
function isWritten({ chart: { reference, version }, candidates }: ReleaseSpec): boolean {
  return version === 'auto' ? isLocal(reference) : candidates.length === 0
}

/**
 * Which version of the chart it is to be. A version that is written down is that version. Otherwise
 * the first that can work here: what `auto` ranks highest, then the candidates. What is installed
 * stays, so that a run without anybody does nothing of its own accord: `auto` never moves a release,
 * and a candidate is left only for what the configuration names before it, or for other values.
 */
async function chooseChart(spec: ReleaseSpec, release: Release | undefined, reader: Reader): Promise<Choice> {
  const { chart: { reference, version }, candidates } = spec
  const at = (one: string): Promise<Chart> => reader.chart({ reference, version: one })
  const auto = version === 'auto'
  const stays = await staying(spec, release, at, reader)
  if (stays !== undefined) return { chart: stays, rejected: [] }
  const rejected: Rejection[] = []
  const wanted = auto ? await newest(spec, rejected, reader) : [version]
  for (const one of [...wanted.slice(0, mostTried), ...candidates]) {
    const { chart, reasons } = await tried(spec, release, one, at, reader)
    if (chart !== undefined && !isNonEmpty(reasons)) return { chart, rejected }
    if (isNonEmpty(reasons)) rejected.push({ version: one, reasons })
  }
  throw nothingFits(spec, rejected)
}

/** The version that is installed, where it stays: nothing of the wish is another than when it was chosen. */
async function staying(spec: ReleaseSpec, release: Release | undefined, at: (version: string) => Promise<Chart>, reader: Reader): Promise<Chart | undefined> {
  const { chart: { version }, candidates } = spec
  if (release === undefined) return undefined
  const installed = release.chart.version
  if (version === 'auto' || installed === version) return at(installed)
  if (release.status !== 'deployed' || !candidates.includes(installed)) return undefined
  const [chart, [lease]] = await Promise.all([at(installed), reader.get([operationRef(spec)])])
  const { values } = asInstalled(wishOf(spec, chart, executorOf(release)), release)
  const before = wantedBefore(lease)
  return (before === undefined || before === version) && changedValues(values, release.values).length === 0 ? chart : undefined
}

async function newest(spec: ReleaseSpec, rejected: Rejection[], reader: Reader): Promise<string[]> {
  const [{ charts }, place] = await Promise.all([reader.charts(spec.chart.reference), placeOf(reader)])
  const ranked = rankCharts(charts, place, { executor: spec.executor, values: spec.values.overrides })
  const best = newestFitting(ranked)
  for (const one of ranked.slice(0, best === undefined ? undefined : ranked.indexOf(best))) {
    const reasons = one.fit.state === 'unfit' ? one.fit.reasons.map(({ because, move }) => `${because}. ${move}`) : [one.passedOver ?? 'it could not be judged']
    if (isNonEmpty(reasons)) rejected.push({ version: one.chart.version, reasons })
  }
  return ranked.filter(({ fit, passedOver }) => fit.state === 'fits' && passedOver === undefined).map(({ chart }) => chart.version)
}

async function tried(spec: ReleaseSpec, release: Release | undefined, version: string, at: (version: string) => Promise<Chart>, reader: Reader): Promise<{ chart?: Chart; reasons: string[] }> {
  try {
    const chart = await at(version)
    const executor = release === undefined ? spec.executor : executorOf(release)
    const wish = asInstalled(wishOf(spec, chart, executor), release)
    const [wanted, had] = [airflowOf(wish.values, chart), release === undefined || !mayHoldData(release) ? undefined : airflowOf(release.values, release.chart)]
    if (had !== undefined && isOlder(wanted, had)) return { reasons: [`its Airflow ${wanted} is older than the installed ${had}, whose database it could not read`] }
    const { findings } = await vet({ wish, chart, executor }, reader)
    return { chart, reasons: reasonsIn(findings) }
  } catch (error) {
    if (!(error instanceof AirstripError)) throw error
    const reasons = reasonsIn(error.findings)
    if (reasons.length === 0) throw error
    return { reasons }
  }
}

function reasonsIn(findings: readonly Finding[]): string[] {
  return findings.filter(({ id, severity }) => severity === 'error' && aboutTheChart.includes(id)).map(({ title, fix }) => `${title}. ${fix[0]}`)
}

/** For the run's output and the state: which it is, and each that it is not. */
function choiceFinding({ chart: reference }: ReleaseSpec, { chart, rejected }: Choice): Finding[] {
  const [first, ...rest] = rejected
  if (first === undefined) return []
  return [{
    id: 'chart-chosen',
    severity: 'warning',
    title: `Chart ${chart.version} (Airflow ${chart.appVersion}) is taken, since ${rest.length === 0 ? first.version : `${rejected.length} others, ${first.version} the newest,`} cannot work here`,
    evidence: rejected.map(lineOf),
    why: `airflow.version is ${reference.version}: the first of its versions and candidates that can work is taken, and stays while it is installed.`,
    fix: [`Nothing to do; to insist on a version write it as airflow.version, without candidates.`],
  }]
}

function nothingFits({ chart: { reference, version } }: ReleaseSpec, rejected: Rejection[]): AirstripError {
  const fix = 'Move one of the sides that are named, or write a version as airflow.version to try it all the same (npx tsx run.ts charts).'
  const finding: Finding = {
    id: 'chart-not-chosen',
    severity: 'error',
    title: version === 'auto' ? `No version of ${reference} fits this cluster and this Helm` : `Neither version ${version} of ${reference} nor any of its candidates can work here`,
    evidence: rejected.map(lineOf),
    why: 'Each was judged before anything was installed.',
    fix: [fix],
  }
  return new AirstripError('BLOCKED', `${finding.title}.`, { findings: [finding], next: fix })
}

function lineOf({ version, reasons }: Rejection): string {
  return `${version}: ${reasons.join('; ')}`
}
