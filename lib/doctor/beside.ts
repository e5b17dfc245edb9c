/**
 * What step prereq says is of an install that is still to come. Where the release runs, what has not come true is no
 * fault any more, and what may still stop the next apply is no fault of today.
 */
import type { FaultId } from '../observe/faults.ts'
import type { Finding } from '../step.ts'
import type { Evidence } from './evidence.ts'
import { closedNodes } from './rules/nodes/closed.ts'

/** Of these the doctor has a rule over the same objects. */
const judged: readonly FaultId[] = ['two-default-storageclasses']
/** Advice before an install; whoever looks for a fault meets the fault itself. */
const advice: readonly FaultId[] = ['hostpath-not-on-the-node', 'exec-invalid-host-header', 'insufficient-cpu-or-memory']
const ahead: readonly FaultId[] = ['permissions-denied', 'control-plane-taint-single-node']

export function ofToday(findings: readonly Finding[], evidence: Evidence): Finding[] {
  const unjudged = findings.filter(({ id }) => !judged.includes(id as FaultId))
  if (evidence.record?.status !== 'deployed') return unjudged
  return unjudged.flatMap((finding): Finding[] => {
    if (finding.severity === 'warning' && advice.includes(finding.id as FaultId)) return []
    if (!ahead.includes(finding.id as FaultId)) return [finding]
    return finding.id === 'control-plane-taint-single-node' ? taint(finding, evidence) : [{ ...finding, severity: 'warning' }]
  })
}

/** None where all pods tolerate it; and whoever runs may stay. */
function taint(finding: Finding, { nodes = [], pods }: Evidence): Finding[] {
  if (closedNodes(nodes, pods).length < nodes.length) return []
  const waits = pods.some(({ spec }) => (spec as { nodeName?: string } | undefined)?.nodeName === undefined)
  return [waits ? finding : { ...finding, severity: 'warning' }]
}
