import semver from 'semver'
import type { ChartFacts, Reader } from '../access.ts'
import { optionalKinds } from './chart-needs.ts'
import { judgeFit, type Fit, type Place, type Wanted } from './fits.ts'

/** A version of a chart, and whether it is for this place. */
export interface Ranked {
  chart: ChartFacts
  fit: Fit
  /** Why `auto` passes it over although it may fit. */
  passedOver?: string | undefined
}

/** Newest first, as the list is. */
export function rankCharts(charts: readonly ChartFacts[], place: Place, wanted: Wanted): Ranked[] {
  return charts.map((chart) => ({ chart, fit: judgeFit(chart, place, wanted), passedOver: passedOver(chart) }))
}

/** What `auto` takes: the newest that fits. */
export function newestFitting(ranked: readonly Ranked[]): Ranked | undefined {
  return ranked.find(({ fit, passedOver: why }) => fit.state === 'fits' && why === undefined)
}

function passedOver({ version, deprecated }: ChartFacts): string | undefined {
  if (deprecated === true) return 'its makers have given it up'
  return semver.prerelease(version) === null ? undefined : 'it is a pre-release'
}

/** Only asked for where a value wants a kind that not every server has. */
export async function placeOf(reader: Reader): Promise<Place> {
  const [{ server, helm }, lacking] = await Promise.all([reader.versions(), reader.lacking(optionalKinds)])
  return { server, helm, lacks: lacking.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`) }
}
