/** The database under Airflow, and its migrations. */
import type { Explains, Rule } from '../rule.ts'

export const databaseRules: readonly Rule[] = []

export const databaseExplains: Explains = {}
