/** What runs in the pods and is ended, or cannot do its work. */
import type { Explains, Rule } from '../rule.ts'

export const processRules: readonly Rule[] = []

export const processExplains: Explains = {}
