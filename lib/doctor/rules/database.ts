/** The database under Airflow. */
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import { faults, type FaultId } from '../../observe/faults.ts'
import { ageMs, nameOf } from '../../observe/observation.ts'
import { type Complaint, complaints, told } from '../complaints.ts'
import type { Evidence } from '../evidence.ts'
import { recalled } from '../witnessed.ts'
import { type Explains, type ExplainsIf, type Rule, wrong } from '../rule.ts'
import { dns } from './cluster/dns.ts'
import { leadsElsewhere, misled } from './database/connection.ts'
import { dataDamaged } from './database/damaged.ts'
import { type Database, databaseOf, noConnection, pathOf } from './database/parts.ts'
import { passwordRules } from './database/password.ts'
import { diskReadOnly } from './database/read-only.ts'
import { turnedAway } from './database/refusals.ts'

export const databaseRules: readonly Rule[] = [...passwordRules, leadsElsewhere, datadir, diskReadOnly, dataDamaged, otherMajor, newerThanImage, turnedAway, unreachable]

// Bitnami's image, the official one (GNU and BusyBox), and PostgreSQL itself where the folder is there and somebody else's.
const noAccess = /can(?:not|'t) create directory ['‘"]?([^'’":]+)['’"]?: Permission denied|could not (?:change permissions of|access|create|open|read) (?:directory|file|lock file) "([^"]+)": (?:Permission denied|Operation not permitted)|ch(?:mod|own): (?:changing (?:permissions|ownership) of '[^']+'|\/[^:]+): (?:Permission denied|Operation not permitted)|data directory "([^"]+)" has (?:wrong ownership|invalid permissions)/

function datadir(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const name = database?.pod?.metadata.name
  const said = complaints(evidence, noAccess).filter(({ pod, container }) => pod.metadata.name === name && !/^(wait|check)/.test(container))
  const [first] = said
  if (database === undefined || first === undefined) return []
  const path = pathOf(database.volume)
  const uid = uidOf(first.pod)
  const node = (first.pod.spec as { nodeName?: string }).nodeName ?? 'the node'
  return [wrong('postgres-datadir-permission', {
    title: 'PostgreSQL may not write the folder that its volume is',
    evidence: [...told(said), ...(database.claim === undefined ? [] : [`${nameOf(database.claim)}${path === undefined ? '' : ` is ${path} on ${node}`}`]), `it runs as uid ${uid}`],
    why: 'The kubelet does not give host folders to the pod\'s user; whoever made the folder has to.',
    fix: [`sudo chown -R ${uid}:${uid} ${path ?? 'PATH'} && kubectl -n ${evidence.namespace} delete pod ${first.pod.metadata.name} # chown on ${node}`, 'Or postgresql.volumePermissions.enabled: true in airflow.values, which does it in an init container'],
  })]
}

function uidOf({ spec }: KubernetesObject): number {
  const { containers = [], securityContext } = (spec ?? {}) as { containers?: { securityContext?: { runAsUser?: number } }[]; securityContext?: { runAsUser?: number } }
  return containers[0]?.securityContext?.runAsUser ?? securityContext?.runAsUser ?? 1001
}

/** DETAIL:  The data directory was initialized by PostgreSQL version 11, which is not compatible with this version 15.2 (Debian 15.2-1.pgdg110+1). */
function otherMajor(evidence: Evidence): Finding[] {
  const said = complaints(evidence, /initialized by PostgreSQL version ([\d.]+), which is not compatible with this version ([\w.]+)/)
  const [first] = said
  if (first === undefined) return []
  const [, before = '', now = ''] = first.groups
  const image = imageOf(first)
  return [wrong('postgres-major-version', {
    title: `The volume holds a database of PostgreSQL ${before}, and ${now} was started over it`,
    evidence: [...told(said), ...(image === undefined ? [] : [`it runs ${image}`])],
    why: 'PostgreSQL reads only what its own major version has written, and changes nothing of another.',
    fix: [
      `Write a tag of PostgreSQL ${before} as airflow.database.imageTag in the configuration, then: npx tsx run.ts apply --from helm # the data is as it was`,
      'To move to the newer one: npx tsx run.ts backup with the old one, then restore into a new volume',
    ],
  })]
}

