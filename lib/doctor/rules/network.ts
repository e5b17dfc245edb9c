/** Who reaches whom: Services, their endpoints, NetworkPolicies. */
import type { Explains, Rule } from '../rule.ts'

export const networkRules: readonly Rule[] = []

export const networkExplains: Explains = {}
