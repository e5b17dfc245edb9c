import type { KubernetesObject, Release, ReleaseWish } from '../access.ts'
import type { Finding } from '../step.ts'
import { airflowOf, isOlder } from './airflow-version.ts'
import { mayHoldData } from './backup.ts'
import { databaseTag } from './database.ts'
import { nearestExecutor } from './executors.ts'
import { familyOfRelease, type Family } from './families.ts'
import { passwordSecrets } from './keys.ts'
import type { RestoreMark } from './restored.ts'
import { fernetSecretOf } from './values.ts'

export interface Surety {
  /** The live Secrets of ours. */
  secrets: readonly (KubernetesObject | undefined)[]
  /** The volume claim of the bundled database; undefined where there is none, or the database is elsewhere. */
  databaseClaim?: KubernetesObject | undefined
  externalDatabase: boolean
  /** The configuration says where the database's password comes from. */
  passwordGiven: boolean
  /** What is taken over of a release that others made. */
  adopted?: boolean
}

export interface Intent {
  wish: ReleaseWish
  family: Family
  executor: string
}

/** Refusals that keep a person's data: each is something that an upgrade would break for good. */
export function guardRelease({ wish, family, executor }: Intent, release: Release | undefined, surety: Surety): Finding[] {
  const present = release === undefined ? [] : guardPresent(wish, family, release, surety.adopted === true)
  return [...guardExecutor(executor, family), ...present, ...guardPassword(wish, release, surety)]
}

/** Of a release of another maker nothing else needs to be said. */
function guardPresent(wish: ReleaseWish, family: Family, release: Release, adopted: boolean): Finding[] {
  const other = guardMaker(release, family)
  return other.length > 0 ? other : [...(adopted ? [] : guardKeys(wish, release)), ...guardDatabaseVersion(wish, release)]
}

/** Selectors of Deployments and StatefulSets are for good, and each maker has others. */
function guardMaker(release: Release, wanted: Family): Finding[] {
  const present = familyOfRelease(release)
  if (present.maker === wanted.maker) return []
  return [{
    id: 'release-of-another-chart',
    severity: 'error',
    title: `Release ${release.namespace}/${release.name} was installed from ${present.title}, and ${wanted.title} is wanted`,
    evidence: [`installed: ${release.chart.name} ${release.chart.version}`],
    why: 'The two charts give the same objects other selectors and other keys, so neither can upgrade what the other has made.',
    fix: [`Write airflow.chart and airflow.version of the chart that is installed; or choose another airflow.release and airflow.namespace, and move the database with backup and restore.`],
  }]
}

function guardPassword({ name }: ReleaseWish, release: Release | undefined, { secrets, databaseClaim, externalDatabase, passwordGiven }: Surety): Finding[] {
  const names = passwordSecrets(name)
  if (passwordGiven || secrets.some((secret) => secret !== undefined && names.includes(secret.metadata.name))) return []
  if (externalDatabase) return [noPassword()]
  return databaseClaim === undefined ? [] : [unknownPassword(databaseClaim, release)]
}

