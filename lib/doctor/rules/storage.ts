/** Claims, volumes and provisioners, beyond what a look at one object tells. */
import type { Explains, Rule } from '../rule.ts'

export const storageRules: readonly Rule[] = []

export const storageExplains: Explains = {}
