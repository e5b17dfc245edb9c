import type { Diagnosis } from '../doctor/diagnose.ts'
import { mendingsOf } from '../doctor/mends.ts'
import { diagnosisJson, diagnosisLines } from '../report/diagnosis.ts'
import type { Deps, Flags } from './deps.ts'
import { examineAll } from './examination.ts'
import { lookingSession } from './look.ts'
import { mendAll } from './mending.ts'
import { pastedWith } from './pasted.ts'

/** 0 healthy, 3 something is wrong, 4 only warnings, 1 when not everything could be looked at. */
export async function runDoctor(flags: Flags, deps: Deps): Promise<number> {
  const { session, redactor, emit } = lookingSession(flags, deps)
  const { diagnosis, evidence } = flags.fix === true ? await mendAll({ flags, deps, session, emit }) : await examineAll(session)
  const pasted = pastedWith(flags)
  const mendable = flags.fix === true ? [] : mendingsOf(diagnosis.findings, evidence).map(({ id }) => id)
  const offer = pasted({ fix: mendable.length === 0 ? [] : [`npx tsx run.ts doctor --fix # asks first; may mend ${mendable.join(', ')}`] }).fix
  const told = pasted(diagnosis)
  const lines = flags.json === true ? [diagnosisJson(told)] : [...diagnosisLines(told, deps.outColors && flags.color), ...offer]
  for (const line of lines) deps.out(redactor.redact(line))
  return exitOf(diagnosis)
}

export function exitOf({ findings, unknown }: Diagnosis): number {
  if (findings.some(({ severity }) => severity === 'error')) return 3
  if (unknown.length > 0) return 1
  return findings.length > 0 ? 4 : 0
}
