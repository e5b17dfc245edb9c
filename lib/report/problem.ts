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
    ...findingsLines(error.findings, colors),
    ...error.seen.map((line) => `  ${line}`),
    `${bold('next:')} ${error.next}`,
  ]
  return shown(lines, colors)
}

/** What a pod printed is quoted, and Airflow's logs are coloured: without colours they are not. */
export function shown(lines: string[], colors: boolean): string[] {
  return colors ? lines : lines.map(stripVTControlCharacters)
}

/** Root causes in full; what one of them explains, over however many others, is one line under it. */
export function findingsLines(findings: readonly Finding[], colors: boolean): string[] {
  const { dim } = pc.createColors(colors)
  const under = findings.map((finding) => ({ finding, root: rootOf(finding, findings) }))
  return under.filter(({ finding, root }) => root === finding).flatMap(({ finding }) => [
    ...findingLines(finding, colors),
    ...under.filter((one) => one.root === finding && one.finding !== finding).map(({ finding: { title, id } }) => `    ${dim('so:')}   ${title} ${dim(`[${id}]`)}`),
  ])
}

/** Of several causes, the first that is told itself; two that explain each other are both told. */
function rootOf(finding: Finding, findings: readonly Finding[], below: readonly Finding[] = []): Finding {
  const [cause] = (finding.causes ?? []).flatMap(({ id, title }) => findings.find((other) => other.id === id && other.title === title) ?? [])
  if (cause === undefined) return finding
  return below.includes(cause) || cause === finding ? (below[0] ?? finding) : rootOf(cause, findings, [...below, finding])
}

/** One finding with its evidence, why it is so, and how to mend it; a cause that is not told itself stands under it. */
function findingLines(finding: Finding, colors: boolean, depth = 1): string[] {
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
