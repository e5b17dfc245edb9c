/**
 * The rules: evidence in, findings out, in the order of causes. A rule that needs a fact which
 * could not be read gives nothing; the fact is among the unknown.
 *
 * A further rule of the catalogue is one more function in this list.
 */
import type { Finding } from '../step.ts'
import { twoDefaults } from './rules/classes.ts'
import { cordoned, notReady, underPressure } from './rules/nodes.ts'
import { lock, notInstalled, release, unexplained } from './rules/release.ts'
import type { Evidence } from './evidence.ts'

export type Rule = (evidence: Evidence) => Finding[]

export const rules: Rule[] = [notReady, underPressure, cordoned, twoDefaults, notInstalled, lock, release, unexplained]
