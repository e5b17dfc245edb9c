/** What stands on running pods, and so looks broken wherever pods do not run. */
import type { Finding } from '../../../step.ts'
import { containerOf, needsDatabase } from '../../../observe/causes.ts'
import type { FaultId } from '../../../observe/faults.ts'
import { placeIn, speakerIn } from '../../../observe/place.ts'
import type { ExplainsIf } from '../../rule.ts'

/** Whom the database answered, and be it with a refusal, has reached it. */
export const unanswered: ExplainsIf = { id: 'database-unreachable', when: ({ title }) => /^Airflow (gets no connection|cannot resolve)/.test(title) }

export const needsPods: readonly (FaultId | ExplainsIf)[] = [
  'provisioner-not-running', 'admission-webhook-down', 'service-without-endpoints', unanswered, 'wait-for-migrations-crashloop', 'wait-hook-deadlock',
  'post-install-hook-timeout', 'helm-release-failed', 'admin-login-missing', 'task-logs-unreachable',
  'traefik-not-running', 'traefik-404-route-not-loaded', 'ingress-unproven', 'not-ready-unexplained',
]

/** A crash or a failed Job has causes of its own as a rule; only one that speaks of somebody it did not reach is explained. */
export function thatSpeakOf(words: RegExp): ExplainsIf[] {
  return (['crash-loop', 'job-failed'] as const).map((id) => ({ id, when: (symptom) => linesOf(symptom).some((line) => words.test(line)) }))
}

/** fatal: unable to access 'https://github.com/me/dags/': Could not resolve host: github.com */
export const gitUnreached: ExplainsIf = { id: 'git-sync-failure', when: ({ evidence }) => evidence.some((line) => /Could not resolve host|[Cc]onnection timed out|Failed to connect/.test(line)) }

/** A program that died of another thing than whom it talks to, by its own words. */
const ofItsOwn = /ENOENT|No such file or directory|ModuleNotFoundError|ImportError|SyntaxError|IndentationError|NameError|AttributeError|exec format error|command not found|invalid choice|unrecognized arguments/
/** Programs say these and go on; they died of them where nothing was said after. */
const saidLast = /(?:^|[:. ])(?:KeyError|ValueError|AirflowConfigException)\b/
const ofTheDatabase = /database|postgres|psycopg|sqlalchemy|OperationalError|Maximum number of retries/i
/** Whoever got these from the database was let in by it. */
const answeredByIt = /ProgrammingError|psycopg2\.errors\.Duplicate/

export function isOfItsOwn(finding: Finding): boolean {
  const evidence = linesOf(finding)
  if (finding.id === 'job-failed' && evidence.some((line) => answeredByIt.test(line)) && !evidence.some((line) => line.includes('OperationalError'))) return true
  const ofIt = evidence.some((line) => ofItsOwn.test(line)) || evidence.some((line, index) => saidLast.test(line) && isLastOf(nameIn(line), evidence.slice(index + 1)))
  return ofIt && !evidence.some((line) => ofTheDatabase.test(line))
}

function isLastOf(place: string | undefined, after: readonly string[]): boolean {
  return place !== undefined && !after.some((line) => nameIn(line) === place)
}

/** Of whom or by whom it is said. */
function nameIn(line: string): string | undefined {
  return (placeIn(line) ?? speakerIn(line))?.name
}

/** The containers of which it says what was seen. */
export function placesOf({ evidence }: Finding): string[] {
  return evidence.flatMap((line) => placeIn(line)?.name ?? [])
}

/** Without what another container of its pod said. */
function linesOf(finding: Finding): string[] {
  const places = placesOf(finding)
  return finding.evidence.filter((line) => nameIn(line) === undefined || places.length === 0 || places.includes(nameIn(line) ?? ''))
}

/** What the container itself said, and not by whom it is said. */
export function wordsOf(finding: Finding): string[] {
  return linesOf(finding).map((line) => (placeIn(line) ?? speakerIn(line))?.words ?? line)
}

/** Whom it talks to did not answer, by its own words; how its object was edited is none of them. */
export function missesOthers(finding: Finding): boolean {
  return wordsOf(finding).some((line) => !line.includes(' is not as the release has it: ') && (ofTheDatabase.test(line) || unreached.test(line)))
}

/** The cause was told from what this very container said. */
export function speaksOfTheSame(cause: Finding, symptom: Finding): boolean {
  const places = placesOf(symptom)
  return cause.evidence.some((line) => places.includes(nameIn(line) ?? ''))
}

/** A crash or a failed Job that does not say what else it died of, of a container that stands on others at all. */
export const unexplainedEnds: readonly ExplainsIf[] = (['crash-loop', 'job-failed'] as const).map((id) => ({
  id, when: (symptom, _evidence, cause) => speaksOfTheSame(cause, symptom) || (needsDatabase(containerOf(symptom)) && !isOfItsOwn(symptom)),
}))

export const unreached = /could not (translate|connect)|name resolution|Name or service not known|[Cc]onnection (refused|timed out|reset)|no route to host|[Nn]etwork is unreachable|OperationalError|migrations/
export const unresolved = /could not translate host name|[Tt]emporary failure in name resolution|Name or service not known|no such host|getaddrinfo|server misbehaving/
