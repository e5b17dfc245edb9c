/**
 * What a program said before it ended. On a slow machine Airflow loads for longer than a program runs that dies at
 * once, and three ends of such a one, with the kubelet's pauses between them, take minutes: where it says that it
 * died of itself, two are enough, as of one that dies at once.
 *
 *   airflow.exceptions.AirflowConfigException: error: cannot use sqlite with the KubernetesExecutor
 *   sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not connect to server: Connection refused
 */
import type { KubernetesObject } from '../../../access.ts'
import type { Evidence } from '../../evidence.ts'
import { unreached, unresolved } from '../cluster/symptoms.ts'

const complaint = /(?:Error|Exception|Traceback|FATAL|CRITICAL)\b|\berror: /

/** What the next start may find otherwise: somebody who was not reached, a database before its migrations or while another makes the same rows, an answer that came too late. */
const passing: readonly RegExp[] = [
  unreached, unresolved,
  /connection (?:to|closed|aborted|error)|Connect(?:ion)?Error|MaxRetryError|broken pipe|server closed|unexpected EOF|\bE(?:CONN\w+|AI_AGAIN|TIMEDOUT|HOSTUNREACH|NOTFOUND)\b|unavailable/i,
  /InterfaceError|ProgrammingError|UndefinedTable|IntegrityError|deadlock|LockNotAvailable|is locked|does not exist|already exists|initiali[sz]e the database|airflow db (?:init|upgrade|migrate|check)/i,
  /time(?:d[ -]?|-)?out|deadline|starting up|shutting down|not (?:yet )?ready|try again|No response from gunicorn/i,
]

/** Whether a cause that is known is behind it is asked later, of what is told (cluster/symptoms.ts). */
export function diesOfItself({ metadata: { name, namespace } }: KubernetesObject, container: string, { logs }: Evidence): boolean {
  const lines = logs.filter((log) => log.pod === name && log.namespace === namespace && log.container === container).flatMap((log) => log.lines)
  return lines.some((line) => complaint.test(line)) && !lines.some((line) => passing.some((words) => words.test(line)))
}
