/** A password that the database refuses, and Secrets that do not agree on it. */
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { passwordSecrets, secretNames } from '../../../airflow/keys.ts'
import type { Finding } from '../../../step.ts'
import { nameOf } from '../../../observe/observation.ts'
import { type Complaint, mentions, told } from '../../complaints.ts'
import type { Evidence } from '../../evidence.ts'
import { type Rule, doubtful, wrong } from '../../rule.ts'
import { deleted, written } from '../../secret-commands.ts'
import { restarted } from '../../restart.ts'
import { saidOfDatabase } from './asked.ts'
import { misled } from './connection.ts'
import { type Database, type Password, databaseOf, disagreeing, installMs, passwordsOf } from './parts.ts'
import { absentRole, detailOf } from './role.ts'
import { asSuperuser, passwordOfTheSecret } from './superuser.ts'

export const passwordRules: readonly Rule[] = [refused, differing, unknownPassword]

/** Charts make both at once. */
const atOnceMs = 5000

const authentication = /password authentication failed for user "([^"]+)"|role "([^"]+)" does not exist|no password supplied/

function refused(evidence: Evidence): Finding[] {
  const said = saidOfDatabase(evidence, authentication)
  if (said.length === 0 || disagreeing(passwordsOf(evidence)).length > 0) return []
  const database = databaseOf(evidence)
  if (database === undefined) return [outside(told(said))]
  const stranger = asStranger(said, evidence) ?? absentRole(said, database, evidence) ?? roleOf(said, database, evidence)
  if (stranger !== undefined) return [stranger]
  const facts = [...told(said), ...persisted(evidence), ...ages(evidence, database)]
  const { namespace, release = 'airflow' } = evidence
  return [wrong('postgres-pvc-old-password', {
    title: 'The database in the volume has another password than the Secret',
    evidence: facts,
    why: 'PostgreSQL writes its password into the volume at its first start and never looks at the Secret again; the volume outlives an uninstall.',
    fix: [...keepTheData(evidence), `Only where the data is not wanted any more: kubectl -n ${namespace} scale statefulset ${release}-postgresql --replicas=0 && kubectl -n ${namespace} delete pvc ${database.claim?.metadata.name ?? `data-${release}-postgresql-0`} && npx tsx run.ts apply # throws the database away and begins a new one`] as unknown as NonEmpty<string>,
  })]
}

/** PostgreSQL says the same of a user that it does not have as of a wrong password, so as not to tell which there are. */
function asStranger(said: readonly Complaint[], { wanted, secrets = [], namespace, release = 'airflow' }: Evidence): Finding | undefined {
  const names = said.map(({ groups }) => groups[1] ?? groups[2])
  const known = wanted?.database?.user
  const name = names.find((one) => one !== undefined)
  if (known === undefined || name === undefined || names.includes(known)) return undefined
  const { metadata, resultBackend } = secretNames(release)
  const written = secrets.filter((secret) => [metadata, resultBackend].includes(secret.name as never) && secret.changed !== undefined)
  return wrong('postgres-pvc-old-password', {
    title: `Airflow asks the database as user ${name}, and the configuration names ${known}`,
    evidence: [...told(said), ...written.map((secret) => `the data of Secret ${namespace}/${secret.name} was written by ${secret.changed?.by ?? ''} at ${secret.changed?.at ?? ''}`)],
    why: 'The name is part of the connection that Airflow is given; PostgreSQL has no such user, or one with another password.',
    fix: written.length > 0
      ? [`${deleted(namespace, ...written.map((secret) => secret.name))} && npx tsx run.ts apply # makes the connection again`]
      : ['npx tsx run.ts apply --from helm # once the connection in airflow.values, or airflow.database.user, names the right one'],
  })
}

/** The role alone, in a database that was made with its Secret. */
function roleOf(said: readonly Complaint[], { pod, claim }: Database, evidence: Evidence): Finding | undefined {
  const { namespace, wanted } = evidence
  const user = wanted?.database?.user ?? ''
  const detail = detailOf(user, pod, evidence)
  const fault = detail[0]?.groups[1]
  // Of the superuser's own password nobody is left to change it.
  if (pod === undefined || user === 'postgres' || !/^\w+$/.test(user) || (fault === undefined && !areTogether(claim, passwordsOf(evidence)))) return undefined
  const hasEnded = fault === 'an expired password'
  const mended = hasEnded ? asSuperuser(namespace, pod.metadata.name, `ALTER ROLE "${user}" VALID UNTIL $$infinity$$`) : passwordOfTheSecret(namespace, pod.metadata.name, user)
  return wrong('postgres-pvc-old-password', {
    title: hasEnded ? `The password of PostgreSQL's role ${user} has ended` : `PostgreSQL's role ${user} has ${fault === undefined ? 'another password than the Secrets' : 'lost its password'}`,
    evidence: [...told(said), ...told(detail), ...ages(evidence, { claim })],
    why: hasEnded ? 'The role has a VALID UNTIL that is over.' : 'The two were made together, and somebody has changed one of them since.',
    fix: [`${mended} && ${restarted(evidence)}`, ...keepTheData(evidence)],
  })
}

/** The Secret first: one that is younger is of another install over the same volume. */
function areTogether(claim: KubernetesObject | undefined, [own]: readonly Password[]): boolean {
  const made = claim?.metadata.creationTimestamp
  const aheadMs = made === undefined || own === undefined ? NaN : Date.parse(made) - Date.parse(own.secret.createdAt)
  return aheadMs >= -atOnceMs && aheadMs <= installMs
}

function keepTheData({ namespace, release = 'airflow', secrets = [] }: Evidence): string[] {
  const ours = passwordSecrets(release).filter((name) => secrets.some((secret) => secret.name === name))
  return [`Write the old password into a file of mode 0600 and airflow.database.password: {file: PATH} into the configuration, then: ${ours.length === 0 ? '' : `${deleted(namespace, ...ours)} && `}npx tsx run.ts apply # keeps the data`]
}

function outside(evidence: string[]): Finding {
  return wrong('database-password-missing', {
    title: 'The external database refuses the password',
    evidence,
    why: 'The connection has another password than the database has for this user.',
    fix: ['Correct airflow.database.password in the configuration, delete the Secrets of the connection and run again: npx tsx run.ts apply --from helm'],
  })
}

/** "** Deploying PostgreSQL with persisted data..." says that nothing was made anew. */
function persisted(evidence: Evidence): string[] {
  return told(mentions(evidence, /with persisted data/))
}

function ages(evidence: Evidence, { claim }: Database): string[] {
  const [own] = passwordsOf(evidence)
  const made = claim?.metadata.creationTimestamp
  if (claim === undefined || made === undefined || own === undefined) return []
  const older = Date.parse(made) < Date.parse(own.secret.createdAt)
  return [`${nameOf(claim)} is from ${made}, Secret ${own.secret.name} from ${own.secret.createdAt}${older ? ': the volume is older' : ''}`]
}

/** Before anything fails for it: a pod that starts anew reads what is in the Secret now. */
function differing(evidence: Evidence): Finding[] {
  const passwords = passwordsOf(evidence)
  const alone = disagreeing(passwords)
  // One that leads elsewhere is told as such, whatever its password.
  if (alone.length === 0 || misled(evidence).length > 0) return []
  const said = saidOfDatabase(evidence, authentication)
  const { namespace } = evidence
  const [odd] = alone
  const one = alone.length === 1 && odd !== undefined
  return [(said.length > 0 ? wrong : doubtful)('postgres-pvc-old-password', {
    title: one ? `Secret ${namespace}/${odd.secret.name} has another database password than the others` : 'The Secrets do not agree on the database\'s password',
    evidence: [...passwords.map(({ at, secret, key }) => `${at} ${agreement(secret.same[key] ?? [], passwords)}`), ...told(said)],
    why: 'PostgreSQL took its password at its first start; pods that have started since then with another one are refused.',
    fix: [fixOf(evidence, alone)],
  })]
}

function agreement(same: readonly string[], passwords: readonly Password[]): string {
  const others = passwords.filter(({ at }) => same.includes(at)).map(({ at }) => at)
  return others.length === 0 ? 'agrees with no other' : `agrees with ${others.join(', ')}`
}

/** A Secret of airstrip's that is gone is made again from the others. Where no others agree, nobody here knows which has the password that PostgreSQL took. */
function fixOf({ namespace, release = 'airflow' }: Evidence, alone: readonly Password[]): string {
  const names = alone.map(({ secret }) => secret.name)
  const [odd = '', ...more] = names
  const ours = (Object.values(secretNames(release)) as string[]).includes(odd)
  // Made anew it would have another password of the superuser, which no other Secret has.
  if (more.length === 0 && odd === secretNames(release).postgresql) return asTheConnection(namespace, release)
  if (more.length === 0 && ours) return `${deleted(namespace, odd)} && npx tsx run.ts apply # makes it again from the others`
  return `Put back what was changed in Secret ${names.join(more.length > 0 ? ' or ' : ', ')}: PostgreSQL takes only the password of its first start; then: npx tsx run.ts apply`
}

/** Of its two passwords the one alone, as the connection has it; in a URL a % stands for a sign that it cannot have, and then nothing is written. */
function asTheConnection(namespace: string, release: string): string {
  const { postgresql, metadata } = secretNames(release)
  const connection = `kubectl -n ${namespace} get secret ${metadata} -o jsonpath='{.data.connection}' | base64 -d`
  return `${connection} | grep -qE '^[^:]+://[^:]*:[^@%]+@' && ${connection} | sed -E 's#^[^:]+://[^:]*:([^@]+)@.*#\\1#' | tr -d '\\n' | ${written(namespace, postgresql, 'password', '/dev/stdin')} && npx tsx run.ts apply # as the connection has it; the superuser's stays`
}

/** The next run would make a new password for a database that has one. */
function unknownPassword(evidence: Evidence): Finding[] {
  const { secrets, release, wanted } = evidence
  const database = databaseOf(evidence)
  if (secrets === undefined || release === undefined || wanted?.bundledDatabase !== true || database?.claim === undefined) return []
  const names = passwordSecrets(release)
  if (secrets.some(({ name }) => names.includes(name))) return []
  // A release that is not airstrip's has Secrets of its own.
  if (passwordsOf(evidence).length > 0) return []
  return [wrong('postgres-pvc-old-password', {
    title: `${nameOf(database.claim)} holds a database whose password is not known`,
    evidence: [`the claim is from ${database.claim.metadata.creationTimestamp ?? 'an unknown time'}`, `none of ${names.join(', ')} is there`],
    why: 'The database in the volume takes no other password than the one of its first start.',
    fix: ['Write the old password into a file of mode 0600 and airflow.database.password: {file: PATH} into the configuration, then: npx tsx run.ts apply --from helm', `Only where the data is not wanted any more: kubectl -n ${evidence.namespace} delete pvc ${database.claim.metadata.name}`],
  })]
}
