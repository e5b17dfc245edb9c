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

const complaint = /(?:Error|Exception|Traceback|FATAL|CRITICAL)\b|\berror: /

/** Of who is asked too soon, or answers too late: the network, a name, the database before its migrations or while another makes the same rows, gunicorn's own patience. */
const passing = new RegExp([
  'OperationalError|InterfaceError|ProgrammingError|UndefinedTable|UniqueViolation|IntegrityError|deadlock|LockNotAvailable|database is locked',
  'does not exist|already exists|unapplied migrations|initiali[sz]e the database|airflow db (?:init|upgrade|migrate|check)',
  'connect(?:ion)? (?:to|refused|reset|closed|aborted|error|timed)|ConnectionError|could not (?:connect|translate)|MaxRetryError|NewConnection|gaierror|broken pipe|server closed|terminating connection|unexpected EOF',
  'name resolution|(?:Name or service|Host) not (?:known|found)|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|EHOSTUNREACH|no such host|No route to host|unreachable|unavailable',
  'time-?d?[ -]?out|timeout|deadline|starting up|shutting down|not (?:yet )?ready|try again|No response from gunicorn|Temporary failure',
].join('|'), 'i')

export function diesOfItself({ metadata: { name, namespace } }: KubernetesObject, container: string, { logs }: Evidence): boolean {
  const lines = logs.filter((log) => log.pod === name && log.namespace === namespace && log.container === container).flatMap((log) => log.lines)
  return lines.some((line) => complaint.test(line)) && !lines.some((line) => passing.test(line))
}
