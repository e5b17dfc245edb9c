/** The control plane, DNS and the pod network. */
import type { Explains, Rule } from '../rule.ts'

export const clusterRules: readonly Rule[] = []

export const clusterExplains: Explains = {}
