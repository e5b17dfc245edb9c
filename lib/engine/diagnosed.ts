/**
 * A step's error with what the doctor's rules say of the same moment: what a wait ended for is often
 * only what stands on the cause. Nothing that the wait found is lost by it, and no error gets worse:
 * where the rules cannot be asked, or find nothing, it stays as it is.
 */
import { AirstripError, type ErrorCode } from '../errors.ts'
import { rank } from '../observe/faults.ts'
import type { Finding, StepName } from '../step.ts'

/** Runs the rules over the cluster as it is now; the error's own words are evidence, too. */
export type Diagnose = (error: AirstripError) => Promise<Finding[]>

/** Whose cause may lie in the cluster. */
const diagnosable: ErrorCode[] = ['FAILED', 'TIMEOUT', 'HELM_FAILED', 'BLOCKED', 'CALL_FAILED']

export async function diagnosed(step: StepName, error: AirstripError, { diagnose, signal }: { diagnose?: Diagnose | undefined; signal: AbortSignal }): Promise<AirstripError> {
  if (diagnose === undefined || signal.aborted || !diagnosable.includes(error.code)) return error
  const found = await diagnose(error).catch(() => [])
  // Who was interrupted while he looked has not seen all.
  if (signal.aborted as boolean) return error
  const findings = causesOf(step, error.findings, found)
  const [first] = findings
  if (first === undefined) return error
  const { code, message, place, seen, transient } = error
  return new AirstripError(code, message, { seen, findings, transient, next: first.fix[0], cause: error, ...(place === undefined ? {} : { place }) })
}

/** Root causes first. A warning stops nobody, so it is the cause only where nothing else is. */
function causesOf(step: StepName, own: readonly Finding[], found: readonly Finding[]): Finding[] {
  const near = found.filter(({ id }) => isBefore(id, step))
  const errors = near.filter(({ severity }) => severity === 'error')
  const lost = own.filter((mine) => !errors.some((one) => isSame(one, mine)))
  // Of one id with another title: what explains the one explains the other.
  const kept = lost.map((one) => ({ ...one, causes: one.causes ?? errors.find(({ id }) => id === one.id)?.causes }))
  const all = [...errors, ...kept]
  // What this step has ended for stands before what is wrong besides, and may be mended by a run that comes further.
  const causes = all.filter((one) => own.some((mine) => isSame(one, mine))).flatMap((one) => one.causes ?? [])
  const place = (one: Finding): number => (causes.some((cause) => isSame(cause, one)) ? 0 : 1000) + ((one.causes ?? []).length > 0 ? 2000 : 0) + rank(one.id)
  return (all.length > 0 ? all : near).sort((a, b) => place(a) - place(b))
}

function isSame(one: Finding, other: Finding): boolean {
  return one.id === other.id && one.title === other.title
}

/** Until step helm is done there is no release, and until step ingress is done no way in: that is no cause of anything before. */
function isBefore(id: string, step: StepName): boolean {
  return step === 'ingress' || step === 'executor' || rank(id) < rank('release-not-installed')
}
