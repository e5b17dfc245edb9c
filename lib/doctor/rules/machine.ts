/** This machine: its tools, its kubeconfig, its clock and the state file. */
import type { Explains, Rule } from '../rule.ts'

export const machineRules: readonly Rule[] = []

export const machineExplains: Explains = {
  'tool-missing': ['cluster-unreachable-kubeconfig'],
  'kubeadm-certs-expired': ['cluster-unreachable-kubeconfig'],
  'clock-skew': ['cluster-unreachable-kubeconfig'],
}
