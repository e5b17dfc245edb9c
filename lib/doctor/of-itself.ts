/**
 * Faults that were set in the object itself, which no other fault brings about: a Deployment that somebody scaled to
 * nothing is no symptom of a node that takes no pods. They are told as roots, whatever else is broken.
 */
import { containerOf } from '../observe/causes.ts'
import type { FaultId } from '../observe/faults.ts'
import type { Finding } from '../step.ts'
import { missesOthers } from './rules/cluster/symptoms.ts'

const some = (pattern: RegExp) => ({ evidence }: Finding): boolean => evidence.some((line) => pattern.test(line))
const titled = (pattern: RegExp) => ({ title }: Finding): boolean => pattern.test(title)

/** A field that a person has changed, as edited.ts has it. */
const editedProbe = some(/ is not as the release has it: .*(?:liveness|startup|readiness)Probe/)

/** Of the container that crashes, and not of one beside it; and where its own words do not tell of whom it lacks. */
function editedProgram(finding: Finding): boolean {
  return some(new RegExp(` is not as the release has it: .*ontainers\\[${containerOf(finding)}\\]\\.(?:command|args|env)`))(finding) && !missesOthers(finding)
}

/** The route was edited, and leads to a Service or port that is not there; one that the Service has lost is told of the Service. */
function editedService(finding: Finding): boolean {
  return titled(/^Traefik does not load the route: Service /)(finding) && some(/^IngressRoute \S+: .*; airstrip writes /)(finding)
}

const ofItself: Partial<Record<FaultId, (finding: Finding) => boolean>> = {
  'traefik-not-running': titled(/^Traefik is scaled to no pod|^Traefik does not run: (?:Image \S+ does not exist|.* keeps crashing)/),
  // Nobody deletes it by the way; that it does not answer can come from elsewhere.
  'admission-webhook-down': some(/service "[^"]+" not found/),
  'cluster-dns-broken': titled(/scaled to no pod|Corefile|forwards to itself|may not read/),
  'provisioner-not-running': some(/ is scaled to 0$|^no (?:Deployment|pod) in the cluster runs/),
  // Only that there are no endpoints, or no answer, can come from elsewhere.
  'service-without-endpoints': some(/^Service \S+ (?:selects |has no selector|has no port|is of type )|^Service \S+: port |^not of the release/),
  'traefik-404-route-not-loaded': (finding) => some(/^Middleware \S+ (?:does not exist|is in another namespace)|^entry point |^Traefik reads /)(finding) || titled(/^Traefik may not read /)(finding) || editedService(finding),
  'certresolver-missing': titled(/^Traefik has no certificate resolver/),
  'webserver-oom-or-slow-start': titled(/memory/),
  'scheduler-liveness-restart-loop': (finding) => finding.title.includes('cannot succeed') || editedProbe(finding),
  'readiness-probe-failing': editedProbe,
  'crash-loop': editedProgram,
  // Of its tables and not of the pods that wait for them.
  'wait-for-migrations-crashloop': titled(/^The database /),
}

export function isOfItself(finding: Finding): boolean {
  return ofItself[finding.id as FaultId]?.(finding) ?? false
}
