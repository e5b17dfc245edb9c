/**
 * Collects the evidence: everything once, side by side, and each kind alone, so that one that this
 * user may not read costs one kind and is named.
 */
import { AirstripError } from '../../errors.ts'
import type { Reader } from '../../access.ts'
import { emptyEvidence, type Evidence } from '../evidence.ts'
import { redactWith } from '../redact.ts'
import { askAddress, collectFolders } from './answer.ts'
import { collectCluster, collectNamespace } from './kinds.ts'
import { collectLogs } from './logs.ts'
import { collectSystem } from './system.ts'
import { collectOperation, collectRelease, collectSecrets } from './release.ts'
import { type Collector, type Scope, gathered, merged, messageOf, summed } from './collector.ts'

/** All that any rule may need, and the logs of what is not well. */
export async function collect(reader: Reader, scope: Scope): Promise<Evidence> {
  const evidence = await gather(reader, scope, [
    collectNamespace, collectCluster, collectRelease, collectOperation, collectSecrets, collectSystem, collectFolders, askAddress,
    async (from) => ({ versions: await from.versions() }),
    async (from, { wanted }) => (wanted === undefined ? {} : { addresses: await from.resolve(wanted.host) }),
  ])
  if (evidence.unreachable !== undefined) return evidence
  const { logs, unknown } = await collectLogs(reader, evidence, redactWith(scope.redact))
  return { ...evidence, logs, unknown: [...evidence.unknown, ...unknown] }
}

/** What a step's explanation needs: the release and what it runs on, no more. */
export async function collectRunning(reader: Reader, scope: Scope): Promise<Evidence> {
  const evidence = await gather(reader, scope, [collectNamespace, collectCluster, collectRelease])
  const { logs, unknown } = await collectLogs(reader, evidence, redactWith(scope.redact))
  return { ...evidence, logs, unknown: [...evidence.unknown, ...unknown] }
}

async function gather(reader: Reader, scope: Scope, collectors: readonly Collector[]): Promise<Evidence> {
  const { namespace, release, wanted, recorded } = scope
  const start: Evidence = { ...emptyEvidence(reader.now(), namespace, release), wanted, state: recorded?.state, said: recorded?.said ?? [] }
  const parts = await Promise.all(collectors.map((collector) => gathered(collector, reader, scope)))
  const unreachable = parts.find((part) => 'error' in part && isUnreachable(part.error))
  if (unreachable !== undefined && 'error' in unreachable) return { ...start, unreachable: unreachableFacts(unreachable.error as AirstripError) }
  const sum = parts.reduce<Evidence>((evidence, part) => ('error' in part ? { ...evidence, unknown: [...evidence.unknown, messageOf(part.error)] } : merged(evidence, part.found)), start)
  return { ...sum, looked: summed(sum.looked) }
}

/** Then nothing else that failed says more. */
function isUnreachable(error: unknown): boolean {
  return error instanceof AirstripError && ['CLUSTER_UNREACHABLE', 'TOOL_MISSING'].includes(error.code)
}

function unreachableFacts({ code, message, seen }: AirstripError): NonNullable<Evidence['unreachable']> {
  return { code, sentence: message, seen }
}
