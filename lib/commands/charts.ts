import type { ChartList, Reader } from '../access.ts'
import { optionalKinds } from '../airflow/chart-needs.ts'
import type { Place } from '../airflow/fits.ts'
import { newestFitting, rankCharts } from '../airflow/ranking.ts'
import { loadConfig, parseConfig, smallest } from '../config/load.ts'
import { chart as chartReference } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { redacted } from '../engine/redacted.ts'
import { AirstripError } from '../errors.ts'
import { chartsJson, chartsLines, type ChartsReport } from '../report/charts.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'

/** What is known of the place, and what of it is not and why. */
interface Known {
  place: Place
  installed?: { name: string; version: string } | undefined
  notes: string[]
}

/** Lists the versions of the chart. That the cluster or Helm cannot be asked is said and is no failure: the list itself is what was asked for. */
export async function runCharts(flags: Flags, deps: Deps): Promise<number> {
  const { config, notes } = configOf(flags, deps)
  const { session, redactor } = lookingSession(flags, deps, config)
  const reader = session.look()
  const { airflow } = session.config
  const [list, known] = await Promise.all([reader.charts(chartIn(flags) ?? airflow.chart), lookAround(airflow, reader)])
  const report = redacted(reportOf(list, { ...known, notes: [...notes, ...known.notes] }, airflow), redactor.redact)
  for (const line of flags.json === true ? [chartsJson(report)] : chartsLines(report, deps.clock.now())) deps.out(line)
  return 0
}

/** Who has not written a configuration yet wants to know what could be in it. */
function configOf(flags: Flags, deps: Deps): { config: Config; notes: string[] } {
  try {
    return { config: loadConfig(flags.config, deps.readFile), notes: [] }
  } catch (error) {
    if (!(error instanceof AirstripError) || error.code !== 'CONFIG_MISSING') throw error
    return { config: parseConfig(smallest, flags.config), notes: [`${error.message}, so the defaults of a configuration were taken`] }
  }
}

/** A word of the command line that goes to Helm: of the same form as in the configuration. */
function chartIn({ chart }: Flags): string | undefined {
  if (chart === undefined) return undefined
  const { error } = chartReference.safeParse(chart)
  if (error === undefined) return chart
  throw new AirstripError('USAGE', `--chart ${JSON.stringify(chart)}: ${error.issues[0]?.message ?? 'is no chart'}.`, { next: 'Write for example --chart apache-airflow/airflow.' })
}

function reportOf({ reference, address, charts, checkedAt, stale, note }: ChartList, { place, installed, notes }: Known, airflow: Config['airflow']): Omit<ChartsReport, 'version'> {
  const ranked = rankCharts(charts, place, { executor: airflow.executor, values: airflow.values })
  const auto = newestFitting(ranked)
  return {
    chart: reference,
    address,
    ...(checkedAt === undefined ? {} : { checkedAt: checkedAt.toISOString() }),
    ...(stale === undefined ? {} : { stale }),
    ...(place.server === undefined ? {} : { cluster: place.server }),
    ...(place.helm === undefined ? {} : { helm: place.helm }),
    notes: [...notes, ...(note === undefined ? [] : [note]), ...(auto === undefined && place.server !== undefined ? ['auto would find none of them fit for this cluster and this Helm'] : [])],
    charts: ranked.map((one) => ({
      version: one.chart.version,
      airflow: one.chart.appVersion,
      fit: one.fit.state,
      reasons: one.fit.state === 'unfit' ? one.fit.reasons : [],
      ...(one.passedOver === undefined ? {} : { passedOver: one.passedOver }),
      auto: one === auto,
      installed: installed?.name === one.chart.name && installed.version === one.chart.version,
      wanted: reference === airflow.chart && [airflow.version, ...airflow.candidates].includes(one.chart.version),
    })),
  }
}

/** A cluster that does not answer is asked no more than that. */
async function lookAround({ release, namespace }: Config['airflow'], reader: Reader): Promise<Known> {
  const [unreachable, tools] = await Promise.all([
    reader.unreachable().catch((error: unknown) => ({ sentence: sentenceOf(error) })),
    reader.tools().catch((error: unknown) => sentenceOf(error)),
  ])
  const notes = typeof tools === 'string' ? [`Helm could not be asked, so what it can read was not judged: ${tools}`] : []
  const helm = typeof tools === 'string' ? undefined : tools.helm
  if (unreachable !== undefined) return { place: { helm }, notes: [`The cluster could not be asked, so what it has was not judged: ${unreachable.sentence}`, ...notes] }
  try {
    const [server, lacking, installed] = await Promise.all([reader.server(), reader.lacking(optionalKinds), reader.release(release, namespace)])
    return { place: { helm, server, lacks: lacking.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`) }, installed: installed?.chart, notes }
  } catch (error) {
    return { place: { helm }, notes: [`The cluster could not be asked, so what it has was not judged: ${sentenceOf(error)}`, ...notes] }
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof AirstripError) return error.message
  throw error
}