function newerThanImage(evidence: Evidence): Finding[] {
  const said = complaints(recalled(evidence), /Can't locate revision identified by '([0-9a-f]+)'|No such revision or branch '([0-9a-f]+)'/)
  const [first] = said
  if (first === undefined) return []
  const image = imageOf(first)
  return [wrong('db-newer-than-image', {
    title: 'The database was migrated by a newer Airflow than the one that runs now',
    evidence: [...told(said), ...(image === undefined ? [] : [`it runs ${image}`])],
    why: 'Migrations only go forward: an older Airflow does not know the state that the newer one has left.',
    fix: [
      'Write the version that was there before (or a newer one) as airflow.image.tag or airflow.version, then: npx tsx run.ts apply --from helm',
      'To go back for good: with the newer image first, `airflow db downgrade --to-version VERSION`',
    ],
  })]
}

function imageOf({ pod, container }: Complaint): string | undefined {
  const { initContainers = [], containers = [] } = (pod.spec ?? {}) as { initContainers?: { name: string; image?: string }[]; containers?: { name: string; image?: string }[] }
  return [...initContainers, ...containers].find(({ name }) => name === container)?.image
}

/** What was said in a run that began when the database was not ready yet says nothing of now. */
function unreachable(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const now = new Date(evidence.at)
  const settle = faults['database-unreachable'].settleMs
  if (database !== undefined && (database.readySince === undefined || ageMs(database.readySince, now) < settle)) return []
  // Then its Service, or the Secret, is the fault and is told as such.
  if (misled(evidence).length > 0 || (database !== undefined && leadsNowhere(database, evidence))) return []
  const since = database?.readySince
  const said = complaints(evidence, noConnection).filter(({ line, runSince, pod }) =>
    !/FATAL|redis|does not support SSL|certificate/i.test(line) && ageMs(pod.metadata.creationTimestamp, now) >= settle && (since === undefined || (runSince !== undefined && Date.parse(runSince) >= Date.parse(since))))
  if (said.length === 0) return []
  const name = said.map(({ line }) => /(?:could not translate host name|failed to resolve host) ["']([^"']+)/.exec(line)?.[1]).find((one) => one !== undefined)
  if (name !== undefined && isNamed(name, evidence) && dns(evidence).length === 0) return [notResolved(name, said, evidence)]
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

function leadsNowhere({ pod }: Database, { endpoints, services }: Evidence): boolean {
  const name = pod?.metadata.name.replace(/-0$/, '')
  const there = endpoints?.find(({ metadata }) => metadata.name === name) as Subsets | undefined
  const gone = services !== undefined && !services.some(({ metadata }) => metadata.name === name)
  return gone || (there !== undefined && !(there.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0))
}

/** A program that died of another thing than its database, by its own words. */
const ofItsOwn = /ENOENT|No such file or directory|ModuleNotFoundError|ImportError|SyntaxError|exec format error|command not found/
const ofTheDatabase = /database|postgres|psycopg|sqlalchemy|OperationalError/i

const diesOfIt: ExplainsIf = { id: 'crash-loop', when: ({ evidence }) => !evidence.some((line) => ofItsOwn.test(line)) || evidence.some((line) => ofTheDatabase.test(line)) }

/** What stands on the database. */
const above: readonly (FaultId | ExplainsIf)[] = [
  diesOfIt, 'job-failed', 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed', 'webserver-oom-or-slow-start',
  'scheduler-liveness-restart-loop', 'admin-login-missing', 'traefik-404-route-not-loaded', 'ingress-unproven', 'not-ready-unexplained',
]

export const databaseExplains: Explains = {
  'database-password-missing': above,
  'postgres-major-version': ['database-unreachable', ...above],
  'postgres-datadir-permission': ['database-unreachable', ...above],
  'database-damaged': ['database-unreachable', ...above],
  'postgres-pvc-old-password': above,
  'db-newer-than-image': above,
  'database-unreachable': above,
  'network-policy-blocks': ['database-unreachable', ...above],
}
