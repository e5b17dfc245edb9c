import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import type { AirstripError } from '../errors.ts'
import type { Finding } from '../step.ts'

/** Why a run ended: the sentence, the causes first, what was seen last, and what to do now. */
export function problemLines(error: AirstripError, colors: boolean): string[] {
  const { red, bold, dim } = pc.createColors(colors)
  const place = error.place === undefined ? '' : dim(` (${error.place})`)
  const lines = [
    `${red('airstrip:')} ${error.message}${place} ${dim(`[${error.code}]`)}`,
    ...error.findings.flatMap((finding) => findingLines(finding, colors)),
    ...error.seen.map((line) => `  ${line}`),
    `${bold('next:')} ${error.next}`,
  ]
  return shown(lines, colors)
}

/** What a pod printed is quoted, and Airflow's logs are coloured: without colours they are not. */
export function shown(lines: string[], colors: boolean): string[] {
  return colors ? lines : lines.map(stripVTControlCharacters)
}

/** One finding with its evidence, why it is so, and how to mend it; what it explains stands under it. */
export function findingLines(finding: Finding, colors: boolean, depth = 1): string[] {
  const { red, yellow, dim } = pc.createColors(colors)
  const indent = '  '.repeat(depth)
  const paint = finding.severity === 'error' ? red : yellow
  return shown([
    `${indent}${paint(finding.severity)} ${finding.title} ${dim(`[${finding.id}]`)}`,
    ...finding.evidence.map((line) => `${indent}  ${dim('seen:')} ${line}`),
    `${indent}  ${dim('why:')}  ${finding.why}`,
    ...finding.fix.map((line) => `${indent}  ${dim('fix:')}  ${line}`),
    ...(finding.link === undefined ? [] : [`${indent}  ${dim('more:')} ${finding.link}`]),
    ...(finding.causes ?? []).flatMap((cause) => findingLines(cause, colors, depth + 1)),
  ], colors)
}
