/** What Helm's refusal to render a chart means, by the rules that read the same words in its record. */
import type { ReleaseName, Versions } from '../access.ts'
import type { Finding } from '../step.ts'
import { emptyEvidence } from './evidence.ts'
import { conflictRules } from './rules/helm/conflicts.ts'
import { refusalRules } from './rules/helm/refusals.ts'

export function refusalsIn(seen: readonly string[], release: ReleaseName, at: Date, versions?: Versions): Finding[] {
  const evidence = { ...emptyEvidence(at, release.namespace, release.name), versions, said: [{ source: 'this run', at: at.toISOString(), text: seen.join('\n') }] }
  // Whole, so that whoever reads of it later can judge it as well as whoever has seen it.
  return [...refusalRules, ...conflictRules].flatMap((rule) => rule(evidence)).map((finding) => ({ ...finding, evidence: [...seen] }))
}