export function guardExecutor(executor: string, family: Family): Finding[] {
  if (family.executors.includes(executor)) return []
  return [{
    id: 'executor-not-supported-by-chart',
    severity: 'error',
    title: `${capital(family.title)} does not take ${executor}`,
    evidence: [`it takes ${family.executors.join(' · ')}`],
    why: 'It refuses any other, or runs no Airflow that has it.',
    fix: [`Write airflow.executor: ${nearestExecutor(executor, family)}`],
  }]
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Made by other means, as its keys tell. */
export function isForeign(wish: ReleaseWish, release: Release): boolean {
  return fernetSecretOf(release.values) !== fernetSecretOf(wish.values)
}

/**
 * Airflow's migrations go one way: an older one refuses a database that a newer one has migrated, and
 * is then down. Let through where the database was restored to that older one's, or where the newer
 * one never came to its migrations.
 */
export function guardDowngrade(wanted: string, release: Release, { airflow: restored }: RestoreMark): Finding[] {
  const had = airflowOf(release.values, release.chart)
  const isBack = restored !== undefined && !isOlder(wanted, restored)
  if (!isOlder(wanted, had) || isBack || !mayHoldData(release) || neverMigrated(release)) return []
  const { namespace, name } = release
  return [{
    id: 'airflow-downgrade',
    severity: 'error',
    title: `Release ${namespace}/${name} runs Airflow ${had}, and its database cannot go back to ${wanted}`,
    evidence: [`revision ${release.revision} is ${release.chart.name} ${release.chart.version} with Airflow ${had}, ${release.status}`, `${wanted} is wanted`],
    why: `Airflow ${wanted} does not know the migrations of ${had}, and would not start.`,
    fix: [
      `npx tsx run.ts backup --list # find the dump of Airflow ${wanted} that was made before the upgrade`,
      'npx tsx run.ts restore FILE # puts the database back as it was then; what was written since is in a dump that is made first',
      'npx tsx run.ts apply # then goes back to the older Airflow',
      `Or keep Airflow ${had} with the airflow.version or image that carries it.`,
    ],
    link: 'https://airflow.apache.org/docs/apache-airflow/stable/howto/usage-cli.html#downgrading-airflow',
  }]
}

/** Nothing of the revision's own hooks has begun: Helm had ended before. */
function neverMigrated({ status, hooks }: Release): boolean {
  return status !== 'deployed' && hooks.every(({ phase }) => phase === 'Unknown' || phase === '')
}

/** A release whose keys are not ours was made by hand; with other keys its connections are unreadable. */
function guardKeys(wish: ReleaseWish, release: Release): Finding[] {
  if (!isForeign(wish, release)) return []
  const [had, ours] = [fernetSecretOf(release.values), fernetSecretOf(wish.values)]
  return [{
    id: 'release-not-airstrips',
    severity: 'error',
    title: `Release ${release.namespace}/${release.name} was installed by other means and has its own keys`,
    evidence: [had === undefined ? 'its Fernet key is one that the chart made' : `its Fernet key is in Secret ${had}`, `airstrip's is in Secret ${ours ?? 'of the chart'}`],
    why: 'Another Fernet key would make every stored connection and variable of it unreadable.',
    fix: [`Choose another airflow.release or airflow.namespace; or write airflow.adopt: true to take it over with its keys and passwords (\`npx tsx run.ts adopt\` prints the configuration that fits it).`],
  }]
}

interface DatabaseImage {
  postgresql?: { enabled?: boolean; image?: { tag?: string | number } }
}

/** A data folder is that of one major version, and every other refuses to start on it. */
function guardDatabaseVersion({ values, chart }: ReleaseWish, release: Release): Finding[] {
  const present = databaseTag(release)
  const { enabled = true, image } = (values as DatabaseImage).postgresql ?? {}
  if (present === undefined || !enabled) return []
  const wanted = image?.tag === undefined ? undefined : String(image.tag)
  // The same chart brings what it brought, as long as nobody has said or unsaid another.
  const unsaid = wanted === undefined && chart.version === release.chart.version && (release.values as DatabaseImage).postgresql?.image?.tag === undefined
  if (unsaid || majorOf(present) === undefined || (wanted !== undefined && majorOf(wanted) === majorOf(present))) return []
  return [{
    id: 'postgres-major-version',
    severity: 'error',
    title: `The database runs PostgreSQL ${present}, and ${wanted === undefined ? `chart ${chart.version} may bring another version` : `${wanted} is wanted`}`,
    evidence: [`image tag in Helm's record, revision ${release.revision}: ${present}`, wanted === undefined ? 'airflow.database.imageTag is not set' : `wanted: ${wanted}`],
    why: 'PostgreSQL does not start over the data of another major version.',
    fix: [`Write airflow.database.imageTag: "${present}".`, 'To move to another major version: npx tsx run.ts backup, then a release under another airflow.release with the new imageTag, then npx tsx run.ts restore there.'],
  }]
}

function majorOf(tag: string): string | undefined {
  return /^\d+/.exec(tag)?.[0]
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
