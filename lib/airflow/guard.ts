import type { KubernetesObject, Release, ReleaseWish } from '../access.ts'
import type { Finding } from '../step.ts'
import { officialExecutors, nearestExecutor, partsOf } from './executors.ts'
import { secretNames } from './keys.ts'

export interface Surety {
  /** The live Secrets of ours. */
  secrets: readonly (KubernetesObject | undefined)[]
  /** The volume claim of the bundled database; undefined where there is none, or the database is elsewhere. */
  databaseClaim?: KubernetesObject | undefined
  externalDatabase: boolean
  /** The configuration says where the database's password comes from. */
  passwordGiven: boolean
}

/** Refusals that keep a person's data: each is something that an upgrade would break for good. */
export function guardRelease(wish: ReleaseWish, release: Release | undefined, surety: Surety): Finding[] {
  return [...guardExecutor(String(wish.values.executor)), ...(release === undefined ? [] : guardKeys(wish, release)), ...guardPassword(wish, release, surety)]
}

function guardPassword({ name }: ReleaseWish, release: Release | undefined, { secrets, databaseClaim, externalDatabase, passwordGiven }: Surety): Finding[] {
  // Each of them tells it to the others (makeSecrets).
  const { postgresql, metadata, resultBackend } = secretNames(name)
  const names: string[] = [postgresql, metadata, resultBackend]
  if (passwordGiven || secrets.some((secret) => secret !== undefined && names.includes(secret.metadata.name))) return []
  if (externalDatabase) return [noPassword()]
  return databaseClaim === undefined ? [] : [unknownPassword(databaseClaim, release)]
}

export function guardExecutor(executor: string): Finding[] {
  if (partsOf(executor) !== undefined) return []
  return [{
    id: 'executor-not-supported-by-chart',
    severity: 'error',
    title: `The official chart does not take ${executor}`,
    evidence: [`it takes ${officialExecutors.join(', ')}`],
    why: 'Its schema refuses any other executor.',
    fix: [`Write airflow.executor: ${nearestExecutor(executor)}`],
  }]
}

/** A release whose keys are not ours was made by hand; with other keys its connections are unreadable. */
function guardKeys(wish: ReleaseWish, release: Release): Finding[] {
  const key = 'fernetKeySecretName'
  if (release.values[key] === wish.values[key]) return []
  return [{
    id: 'release-not-airstrips',
    severity: 'error',
    title: `Release ${release.namespace}/${release.name} was installed by other means and has its own keys`,
    evidence: [`its ${key} is ${JSON.stringify(release.values[key] ?? null)}, airstrip's is ${JSON.stringify(wish.values[key])}`],
    why: 'Another Fernet key would make every stored connection and variable of it unreadable.',
    fix: [`Choose another airflow.release or airflow.namespace; or keep its keys with airflow.values: {${key}: NAME-OF-ITS-SECRET, …}.`],
  }]
}

/** PostgreSQL writes its password into the volume at its first start and never looks at the Secret again. */
function unknownPassword(claim: KubernetesObject, release: Release | undefined): Finding {
  return {
    id: 'postgres-pvc-old-password',
    severity: 'error',
    title: `PersistentVolumeClaim ${claim.metadata.namespace ?? ''}/${claim.metadata.name} holds a database whose password is not known`,
    evidence: [`the claim is from ${claim.metadata.creationTimestamp ?? 'an unknown time'}`, release === undefined ? 'there is no release' : `the release is ${release.status}`, 'the Secret with its password is gone'],
    why: 'A new password would be refused by the database that is in the volume.',
    fix: ['Give the old password with airflow.database.password: {file: PATH}; or, if the data is not wanted, delete the claim yourself.'],
  }
}

function noPassword(): Finding {
  return {
    id: 'database-password-missing',
    severity: 'error',
    title: 'The external database has a password that airstrip does not know',
    evidence: ['airflow.database.external is set, airflow.database.password is not'],
    why: 'A generated password would be refused by a database that somebody else set up.',
    fix: ['Write airflow.database.password: {file: PATH} or {env: NAME}.'],
  }
}
