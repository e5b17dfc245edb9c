/**
 * The rules: evidence in, findings out, in the order in which a person would look. A rule that needs a
 * fact which could not be read gives nothing; the fact is among the unknown. Which finding explains
 * which is told by `explains.ts`, and their order by the table of faults.
 *
 * A further rule is one more function in the list of its area.
 */
import type { Rule } from './rule.ts'
import { classRules } from './rules/classes.ts'
import { clusterRules } from './rules/cluster.ts'
import { databaseRules } from './rules/database.ts'
import { folderRules } from './rules/folders.ts'
import { helmRules } from './rules/helm.ts'
import { ingressRules } from './rules/ingress.ts'
import { keyRules } from './rules/keys.ts'
import { machineRules } from './rules/machine.ts'
import { networkRules } from './rules/network.ts'
import { nodeRules } from './rules/nodes.ts'
import { processRules } from './rules/processes.ts'
import { releaseRules } from './rules/release.ts'
import { storageRules } from './rules/storage.ts'

export const rules: readonly Rule[] = [
  ...machineRules, ...nodeRules, ...clusterRules, ...classRules, ...storageRules, ...helmRules, ...databaseRules, ...keyRules,
  ...folderRules, ...processRules, ...networkRules, ...releaseRules, ...ingressRules,
]
