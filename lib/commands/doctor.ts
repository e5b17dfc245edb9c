import { collect } from '../doctor/collect.ts'
import { diagnose, type Diagnosis } from '../doctor/diagnose.ts'
import { mergeFindings } from '../observe/causes.ts'
import { findingLines } from '../report/problem.ts'
import { prereq } from '../../steps/01-prereq.ts'
import type { Deps, Flags } from './deps.ts'
import { lookingSession } from './look.ts'
import type { Session } from './session.ts'

/** 0 healthy, 3 something is wrong, 4 only warnings, 1 when not everything could be looked at. */
export async function runDoctor(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor } = lookingSession(flags, deps)
  const diagnosis = await diagnoseAll(session)
  if (flags.json === true) {
    const { healthy, findings, unknown } = diagnosis
    deps.out(redactor.redact(JSON.stringify({ healthy, findings: findings.map((finding) => ({ link: '', causes: [], ...finding })), unknown }, undefined, 2)))
  } else {
    for (const line of diagnosisLines(diagnosis, deps.outColors && flags.color)) deps.out(redactor.redact(line))
  }
  return exitOf(diagnosis)
}

/** The prerequisites and the release, over one look. */
async function diagnoseAll({ config, look, redactor }: Session): Promise<Diagnosis> {
  const reader = look()
  const { namespace, release } = config.airflow
  const [check, evidence] = await Promise.all([
    prereq.check(prereq.spec(config), reader),
    collect(reader, { namespace, release, redact: redactor.redact }),
  ])
  const { findings, unknown, looked } = diagnose(evidence)
  const blocked = check.state === 'blocked' ? check.findings : []
  const all = mergeFindings([...blocked, ...findings, ...(check.warnings ?? [])])
  const healthy = unknown.length === 0 && all.every(({ severity }) => severity === 'warning')
  return { healthy, findings: all, unknown, looked }
}

function exitOf({ findings, unknown }: Diagnosis): number {
  if (findings.some(({ severity }) => severity === 'error')) return 3
  if (unknown.length > 0) return 1
  return findings.length > 0 ? 4 : 0
}

function diagnosisLines({ healthy, findings, unknown, looked }: Diagnosis, colors: boolean): string[] {
  const head = healthy ? (findings.length === 0 ? 'healthy' : 'healthy, with warnings') : 'something is wrong'
  return [
    head,
    ...findings.flatMap((finding) => findingLines(finding, colors)),
    ...unknown.map((line) => `  unknown ${line}`),
    `looked at: ${looked.join(', ')}`,
  ]
}
