import type { Chart, Reader, Release, ReleaseWish, Rendered } from '../access.ts'
import { isNonEmpty } from '../check.ts'
import { refusalsIn } from '../doctor/refused.ts'
import { AirstripError } from '../errors.ts'
import type { Change, Finding } from '../step.ts'
import { airflowOf } from './airflow-version.ts'
import { keepingLegacyImages } from './bitnami.ts'
import { judgeFit, type Reason } from './fits.ts'
import { makeRoom } from './immutable.ts'
import { lookUpImages } from './images.ts'
import { placeOf } from './ranking.ts'

export interface Vetted {
  /** What was judged; images that are gone by the names that they have now. */
  wish: ReleaseWish
  findings: Finding[]
}

export interface Proposal {
  wish: ReleaseWish
  chart: Chart
  executor: string
}

/**
 * Whether a release can be made of this chart here, as far as that can be known before: by what is
 * known of the chart, by Helm's own dry run, and by the registries of its images. It takes as long as
 * Helm takes to render, so it is only asked where the release is about to change.
 */
export async function vet({ wish, chart, executor }: Proposal, reader: Reader): Promise<Vetted> {
  const place = await placeOf(reader)
  const fit = judgeFit(chart, place, { executor, values: wish.values, airflow: airflowOf(wish.values, chart) })
  const refused = fit.state === 'unfit' ? fit.reasons.filter(({ weight }) => weight === 'refused') : []
  if (refused.length > 0) return { wish, findings: refused.map((reason) => refusedBy(chart, reason)) }
  const rendered = await tried(wish, reader)
  if ('findings' in rendered) return { wish, findings: rendered.findings }
  return lookUpImages(wish, rendered, reader)
}

/**
 * The changes with the wish as it was judged, and with what has to make room for it. A release that is
 * only mended was judged when it was made.
 */
export async function vetted(changes: readonly Change[], of: Omit<Proposal, 'wish'>, reader: Reader): Promise<{ changes: Change[]; findings: Finding[] }> {
  const judged = await Promise.all(changes.map(async (change): Promise<{ changes: Change[]; findings: Finding[] }> => {
    if (change.op !== 'release') return { changes: [change], findings: [] }
    const { wish, findings } = change.sameWish ? { wish: change.want, findings: [] } : await vet({ wish: change.want, ...of }, reader)
    const room = findings.some(({ severity }) => severity === 'error') ? [] : await makeRoom(wish, change.live, changes, reader)
    return { changes: [...room, { ...change, want: wish }], findings }
  }))
  return { changes: judged.flatMap((one) => one.changes), findings: judged.flatMap((one) => one.findings) }
}

/** The same wish as the release has it, where images of it were replaced. */
export function asInstalled(wish: ReleaseWish, release: Release | undefined): ReleaseWish {
  return keepingLegacyImages(wish, release?.values)
}

function refusedBy({ version, appVersion }: Chart, { id, because, move }: Reason): Finding {
  return {
    id,
    severity: 'error',
    title: `Chart ${version} (Airflow ${appVersion}) cannot work here: ${because}`,
    evidence: [because],
    why: 'It would be refused, or could not be read, when Helm comes to it.',
    fix: [move, 'npx tsx run.ts charts # which versions fit; write one as airflow.version, or auto'],
  }
}

/** What nobody can explain does not count: Helm says it again when it is in earnest. */
async function tried(wish: ReleaseWish, reader: Reader): Promise<Rendered | { findings: Finding[] }> {
  try {
    const rendered = await reader.render(wish)
    const hooks = await reader.lacking(rendered.hooks)
    return isNonEmpty(hooks) ? { findings: hooks.map(lackingHook) } : rendered
  } catch (error) {
    if (!(error instanceof AirstripError) || error.code !== 'HELM_FAILED') throw error
    return { findings: refusalsIn(error.seen, wish, reader.now()) }
  }
}

/** Helm's dry run asks the server for the kinds of all objects but these. */
function lackingHook({ apiVersion, kind }: { apiVersion: string; kind: string }): Finding {
  return {
    id: 'chart-api-removed',
    severity: 'error',
    title: `The chart makes a ${kind} of ${apiVersion} as a hook, which this cluster does not have`,
    evidence: [`no matches for kind "${kind}" in version "${apiVersion}"`],
    why: 'Chart and cluster are of different ages, or what defines the kind is not installed.',
    fix: ['npx tsx run.ts charts # which versions fit this cluster; write one as airflow.version'],
  }
}
