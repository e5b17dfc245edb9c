/** The database under Airflow. */
import type { KubernetesObject } from '../../access.ts'
import { secretNames } from '../../airflow/keys.ts'
import type { Finding } from '../../step.ts'
import { faults, type FaultId } from '../../observe/faults.ts'
import { ageMs, fixOf, nameOf } from '../../observe/observation.ts'
import { type Complaint, complaints, told } from '../complaints.ts'
import type { Evidence, SecretFacts } from '../evidence.ts'
import { type Explains, type Rule, wrong } from '../rule.ts'
import { deleted } from '../secret-commands.ts'
import { type Database, databaseOf } from './database/parts.ts'
import { passwordRules } from './database/password.ts'

export const databaseRules: readonly Rule[] = [...passwordRules, datadir, newerThanImage, unreachable]

// Bitnami's image, and PostgreSQL itself where the folder is there and somebody else's.
const noAccess = /cannot create directory ['‘"]?([^'’":]+)['’"]?: Permission denied|could not (?:change permissions of|access|create|open|read) (?:directory|file|lock file) "([^"]+)": (?:Permission denied|Operation not permitted)|chmod: changing permissions of '([^']+)': Operation not permitted|data directory "([^"]+)" has (?:wrong ownership|invalid permissions)/

function datadir(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const name = database?.pod?.metadata.name
  const said = complaints(evidence, noAccess).filter(({ pod, container }) => pod.metadata.name === name && !/^(wait|check)/.test(container))
  const [first] = said
  if (database === undefined || first === undefined) return []
  const path = hostPathOf(database.volume)
  const uid = uidOf(first.pod)
  const node = (first.pod.spec as { nodeName?: string }).nodeName ?? 'the node'
  return [wrong('postgres-datadir-permission', {
    title: 'PostgreSQL may not write the folder that its volume is',
    evidence: [...told(said), ...(database.claim === undefined ? [] : [`${nameOf(database.claim)}${path === undefined ? '' : ` is ${path} on ${node}`}`]), `it runs as uid ${uid}`],
    why: 'The kubelet does not give host folders to the pod\'s user; whoever made the folder has to.',
    fix: [`sudo chown -R ${uid}:${uid} ${path ?? 'PATH'} && kubectl -n ${evidence.namespace} delete pod ${first.pod.metadata.name} # chown on ${node}`, 'Or postgresql.volumePermissions.enabled: true in airflow.values, which does it in an init container'],
  })]
}

function hostPathOf(volume: KubernetesObject | undefined): string | undefined {
  const { hostPath, local } = (volume?.spec ?? {}) as { hostPath?: { path: string }; local?: { path: string } }
  return hostPath?.path ?? local?.path
}

function uidOf({ spec }: KubernetesObject): number {
  const { containers = [], securityContext } = (spec ?? {}) as { containers?: { securityContext?: { runAsUser?: number } }[]; securityContext?: { runAsUser?: number } }
  return containers[0]?.securityContext?.runAsUser ?? securityContext?.runAsUser ?? 1001
}

function newerThanImage(evidence: Evidence): Finding[] {
  const said = complaints(evidence, /Can't locate revision identified by '([0-9a-f]+)'|No such revision or branch '([0-9a-f]+)'/)
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

const noConnection = /(?:could not connect to server|connection to server at "[^"]*"[^:]*:?(?: port \d+ failed:)?|could not translate host name "[^"]+"|OperationalError\)?).*(?:refused|timed out|timeout|No route|unreachable|could not translate host name|closed the connection|could not connect)|could not translate host name "([^"]+)"|connection to server at .* failed:/i

/** What was said in a run that began when the database was not ready yet says nothing of now. */
function unreachable(evidence: Evidence): Finding[] {
  const database = databaseOf(evidence)
  const now = new Date(evidence.at)
  const settle = faults['database-unreachable'].settleMs
  if (database !== undefined && (database.readySince === undefined || ageMs(database.readySince, now) < settle)) return []
  // Then its Service is the fault, and is told as such.
  if (database !== undefined && leadsNowhere(database, evidence)) return []
  const since = database?.readySince
  const said = complaints(evidence, noConnection).filter(({ line, runSince, pod }) =>
    !/FATAL|redis/i.test(line) && ageMs(pod.metadata.creationTimestamp, now) >= settle && (since === undefined || (runSince !== undefined && Date.parse(runSince) >= Date.parse(since))))
  if (said.length === 0) return []
  const name = said.map(({ line }) => /could not translate host name "([^"]+)"/.exec(line)?.[1]).find((one) => one !== undefined)
  const wrongly = database === undefined || name === undefined ? [] : leadingTo(name, evidence)
  return [wrong('database-unreachable', {
    title: name === undefined ? `Airflow gets no connection to ${database === undefined ? 'the external database' : 'its database, which is ready'}` : `Airflow cannot resolve its database's name, ${name}`,
    evidence: [...told(said), ...wrongly.map(({ name: secret }) => `the connection of Secret ${evidence.namespace}/${secret} leads to ${name ?? ''}`), ...(database?.pod === undefined || since === undefined ? [] : [`${nameOf(database.pod)} has been ready since ${since}`])],
    why: database === undefined ? 'Nobody answers at the address in airflow.database.external, or something on the way keeps the pods out.' : 'Between Airflow and PostgreSQL are a Service, its endpoints, the cluster\'s DNS and the NetworkPolicies.',
    fix: database === undefined
      ? ['npx tsx run.ts apply --from helm # once airflow.database.external and port in the configuration are right, and the way there is open for the nodes']
      : fixOf(
          wrongly.map(({ name: secret }) => `${deleted(evidence.namespace, secret)} && npx tsx run.ts apply # makes it again from the others`),
          `kubectl -n ${evidence.namespace} get service,endpoints,networkpolicy # the Service of PostgreSQL needs an endpoint, and no policy may keep Airflow from it`,
        ),
  })]
}

/** Secrets of airstrip's, which it makes again where one is missing. */
function leadingTo(host: string, { secrets = [], release = 'airflow' }: Evidence): SecretFacts[] {
  const ours: string[] = Object.values(secretNames(release))
  return secrets.filter(({ name, remarks }) => ours.includes(name) && remarks.connection === `leads to ${host}`)
}

interface Subsets { subsets?: { addresses?: unknown[] }[] }

function leadsNowhere({ pod }: Database, { endpoints, services }: Evidence): boolean {
  const name = pod?.metadata.name.replace(/-0$/, '')
  const there = endpoints?.find(({ metadata }) => metadata.name === name) as Subsets | undefined
  const gone = services !== undefined && !services.some(({ metadata }) => metadata.name === name)
  return gone || (there !== undefined && !(there.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0))
}

/** What stands on the database. */
const above: readonly FaultId[] = [
  'crash-loop', 'job-failed', 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed', 'service-without-endpoints', 'webserver-oom-or-slow-start',
  'scheduler-liveness-restart-loop', 'admin-login-missing', 'traefik-404-route-not-loaded', 'ingress-unproven', 'not-ready-unexplained',
]

export const databaseExplains: Explains = {
  'database-password-missing': above,
  'postgres-datadir-permission': ['database-unreachable', ...above],
  'postgres-pvc-old-password': above,
  'db-newer-than-image': above,
  'database-unreachable': above,
  'network-policy-blocks': ['database-unreachable', ...above],
}
