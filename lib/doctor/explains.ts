/**
 * Which finding explains which: what stands on something broken looks broken itself. A finding that
 * another one explains is told under it and never first. Each area of rules says what its causes explain.
 */
import type { Finding } from '../step.ts'
import { type FaultId, rank } from '../observe/faults.ts'
import { isOfAnotherPart } from './apart.ts'
import type { Evidence } from './evidence.ts'
import { isOfItself } from './of-itself.ts'
import type { Explains } from './rule.ts'
import { placesOf, speaksOfTheSame } from './rules/cluster/symptoms.ts'
import { clusterExplains } from './rules/cluster.ts'
import { databaseExplains } from './rules/database.ts'
import { folderExplains } from './rules/folders.ts'
import { helmExplains, isMissed } from './rules/helm.ts'
import { ingressExplains } from './rules/ingress.ts'
import { keyExplains } from './rules/keys.ts'
import { machineExplains } from './rules/machine.ts'
import { networkExplains } from './rules/network.ts'
import { nodeExplains } from './rules/nodes.ts'
import { containerExplains, processExplains } from './rules/processes.ts'
import { storageExplains } from './rules/storage.ts'

const areas: readonly Explains[] = [
  machineExplains, nodeExplains, clusterExplains, storageExplains, helmExplains, databaseExplains, keyExplains, folderExplains, processExplains, networkExplains, ingressExplains,
]

/** Each finding with its causes: the deepest of them, since what lies between is told under those as well. */
export function explained(findings: readonly Finding[], evidence: Evidence): Finding[] {
  return findings.map((finding) => {
    const known = finding.causes ?? []
    const all = causesOf(finding, findings, evidence)
    const roots = all.filter((cause) => !isExplained(cause, findings, evidence))
    const enough = roots.filter(({ id }) => suffices[id as FaultId]?.includes(finding.id as FaultId))
    const causes = ([enough, roots].find((some) => some.length > 0) ?? all).filter((cause) => !known.some(({ id, title }) => id === cause.id && title === cause.title))
    return causes.length === 0 ? finding : { ...finding, causes: [...known, ...causes.map(alone)] }
  })
}

/** Nothing else needs to be wrong for these, so what only might be their cause, a full node for one, is not told as it. */
const suffices: Partial<Record<FaultId, readonly FaultId[]>> = {
  'route-missing': ['traefik-404-route-not-loaded', 'ingress-unproven'],
  'traefik-missing': ['ingress-unproven'],
  'traefik-not-running': ['ingress-unproven'],
}

function causesOf(finding: Finding, findings: readonly Finding[], evidence: Evidence): Finding[] {
  return findings.filter((other) => other !== finding && !(other.severity === 'warning' && finding.severity === 'error') && (isCause(other, finding, evidence) || isOwnCause(other, finding) || isBelow(other, finding, evidence)))
}

function isExplained(finding: Finding, findings: readonly Finding[], evidence: Evidence): boolean {
  return (finding.causes ?? []).length > 0 || causesOf(finding, findings, evidence).length > 0
}

function isCause(cause: Finding, symptom: Finding, evidence: Evidence): boolean {
  if (isOfItself(symptom) && !takesItAway.includes(cause.id as FaultId) && !tellsMore(cause, symptom)) return false
  return areas.some((area) => area[cause.id as FaultId]?.some((entry) =>
    (typeof entry === 'string' ? entry === symptom.id : entry.id === symptom.id && entry.when(symptom, evidence, cause))) === true)
}

/** Of the same container: a scheduler that may not make pods explains no crash of the webserver. */
function isOwnCause(cause: Finding, symptom: Finding): boolean {
  if (containerExplains[cause.id as FaultId]?.includes(symptom.id as FaultId) !== true) return false
  const places = placesOf(cause)
  return placesOf(symptom).some((place) => places.includes(place))
}

/** What takes the object itself away, or leaves Traefik without a kind to read it by. */
const takesItAway: readonly FaultId[] = ['namespace-terminating', 'traefik-missing', 'crd-names-conflict', 'traefik-crd-group-mismatch']

/** The same probe, with the path that it asks for; the same crash, with what it says; the same tables, with one that somebody misses. */
function tellsMore(cause: Finding, symptom: Finding): boolean {
  if (symptom.id === 'crash-loop') return speaksOfTheSame(cause, symptom)
  if (symptom.id === 'wait-for-migrations-crashloop') return cause.id === 'database-unreachable' && cause.title.includes(' finds no table ')
  return cause.id === 'probe-path-mismatch' && symptom.id === 'readiness-probe-failing'
}

/** They say that something is wrong and not what: where anything is found that keeps pods from running, that is it. */
const umbrellas: readonly FaultId[] = ['heartbeat-missing', 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed', 'not-ready-unexplained']

/** What a program that has been ready for minutes may hang for. */
const stopsHeartbeats = /^(?:control-plane|cluster-dns|pod-network|kube-proxy|kind-too-many|database-|postgres-|db-newer|network-policy|service-without|redis-|release-object-|logs-not-writable)/

/** What runs and does not do its work keeps nobody from running. */
const ofWhatRuns: readonly FaultId[] = ['web-page-failing', 'heartbeat-missing', 'task-logs-unreachable', 'admin-login-missing']

/** What is wrong with this machine, with the way in, or with the way to a log, keeps no pod from running. */
function isBelow(cause: Finding, symptom: Finding, evidence: Evidence): boolean {
  const { id } = symptom
  const within = cause.id !== 'kubelet-unreachable' && rank(cause.id) >= rank('control-plane-down') && rank(cause.id) < rank('release-not-installed')
  if (!umbrellas.includes(id as FaultId) || isOfItself(symptom) || cause.severity !== 'error' || !within || rank(cause.id) >= rank(id)) return false
  if (id === 'not-ready-unexplained') return !ofWhatRuns.includes(cause.id as FaultId) && !isOfAnotherPart(symptom, evidence, cause)
  return id !== 'heartbeat-missing' || (stopsHeartbeats.test(cause.id) && (cause.id !== 'release-object-missing' || isMissed(cause)))
}

/** A cause is told with what it is and how it is mended, not with what it stands on itself. */
function alone(finding: Finding): Finding {
  return { ...finding, causes: [] }
}
