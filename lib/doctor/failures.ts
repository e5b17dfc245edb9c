/** What tools said of a failure, as long as it is still so. */
import type { Evidence, Said } from './evidence.ts'

/**
 * Helm's record, where the newest says `failed`, and what the helm or the executor step wrote down. What
 * was said before the newest record came to be is of a try before it, and that one has told its own end.
 */
export function failuresOf({ record, said }: Evidence): Said[] {
  const since = record === undefined ? 0 : Date.parse(record.updatedAt)
  const recent = said.filter(({ source, at }) => /^(step (helm|executor)\b|this run$)/.test(source) && Date.parse(at) >= since)
  if (record?.status !== 'failed') return recent
  return [{ source: `Helm release ${record.namespace}/${record.name}, revision ${record.revision}`, at: record.updatedAt, text: record.description }, ...recent]
}

export interface Match {
  said: Said
  groups: RegExpExecArray
}

/** Every match in all that was said, each text once. */
export function matchesIn(evidence: Evidence, pattern: RegExp): Match[] {
  const all = new RegExp(pattern.source, `${pattern.flags}g`)
  const found = failuresOf(evidence).flatMap((said) => [...said.text.matchAll(all)].map((groups): Match => ({ said, groups })))
  return found.filter(({ groups }, index) => found.findIndex((other) => other.groups[0] === groups[0]) === index)
}

/** A line of evidence: who said it, and the words that matter. */
export function quoted({ said, groups }: Match): string {
  return `${said.source}: ${groups[0].trim().replace(/\s+/g, ' ')}`
}
