/** The database under Airflow. */
import type { KubernetesObject } from '../../access.ts'
import type { Finding } from '../../step.ts'
import type { FaultId } from '../../observe/faults.ts'
import { nameOf } from '../../observe/observation.ts'
import { pathOf } from '../../observe/volume.ts'
import { type Complaint, complaints, told } from '../complaints.ts'
import type { Evidence } from '../evidence.ts'
import { recalled } from '../witnessed.ts'
import { type Explains, type ExplainsIf, type Rule, wrong } from '../rule.ts'
import { unexplainedEnds, unanswered } from './cluster/symptoms.ts'
import { leadsElsewhere } from './database/connection.ts'
import { dataDamaged } from './database/damaged.ts'
import { databaseOf } from './database/parts.ts'
import { passwordRules } from './database/password.ts'
import { diskReadOnly } from './database/read-only.ts'
import { turnedAway } from './database/refusals.ts'
import { unreachable } from './database/unreachable.ts'

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
  const said = complaints(evidence, /initialized by PostgreSQL version ([\d.]+), which is not compatible with this version ([\w.]*\w)/)
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

/** What stands on the database. */
const above: readonly (FaultId | ExplainsIf)[] = [
  ...unexplainedEnds, 'wait-for-migrations-crashloop', 'post-install-hook-timeout', 'helm-release-failed', 'webserver-oom-or-slow-start',
  'scheduler-liveness-restart-loop', 'admin-login-missing', 'traefik-404-route-not-loaded', 'ingress-unproven', 'not-ready-unexplained', 'web-page-failing',
]

export const databaseExplains: Explains = {
  'database-password-missing': above,
  'postgres-major-version': ['database-unreachable', ...above],
  'postgres-datadir-permission': ['database-unreachable', ...above],
  'database-damaged': ['database-unreachable', ...above],
  'postgres-pvc-old-password': above,
  'db-newer-than-image': above,
  'database-unreachable': above,
  'network-policy-blocks': [unanswered, ...above],
}
