/** What the doctor found, for a person and for a program. */
import pc from 'picocolors'
import type { Diagnosis } from '../doctor/diagnose.ts'
import type { Finding } from '../step.ts'
import { findingsLines, shown } from './problem.ts'

export function diagnosisLines({ healthy, findings, notes, unknown, looked }: Diagnosis, colors: boolean): string[] {
  const { dim, yellow, bold } = pc.createColors(colors)
  return shown([
    bold(headOf(healthy, findings, unknown)),
    ...findingsLines(findings, colors),
    ...unknown.map((line) => `  ${yellow('unknown')} ${line}`),
    ...notes.map((note) => dim(`  note ${note.title} [${note.id}]`)),
    dim(`looked at: ${looked.join(', ')}`),
  ], colors)
}

function headOf(healthy: boolean, findings: readonly Finding[], unknown: readonly string[]): string {
  if (findings.some(({ severity }) => severity === 'error')) return 'something is wrong'
  if (!healthy) return unknown.length > 0 ? 'not everything could be looked at' : 'something is wrong'
  return findings.length === 0 ? 'healthy' : 'healthy, with warnings'
}

export function diagnosisJson({ healthy, findings, notes, unknown, looked }: Diagnosis): string {
  return JSON.stringify({ healthy, findings: findings.map(whole), unknown, notes: notes.map(whole), looked }, undefined, 2)
}

function whole(finding: Finding): Finding {
  return { ...finding, link: finding.link ?? '', causes: (finding.causes ?? []).map(whole) }
}
