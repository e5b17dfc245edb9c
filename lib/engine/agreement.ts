import { nameOf, objectsOf } from '../changes.ts'
import type { Change, Finding, Step, StepName } from '../step.ts'
import type { Emit } from './events.ts'
import { fingerprintOf, type StepRecord } from './state.ts'
import type { Examined } from './step-run.ts'

/** What one step would change. */
export interface Planned {
  step: StepName
  changes: readonly Change[]
  /** What should be known before anybody agrees to them. */
  warnings?: readonly Finding[] | undefined
}

/** Up to the first step that cannot go on: the run ends there, whatever the later ones would do. */
export function plannedOf(chosen: readonly Step[], seen: ReadonlyMap<StepName, Examined>): Planned[] {
  const end = chosen.findIndex(({ name }) => seen.get(name)?.check.state === 'blocked')
  return chosen.slice(0, end < 0 ? chosen.length : end).flatMap(({ name }) => {
    const check = seen.get(name)?.check
    return check?.state === 'drifted' ? [{ step: name, changes: check.changes, warnings: check.warnings }] : []
  })
}

export function announcePlan(plan: readonly Planned[], emit: Emit): void {
  const changes = plan.flatMap(({ step, changes: list }) => list.flatMap((change) => objectsOf(change).map((object) => ({ step, op: change.op, object, why: change.why }))))
  const counts: Partial<Record<Change['op'], number>> = {}
  for (const { op } of changes) counts[op] = (counts[op] ?? 0) + 1
  emit({ type: 'plan', changes, counts })
  for (const warning of warningsOf(plan)) emit({ type: 'warning', ...warning })
}

export function warningsOf(plan: readonly Planned[]): { step: StepName; finding: Finding }[] {
  return plan.flatMap(({ step, warnings = [] }) => warnings.map((finding) => ({ step, finding })))
}

/** How much of a say a change needs, from least to most. */
export const words = ['nothing', 'install', 'repair', 'change'] as const
export type Word = (typeof words)[number]

export function isWithin(word: Word, level: Word): boolean {
  return words.indexOf(word) <= words.indexOf(level)
}

/**
 * What kind of consent a step's changes need. `install`: what was never there comes into being.
 * `repair`: what somebody agreed to before is put back as it was then; the record knows that wish by
 * its fingerprint. `change`: all else, first of all a new wish.
 */
export function wordFor(changes: readonly Change[], record: StepRecord, fingerprint: string): Word {
  const sameWish = record.agreed === undefined || record.agreed === fingerprint
  const needed = changes.map((change) => wordOf(change, record, sameWish))
  return needed.reduce((most, word) => (isWithin(most, word) ? word : most), 'nothing')
}

function wordOf(change: Change, { agreed, doneAt }: StepRecord, sameWish: boolean): Word {
  if (!sameWish) return 'change'
  const again: Word = agreed === undefined ? 'change' : 'repair'
  switch (change.op) {
    case 'create':
    case 'generate':
      return doneAt === undefined ? 'install' : again
    case 'release':
      if (change.live !== undefined && !change.sameWish) return 'change'
      return doneAt === undefined ? 'install' : again
    case 'unlock':
      return doneAt === undefined ? 'install' : again
    case 'backup':
      return 'nothing'
    case 'delete':
      // A first install that was cut off may have left a pod that keeps its set from going on; with the record lost, nobody knows.
      return change.freeing === true && agreed !== undefined && doneAt === undefined ? 'install' : again
    default:
      return again
  }
}

/**
 * The changes that were not among those shown, or that are not any more what was shown. `ours`: a try
 * of our own has been at it since, so the release is not as it was.
 */
export function unseen(shown: readonly Change[], now: readonly Change[], ours = false): Change[] {
  const keysOf = (change: Change): string[] => keysOfChange(change, ours)
  const known = new Set(shown.flatMap(keysOf))
  // Whether a pod is stuck changes by the second: freeing it is part of mending the release, or of taking it down, where that was shown.
  const mending = shown.some(({ op }) => ['release', 'unlock', 'uninstall'].includes(op))
  return now.filter((change) => !(mending && isFreeing(change)) && !keysOf(change).every((one) => known.has(one)))
}

/** What makes a change the same as at another look: the object, what it becomes, and what it was. */
export function keysOfChange(change: Change, ours = false): string[] {
  switch (change.op) {
    case 'create':
      return [key(change.op, nameOf(change.want), change.want)]
    case 'update':
      return [key(change.op, nameOf(change.want), change.want, change.found)]
    case 'replace':
      return [key(change.op, nameOf(change.want), change.want)]
    case 'delete':
      return [key(change.op, nameOf(change.live), change.live.metadata.uid)]
    case 'patch':
      return [key(change.op, nameOf(change.live), change.patch)]
    case 'generate':
      return change.refs.map((ref) => key(change.op, nameOf(ref)))
    case 'release':
      // Not the revision: what somebody else has made of it, and of its objects, since.
      return [ours ? key(change.op, change.want) : key(change.op, change.want, change.live?.chart, change.live?.values, change.edits?.flatMap((edit) => keysOfChange(edit, ours)))]
    case 'backup':
      return [key(change.op, change.wish.place)]
    case 'unlock':
      return [key(change.op, change.release)]
    case 'uninstall':
      return [key(change.op, change.live.namespace, change.live.name, change.live.chart, change.live.values)]
  }
}

function isFreeing(change: Change): boolean {
  return change.op === 'unlock' || (change.op === 'delete' && change.freeing === true)
}

function key(...parts: unknown[]): string {
  return fingerprintOf(parts)
}
