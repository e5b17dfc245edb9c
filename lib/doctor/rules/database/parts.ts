/** The database of the release as it lives: its pod, its claim, and the Secrets that speak of it. */
import type { KubernetesObject } from '../../../access.ts'
import { secretNames } from '../../../airflow/keys.ts'
import { isDatabaseSet } from '../../../observe/causes.ts'
import { claimNamesOf } from '../../../observe/claim.ts'
import { readySince } from '../../../observe/observation.ts'
import type { Evidence, SecretFacts } from '../../evidence.ts'

export interface Database {
  pod?: KubernetesObject | undefined
  claim?: KubernetesObject | undefined
  volume?: KubernetesObject | undefined
  /** ISO time since when it has been ready. */
  readySince?: string | undefined
}

/** psycopg2 and libpq where nothing of PostgreSQL answers: `could not connect to server: Connection timed out`, `connection to server at "airflow-postgresql" (10.96.1.2), port 5432 failed: timeout expired`; not what a server ended by its own settings: `canceling statement due to statement timeout` */
export const noConnection = /(?:could not connect to server|connection to server at "[^"]*"[^:]*:?(?: port \d+ failed:)?|could not translate host name "[^"]+"|OperationalError\)?)(?!.* due to [\w-]+ timeout).*(?:refused|timed out|timeout|No route|unreachable|could not translate host name|closed the connection|could not connect)|could not translate host name "([^"]+)"|failed to resolve host '[^']+'|connection to server at .* failed:/i

/** What an install may take from its first Secret to its last claim, more than one try included. */
export const installMs = 3_600_000

/** Those of the release: another program of the namespace may have a PostgreSQL of its own beside it. */
export function databaseSets(evidence: Evidence): KubernetesObject[] {
  const { workloads, record } = evidence
  const own = nameOfSet(evidence)
  const names = [own, `${own}-primary`, ...(record?.objects ?? []).filter(isDatabaseSet).map(({ metadata }) => metadata.name)]
  return workloads.filter((one) => isDatabaseSet(one) && names.includes(one.metadata.name))
}

function nameOfSet({ record, release }: Evidence): string {
  return `${record?.name ?? release ?? 'airflow'}-postgresql`
}

/** Undefined where the database is somebody else's. */
export function databaseOf(evidence: Evidence): Database | undefined {
  const { pods, claims, volumes = [], wanted, record } = evidence
  const [set] = databaseSets(evidence)
  const made = record?.objects.some(isDatabaseSet) ?? false
  if (set === undefined && !made && wanted?.bundledDatabase !== true) return undefined
  const name = set?.metadata.name ?? nameOfSet(evidence)
  const pod = pods.find(({ metadata }) => metadata.name === `${name}-0`)
  const claim = claims.find(({ metadata }) => metadata.name === `data-${name}-0` || (pod !== undefined && claimNamesOf(pod).includes(metadata.name)))
  const volume = volumes.find(({ metadata }) => metadata.name === (claim?.spec as { volumeName?: string } | undefined)?.volumeName)
  return { pod, claim, volume, readySince: pod === undefined ? undefined : readySince(pod) }
}

export interface Password {
  secret: SecretFacts
  /** `NAME/KEY` */
  at: string
  key: string
}

/** Who holds the database's password: PostgreSQL's own Secret first, then the connections, which the community chart has none of. */
export function passwordsOf({ secrets = [], release = 'airflow', record }: Evidence): Password[] {
  const ours = secretNames(release)
  const data = (record?.values.data ?? {}) as { metadataSecretName?: string; resultBackendSecretName?: string }
  const { auth, existingSecret } = (record?.values.postgresql ?? {}) as { auth?: { existingSecret?: string }; existingSecret?: string }
  const places = [
    [auth?.existingSecret ?? existingSecret ?? `${release}-postgresql`, ['password', 'postgres-password', 'postgresql-password']],
    [data.metadataSecretName ?? `${release}-airflow-metadata`, ['connection']],
    [data.resultBackendSecretName ?? `${release}-airflow-result-backend`, ['connection']],
  ] as const
  return places.flatMap(([name, keys]) => {
    const secret = secrets.find((one) => one.name === name)
    // The chart's own Secret has the superuser's alone, who is then also the user.
    const key = keys.find((one) => secret?.keys.includes(one) === true)
    return secret === undefined || key === undefined ? [] : [{ secret, key, at: `${name}/${key}` }]
  }).filter(({ secret }, index, all) => index === 0 || secret.name !== ours.postgresql || all.length > 1)
}

/** The one that none of the others agrees with, or all where no two agree; empty where all do. */
export function disagreeing(passwords: readonly Password[]): Password[] {
  const agrees = (one: Password): boolean => passwords.some((other) => other !== one && (one.secret.same[one.key] ?? []).includes(other.at))
  const alone = passwords.filter((one) => !agrees(one))
  return passwords.length < 2 ? [] : alone
}
