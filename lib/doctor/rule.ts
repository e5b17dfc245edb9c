/** What a rule is, and how it says what it found. */
import type { Finding } from '../step.ts'
import type { FaultId } from '../observe/faults.ts'
import type { Evidence } from './evidence.ts'

/** Evidence in, findings out; none where all is well, or where a fact that it needs could not be read. */
export type Rule = (evidence: Evidence) => Finding[]

export type Text = Omit<Finding, 'id' | 'severity' | 'causes'>

/** `title` names the cause and not the object, so that ten pods with one cause are one finding. */
export function wrong(id: FaultId, text: Text): Finding {
  return { id, severity: 'error', ...text }
}

export function doubtful(id: FaultId, text: Text): Finding {
  return { id, severity: 'warning', ...text }
}

/** Explained only where this holds, for a symptom that has causes of its own too. */
export interface ExplainsIf {
  id: FaultId
  when: (symptom: Finding, evidence: Evidence, cause: Finding) => boolean
}

/** By the cause: what it explains wherever both are found. */
export type Explains = Partial<Record<FaultId, readonly (FaultId | ExplainsIf)[]>>
