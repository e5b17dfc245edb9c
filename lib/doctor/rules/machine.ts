/** This machine: its tools, its kubeconfig, its clock and the state file. */
import type { Finding } from '../../step.ts'
import type { Evidence } from '../evidence.ts'
import { type Explains, type Rule, wrong } from '../rule.ts'

/** The only ones that are asked where the cluster does not answer. */
export const machineRules: readonly Rule[] = [unreachable]

function unreachable({ unreachable: said }: Evidence): Finding[] {
  if (said === undefined) return []
  return [wrong(said.code === 'TOOL_MISSING' ? 'tool-missing' : 'cluster-unreachable-kubeconfig', {
    title: said.sentence,
    evidence: said.seen,
    why: 'Nothing of the cluster could be looked at.',
    fix: ['Start the cluster or correct --kubeconfig or --context; without a cluster, `npm run lab` makes one.'],
  })]
}

export const machineExplains: Explains = {
  'tool-missing': ['cluster-unreachable-kubeconfig'],
  'kubeadm-certs-expired': ['cluster-unreachable-kubeconfig'],
  'clock-skew': ['cluster-unreachable-kubeconfig'],
}
