/**
 * Collects the evidence: everything once, side by side, and each kind alone, so that one that this
 * user may not read costs one kind and is named.
 */
import { AirstripError } from '../../errors.ts'
import type { Reader } from '../../access.ts'
import { emptyEvidence, type Evidence } from '../evidence.ts'
import { stillSo } from '../witnessed.ts'
import { redactWith } from '../redact.ts'
import { createTally, sparing, sweptEvidence } from '../sweep.ts'
import { askAddress, collectFolders, withoutTail } from './answer.ts'
import { collectCluster, collectNamespace } from './kinds.ts'
import { collectLogs } from './logs.ts'
import { collectSystem } from './system.ts'
import { collectOperation, collectRelease, collectSecrets } from './release.ts'
import { collectUsage } from './usage.ts'
import { type Collector, type Found, type Scope, gathered, merged, messageOf, summed } from './collector.ts'

/** All that any rule may need, and the logs of what is not well. */
export async function collect(reader: Reader, scope: Scope): Promise<Evidence> {
  if (scope.unreachable !== undefined) return sweptEvidence({ ...startOf(reader, scope), unreachable: scope.unreachable }, scope.redact, createTally())
  return collectWith(reader, scope, [
    collectNamespace, collectCluster, collectRelease, collectOperation, collectSecrets, collectSystem, collectFolders, askAddress,
    collectVersions,
    collectClock,
    async (from, { wanted }) => (wanted === undefined ? {} : { addresses: await from.resolve(wanted.host) }),
  ])
}

/** What a step's explanation needs: the release and what it runs on, no more. */
export async function collectRunning(reader: Reader, scope: Scope): Promise<Evidence> {
  return collectWith(reader, scope, [collectNamespace, collectCluster, collectRelease])
}

/** Logs come last, when the secrets that may be in them are known; then all is looked over once more. */
async function collectWith(reader: Reader, scope: Scope, collectors: readonly Collector[]): Promise<Evidence> {
  const omitted = createTally()
  const counting: Scope = { ...scope, count: omitted.count, marks: new Map() }
  const evidence = await gather(reader, counting, collectors)
  const redact = redactWith(scope.redact && sparing(scope.redact, evidence), omitted.count)
  const [{ logs, unknown }, usage] = evidence.unreachable === undefined ? await Promise.all([collectLogs(reader, evidence, redact), collectUsage(reader, evidence)]) : [{ logs: [], unknown: [] }, {}]
  const witnessed = stillSo(scope.recorded?.witnessed?.() ?? [], evidence, redact)
  const whole = { ...evidence, ...usage, answered: withoutTail(evidence.answered, redact), logs, unknown: [...evidence.unknown, ...unknown], ...(scope.recorded?.witnessed === undefined ? {} : { witnessed }) }
  return sweptEvidence(whole, scope.redact, omitted)
}

async function gather(reader: Reader, scope: Scope, collectors: readonly Collector[]): Promise<Evidence> {
  const start = startOf(reader, scope)
  const parts = await Promise.all(collectors.map((collector) => gathered(collector, reader, scope)))
  const unreachable = parts.find((part) => 'error' in part && isUnreachable(part.error))
  if (unreachable !== undefined && 'error' in unreachable) return { ...start, unreachable: await reader.unreachable() ?? unreachableFacts(unreachable.error as AirstripError) }
  const sum = parts.reduce<Evidence>((evidence, part) => ('error' in part ? { ...evidence, unknown: [...evidence.unknown, messageOf(part.error)] } : merged(evidence, part.found)), start)
  return { ...sum, looked: summed(sum.looked) }
}

function startOf(reader: Reader, { namespace, release, wanted, recorded }: Scope): Evidence {
  return { ...emptyEvidence(reader.now(), namespace, release), wanted, state: recorded?.state, said: recorded?.said ?? [] }
}

async function collectClock(reader: Reader): Promise<Found> {
  const at = reader.now().getTime()
  const ahead = await reader.clockAhead()
  return ahead === undefined ? {} : { clock: new Date(at + ahead).toISOString() }
}

/** Helm alone can be missing: its records are read without it. */
async function collectVersions(reader: Reader): Promise<Found> {
  try {
    return { versions: await reader.versions() }
  } catch (error) {
    if (!(error instanceof AirstripError) || error.code !== 'TOOL_MISSING') throw error
    return { missingTools: [error.message.split(' ')[0] ?? ''] }
  }
}

/** Then nothing else that failed says more. */
function isUnreachable(error: unknown): boolean {
  return error instanceof AirstripError && error.code === 'CLUSTER_UNREACHABLE'
}

function unreachableFacts({ code, message, seen }: AirstripError): NonNullable<Evidence['unreachable']> {
  return { code, sentence: message, seen }
}
