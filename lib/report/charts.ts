/** What `charts` prints: as one object with described keys, and as lines. */
import { z } from 'zod'
import { inOneLine } from './lines.ts'

const chartsVersion = 1

const row = z.object({
  version: z.string().describe('Of the chart'),
  airflow: z.string().describe('Of the Airflow in it'),
  fit: z.enum(['fits', 'unfit', 'unknown']).describe('Whether it is for this cluster and this Helm; unknown where one of them could not be asked and nothing else speaks against it'),
  reasons: z.array(z.object({
    id: z.string().describe('The rule, as lib/doctor/README.md lists them'),
    weight: z.enum(['refused', 'unsupported']).describe('refused: it cannot work here. unsupported: it may, but its makers do not say so'),
    because: z.string().describe('What does not go together'),
    move: z.string().describe('The side to move'),
  })).describe('Why it does not fit'),
  passedOver: z.string().optional().describe('Why auto does not take it although it may fit'),
  auto: z.boolean().describe('Whether airflow.version: auto would choose it for a new release'),
  installed: z.boolean().describe('Whether the release is of this version now'),
  wanted: z.boolean().describe('Whether the configuration names it'),
})

export const chartsSchema = z.object({
  version: z.literal(chartsVersion).describe('Of this schema; keys may be added to it, none is taken away'),
  chart: z.string().describe('As airflow.chart has it'),
  address: z.string().describe('Where its versions were looked up'),
  checkedAt: z.iso.datetime().optional().describe('When the list was last known to be that of its address; left out where it was looked up now'),
  stale: z.string().optional().describe('Why the list could not be asked for again'),
  cluster: z.string().optional().describe('The API server\'s version; left out where it could not be asked'),
  helm: z.string().optional().describe('Helm\'s version; left out where it could not be asked'),
  notes: z.array(z.string()).describe('What could not be judged, and what has to be known of the list'),
  charts: z.array(row).describe('Newest first'),
})

export type ChartsReport = z.output<typeof chartsSchema>

export function chartsJson(report: Omit<ChartsReport, 'version'>): string {
  return JSON.stringify({ version: chartsVersion, ...report } satisfies ChartsReport, undefined, 2)
}

const fits = { fits: 'fits', unfit: 'no', unknown: '?' } as const

export function chartsLines({ chart, address, checkedAt, stale, cluster, helm, notes, charts }: Omit<ChartsReport, 'version'>, now: Date): string[] {
  const age = checkedAt === undefined ? '' : `, ${stale === undefined ? 'known to be so' : `as it was`} ${ageOf(now.getTime() - Date.parse(checkedAt))} ago${stale === undefined ? '' : ` (${stale})`}`
  const width = Math.max(5, ...charts.map(({ version }) => version.length))
  return [
    `${chart}: ${charts.length} version${charts.length === 1 ? '' : 's'} at ${address}${age}`,
    `Kubernetes ${cluster ?? 'unknown'}, Helm ${helm ?? 'unknown'}`,
    ...notes,
    `  ${'chart'.padEnd(width)}  Airflow`,
    ...charts.flatMap((one) => rowLines(one, width)),
  ].map(inOneLine)
}

function rowLines({ version, airflow, fit, reasons, passedOver, auto, installed, wanted }: ChartsReport['charts'][number], width: number): string[] {
  const marks = [installed ? 'installed' : undefined, wanted ? 'wanted' : undefined, auto ? 'auto would choose it' : undefined, passedOver].filter((mark) => mark !== undefined)
  const head = `${installed ? '*' : auto ? '>' : ' '} ${version.padEnd(width)}  ${airflow.padEnd(8)} ${fits[fit].padEnd(5)}`
  const said = [...(marks.length > 0 ? [marks.join(', ')] : []), ...reasons.map(({ because, move }) => `${because}: ${move.charAt(0).toLowerCase()}${move.slice(1).replace(/\.$/, '')}`)]
  return [`${head} ${said[0] ?? ''}`.trimEnd(), ...said.slice(1).map((line) => `${' '.repeat(width + 19)}${line}`)]
}

function ageOf(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 100) return `${minutes} min`
  return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`
}
