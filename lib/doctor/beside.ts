/**
 * What step prereq says is of an install that is still to come. Where the release runs, what has not come true is no
 * fault any more, and what may still stop the next apply is no fault of today.
 */
import semver from 'semver'
import type { FaultId } from '../observe/faults.ts'
import type { Finding } from '../step.ts'
import type { Evidence } from './evidence.ts'
import { closedNodes } from './rules/nodes/closed.ts'

/** Advice before an install; whoever looks for a fault meets the fault itself. */
const advice: readonly FaultId[] = ['hostpath-not-on-the-node', 'exec-invalid-host-header', 'insufficient-cpu-or-memory']
const ahead: readonly FaultId[] = ['permissions-denied', 'control-plane-taint-single-node']

export function ofToday(findings: readonly Finding[], evidence: Evidence): Finding[] {
  if (evidence.record?.status !== 'deployed') return [...findings]
  return findings.flatMap((finding): Finding[] => {
    // The doctor's own rule tells it as a doubt.
    if (finding.id === 'two-default-storageclasses' && !refusesClaims(evidence)) return []
    if (finding.severity === 'warning' && advice.includes(finding.id as FaultId)) return []
    if (!ahead.includes(finding.id as FaultId)) return [finding]
    return finding.id === 'control-plane-taint-single-node' ? taint(finding, evidence) : [{ ...finding, severity: 'warning' }]
  })
}

/** Before Kubernetes 1.26 no claim without a class is taken where two are the default. */
function refusesClaims({ versions }: Evidence): boolean {
  return semver.lt(semver.coerce(versions?.server) ?? '0.0.0', '1.26.0')
}

/** None where all pods tolerate it; and whoever runs may stay. */
function taint(finding: Finding, { nodes = [], pods }: Evidence): Finding[] {
  if (closedNodes(nodes, pods).length < nodes.length) return []
  const waits = pods.some(({ spec }) => (spec as { nodeName?: string } | undefined)?.nodeName === undefined)
  return [waits ? finding : { ...finding, severity: 'warning' }]
}
