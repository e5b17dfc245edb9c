/** Which parts of the release two findings speak of: what is wrong with one part is no reason of another's. */
import type { KubernetesObject } from '../access.ts'
import { claimNamesOf } from '../observe/claim.ts'
import { workloadOf } from '../observe/owners.ts'
import type { Finding } from '../step.ts'
import type { Evidence } from './evidence.ts'

/** Only where each names some part: what names none may be the reason of all, or come of any. */
export function isOfAnotherPart(symptom: Finding, evidence: Evidence, cause: Finding): boolean {
  const [mine, its] = [partsNamed(symptom, evidence), partsNamed(cause, evidence)]
  return mine.length > 0 && its.length > 0 && !mine.some((part) => its.includes(part))
}

/** All that it is told with, word by word, so that no name is found within another. */
export function wordsIn({ title, evidence }: Finding): Set<string> {
  return new Set([title, ...evidence].flatMap((line) => line.split(/[\s/:,()'"]+/)))
}

/** By the name of a workload, of a pod of it, or of a claim of that pod's. */
function partsNamed(finding: Finding, { pods, workloads }: Evidence): string[] {
  const words = wordsIn(finding)
  const ofPod = (pod: KubernetesObject): string => workloadOf(pod)?.name ?? pod.metadata.name
  return [
    ...workloads.filter(({ metadata }) => words.has(metadata.name)).map(({ metadata }) => metadata.name),
    ...pods.filter((pod) => words.has(pod.metadata.name) || claimNamesOf(pod).some((name) => words.has(name))).map(ofPod),
  ]
}
