/** The DAGs and logs folders, and where DAGs come from. */
import type { Explains, Rule } from '../rule.ts'

export const folderRules: readonly Rule[] = []

export const folderExplains: Explains = {}
