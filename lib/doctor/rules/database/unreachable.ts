/**
 * Nobody answers where Airflow looks for its database: the way there, by name and by address, is what is left.
 *
 *   psycopg2.OperationalError: could not connect to server: Connection timed out
 *   could not translate host name "airflow-postgresql.airflow" to address: Temporary failure in name resolution
 */
import type { KubernetesObject } from '../../../access.ts'
import { faults } from '../../../observe/faults.ts'
import { ageMs, nameOf } from '../../../observe/observation.ts'
import type { Finding } from '../../../step.ts'
import { type Complaint, complaints, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { wrong } from '../../rule.ts'
import { answersNames } from '../cluster/dns.ts'
import { misled } from './connection.ts'
import { isOfAnother, isOver } from './other.ts'
import { type Database, databaseOf, noConnection } from './parts.ts'

/** What was said in a run that began when the database was not ready yet says nothing of now. */
export function unreachable(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const now = new Date(evidence.at)
  const settle = faults['database-unreachable'].settleMs
  if (database !== undefined && (database.readySince === undefined || ageMs(database.readySince, now) < settle)) return []
  // Then its Service, or the Secret, is the fault and is told as such.
  if (misled(evidence).length > 0 || (database !== undefined && leadsNowhere(database, evidence))) return []
  const since = database?.readySince
  const said = complaints(evidence, noConnection).filter((one) => !isOfAnother(one, evidence) && !isOver(one, evidence)).filter(({ line, runSince, pod }) =>
    !/FATAL|redis|does not support SSL|certificate/i.test(line) && ageMs(pod.metadata.creationTimestamp, now) >= settle && (since === undefined || (runSince !== undefined && Date.parse(runSince) >= Date.parse(since))))
  if (said.length === 0) return []
  const name = said.map(({ line }) => /(?:could not translate host name|failed to resolve host) ["']([^"']+)/.exec(line)?.[1]).find((one) => one !== undefined)
  if (name !== undefined && isNamed(name, evidence) && answersNames(evidence)) return [notResolved(name, said, evidence)]
  const far = otherNodes(said, database)
  if (far !== undefined) return [betweenNodes(far, said)]
  return [wrong('database-unreachable', {
    title: name === undefined ? `Airflow gets no connection to ${database === undefined ? 'the external database' : 'its database, which is ready'}` : `Airflow cannot resolve its database's name, ${name}`,
    evidence: [...told(said), ...(database?.pod === undefined || since === undefined ? [] : [`${nameOf(database.pod)} has been ready since ${since}`])],
    why: database === undefined ? 'Nobody answers at the address in airflow.database.external, or something on the way keeps the pods out.' : 'Between Airflow and PostgreSQL are a Service, its endpoints, the cluster\'s DNS and the NetworkPolicies.',
    fix: database === undefined
      ? ['npx tsx run.ts apply --from helm # once airflow.database.external and port in the configuration are right, and the way there is open for the nodes']
      : [`kubectl -n ${evidence.namespace} get service,endpoints,networkpolicy # the Service of PostgreSQL needs an endpoint, and no policy may keep Airflow from it`],
  })]
}

/** Of the Service that every cluster's DNS knows by this name: airflow-postgresql.airflow */
function isNamed(name: string, { services = [], namespace }: Evidence): boolean {
  const [service = '', of = namespace] = name.split('.')
  return of === namespace && services.some(({ metadata }) => metadata.name === service)
}

function notResolved(name: string, said: readonly Complaint[], { namespace, nodes = [] }: Evidence): Finding {
  return wrong('cluster-dns-broken', {
    title: `Airflow's pods cannot resolve ${name}, whose Service is there, and the cluster's DNS is ready`,
    evidence: told(said),
    why: 'They ask another server than the cluster\'s DNS, or for another domain than it answers for, or the network drops what they ask.',
    fix: [
      `kubectl -n kube-system get service kube-dns -o jsonpath='{.spec.clusterIP}'; kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}' # the address, and the domain behind "kubernetes", must be those that the kubelet has`,
      `grep -A1 -E '^cluster(DNS|Domain):' /var/lib/kubelet/config.yaml # on ${nodes.map(({ metadata }) => metadata.name).join(', ') || 'each node'}; once both are right: sudo systemctl restart kubelet, then: kubectl -n ${namespace} delete pods -l tier=airflow`,
      'Where both are right and only pods of one node complain: let UDP 8472 (VXLAN, of Flannel and K3s) or 51820 (WireGuard) through between the nodes',
    ],
  })
}

interface Apart { from: string; to: string }

/** Where only those have no answer that run on another node than the database. */
function otherNodes(said: readonly Complaint[], database: Database | undefined): Apart | undefined {
  const nodeOf = (pod: KubernetesObject | undefined): string | undefined => (pod?.spec as { nodeName?: string } | undefined)?.nodeName
  const to = nodeOf(database?.pod)
  const others = said.map(({ pod }) => nodeOf(pod))
  const isLost = said.every(({ line }) => /timed? ?out|No route to host|unreachable/i.test(line))
  return to === undefined || !isLost || others.some((node) => node === undefined || node === to) ? undefined : { from: [...new Set(others)].join(', '), to }
}

function betweenNodes({ from, to }: Apart, said: readonly Complaint[]): Finding {
  return wrong('pod-network-broken', {
    title: `Pods on node ${from} do not reach pods on node ${to}`,
    evidence: [...told(said), `the database runs on ${to} and is ready there, and those who do not reach it run on ${from}`],
    why: 'Between nodes the pod network has a way of its own, which a firewall closes that knows nothing of it.',
    fix: [
      'sudo ufw status; sudo firewall-cmd --list-all # on both nodes: UDP 8472 (VXLAN, of Flannel and K3s), UDP 4789 (VXLAN, of Calico) or UDP 51820 (WireGuard) must be open between them, and the pods\' own addresses be trusted',
      'sudo ufw allow from NODE to any port 8472 proto udp # or: sudo firewall-cmd --permanent --zone=trusted --add-source=PODS && sudo firewall-cmd --reload',
    ],
  })
}

interface Subsets { subsets?: { addresses?: unknown[] }[] }

/** Without a record nobody knows that there was to be a Service, and nobody tells it. */
function leadsNowhere({ pod }: Database, { endpoints, services, record }: Evidence): boolean {
  const name = pod?.metadata.name.replace(/-0$/, '')
  const there = endpoints?.find(({ metadata }) => metadata.name === name) as Subsets | undefined
  const gone = record !== undefined && services !== undefined && !services.some(({ metadata }) => metadata.name === name)
  return gone || (there !== undefined && !(there.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0))
}
