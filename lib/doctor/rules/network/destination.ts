/** Whom a connection was for that failed, as far as the line that tells of it names somebody. */
import type { Pod, Service } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../../access.ts'
import { matchesLabels } from '../../../observe/selector.ts'
import type { Evidence } from '../../evidence.ts'
import { isStranger } from '../../strangers.ts'

/**
 * connection to server at "airflow-postgresql.airflow" (10.43.1.2), port 5432 failed: Connection refused
 * could not translate host name "airflow-postgresql.airflow" to address: … · failed to resolve host 'airflow-postgresql.airflow': …
 * Error 110 connecting to airflow-redis:6379. Connection timed out.
 * consumer: Cannot connect to redis://:**@airflow-redis:6379/0: Timeout connecting to server.
 * (UNKNOWN) [10.43.1.2] 5432 (postgresql) : Connection timed out
 */
const namings = [
  /connection to server at "(?<host>[^"]+)"(?:.*?, port (?<port>\d+))?/,
  /(?:translate host name|resolve host) ["'](?<host>[^"']+)["']/,
  /connecting to (?<host>[^\s:]+):(?<port>\d+)/,
  /connect to \w+:\/\/(?:[^@\s]*@)?(?<host>[^:/\s]+):(?<port>\d+)/,
  /\[(?<host>[\da-f.:]+)\] (?<port>\d+) \(/,
]

/** Of these pods; undefined where the line names nobody, and none where it is somebody else. */
export function destinationsOf(line: string, pods: readonly KubernetesObject[], evidence: Evidence): KubernetesObject[] | undefined {
  const { host, port } = namings.map((naming) => naming.exec(line)?.groups).find((groups) => groups !== undefined) ?? {}
  if (host === undefined) return undefined
  const selected = selectedBy(host, pods, evidence)
  if (selected !== undefined) return selected
  // An address that nothing here has any more; the port is the same.
  if (/^[\d.]+$|:/.test(host)) return pods.filter((pod) => !isStranger(pod, evidence) && listensAt(pod, Number(port)))
  const [name, space = evidence.namespace] = host.split('.')
  return space === evidence.namespace ? pods.filter(({ metadata }) => metadata.name.startsWith(`${name ?? ''}-`)) : []
}

/** By a pod's own name or address, or by those of a Service; undefined where neither has them. */
function selectedBy(host: string, pods: readonly KubernetesObject[], { services = [], namespace }: Evidence): KubernetesObject[] | undefined {
  const [name, space = namespace] = host.split('.')
  const own = pods.filter((pod) => pod.metadata.name === name || (pod as Pod).status?.podIP === host)
  if (own.length > 0) return own
  const service = services.find((one) => (one as Service).spec?.clusterIP === host || (one.metadata.name === name && space === namespace)) as Service | undefined
  if (service === undefined) return undefined
  const { selector } = service.spec ?? {}
  return selector === undefined ? [] : pods.filter(({ metadata }) => matchesLabels({ matchLabels: selector }, metadata.labels))
}

/** A pod need not say its ports. */
function listensAt(pod: KubernetesObject, port: number): boolean {
  const ports = ((pod as Pod).spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.length === 0 || ports.some(({ containerPort }) => containerPort === port)
}
