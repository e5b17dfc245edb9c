/** What the doctor found, for a person and for a program. */
import pc from 'picocolors'
import { z } from 'zod'
import type { Diagnosis } from '../doctor/diagnose.ts'
import { finding } from '../engine/finding.ts'
import type { Finding } from '../step.ts'
import { findingsLines, shown } from './problem.ts'

export function diagnosisLines({ healthy, findings, notes, unknown, looked, onTheirWay }: Diagnosis, colors: boolean): string[] {
  const { dim, yellow, bold } = pc.createColors(colors)
  return shown([
    bold(headOf({ healthy, findings, unknown }, onTheirWay.length > 0)),
    ...findingsLines(findings, colors),
    ...unknown.map((line) => `  ${yellow('unknown')} ${line}`),
    ...notes.map((note) => dim(`  note ${note.title} [${note.id}]`)),
    ...onTheirWay.map((line) => `  ${inWords(line)}`),
    dim(`looked at: ${looked.join(', ')}`),
  ], colors)
}

function inWords(line: string): string {
  return `on its way: ${line}`
}

/** What only starts is not called healthy: it may be the first minute of a fault. */
function headOf({ healthy, findings, unknown }: Pick<Diagnosis, 'healthy' | 'findings' | 'unknown'>, isStarting: boolean): string {
  if (findings.some(({ severity }) => severity === 'error')) return 'something is wrong'
  if (!healthy) return unknown.length > 0 ? 'not everything could be looked at' : 'something is wrong'
  const head = isStarting ? 'nothing is wrong so far, and not everything is ready yet' : 'healthy'
  return findings.length === 0 ? head : `${head}, with warnings`
}

const diagnosisVersion = 1

export const diagnosisSchema = z.object({
  version: z.literal(diagnosisVersion).describe('Of this schema; keys may be added to it, none is taken away'),
  healthy: z.boolean().describe('Whether nothing is wrong and everything could be looked at'),
  findings: z.array(finding).describe('What is wrong: errors before warnings, root causes before what they explain'),
  unknown: z.array(z.string()).describe('What could not be looked at, and why; while there is any, nothing is healthy'),
  notes: z.array(finding).describe('True of this cluster and no reason to act'),
  looked: z.array(z.string()).describe('What was looked at, and what is on its way'),
})

export function diagnosisJson({ healthy, findings, notes, unknown, looked, onTheirWay }: Diagnosis): string {
  const json: z.output<typeof diagnosisSchema> = { version: diagnosisVersion, healthy, findings: findings.map(whole), unknown, notes: notes.map(whole), looked: [...looked, ...onTheirWay.map(inWords)] }
  return JSON.stringify(json, undefined, 2)
}

function whole(finding: Finding): Finding {
  return { ...finding, link: finding.link ?? '', causes: (finding.causes ?? []).map(whole) }
}
