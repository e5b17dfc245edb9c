/** Keys and passwords, by their facts and not their values. */
import type { Explains, Rule } from '../rule.ts'

export const keyRules: readonly Rule[] = []

export const keyExplains: Explains = {}
