/** What Helm and the chart refuse, and what Helm leaves behind. */
import type { Explains, Rule } from '../rule.ts'

export const helmRules: readonly Rule[] = []

export const helmExplains: Explains = {}
