/** A connection of airstrip's own that leads elsewhere than the configuration says: somebody wrote the Secret. */
import { secretNames } from '../../../airflow/keys.ts'
import type { Finding } from '../../../step.ts'
import { complaints, told } from '../../complaints.ts'
import type { Evidence, SecretFacts } from '../../evidence.ts'
import { doubtful, wrong } from '../../rule.ts'
import { deleted } from '../../secret-commands.ts'

/** Airflow's Secrets of the database whose address is another one. */
export function misled({ secrets = [], release = 'airflow', wanted }: Evidence): SecretFacts[] {
  const { metadata, resultBackend } = secretNames(release)
  const place = wanted?.database
  if (place === undefined) return []
  // What says nothing of TLS leaves it to libpq.
  const right = [leadsTo(place), leadsTo({ ...place, sslmode: undefined })]
  return secrets.filter(({ name, remarks: { connection } }) => [metadata, resultBackend].includes(name as never) && connection !== undefined && !right.includes(connection))
}

/** Airflow is given airstrip's own connection, and that leads where it should. */
export function leadsRight(evidence: Evidence): boolean {
  const { secrets = [], release = 'airflow', record } = evidence
  const { metadata } = secretNames(release)
  const { metadataSecretName } = (record?.values.data ?? {}) as { metadataSecretName?: string }
  return metadataSecretName === metadata && secrets.some(({ name }) => name === metadata) && evidence.wanted?.database !== undefined && misled(evidence).length === 0
}

/** As the collector remarks on a connection. */
export function leadsTo({ host, port, name, sslmode }: NonNullable<NonNullable<Evidence['wanted']>['database']>): string {
  return `leads to ${host}:${port}/${name}${sslmode === undefined ? '' : ` with sslmode=${sslmode}`}`
}

/** SQLAlchemy and psycopg2, and what the entrypoint says before them. */
const fails = /OperationalError|could not translate host name|Could not parse .*URL|Can't load plugin: sqlalchemy|Invalid URL|ArgumentError|sqlite3?\b/i

export function leadsElsewhere(evidence: Evidence): Finding[] {
  const odd = misled(evidence)
  const place = evidence.wanted?.database
  if (odd.length === 0 || place === undefined) return []
  const { namespace } = evidence
  const said = complaints(evidence, fails)
  const names = odd.map(({ name }) => name)
  return [(said.length > 0 ? wrong : doubtful)('database-unreachable', {
    title: `Secret ${namespace}/${names.join(' and ')} does not lead to Airflow's database${odd.every(({ remarks }) => remarks.connection?.startsWith(leadsTo({ ...place, sslmode: undefined }))) ? ' as it is to' : ''}`,
    evidence: [
      ...odd.map(({ name, remarks, changed }) => `the connection of Secret ${namespace}/${name} ${remarks.connection ?? ''}${changed === undefined ? '' : `, as ${changed.by} wrote it at ${changed.at}`}; the configuration ${leadsTo(place)}`),
      ...told(said),
    ],
    why: 'Airflow takes its database from this Secret at each start; what runs goes on until it is started again.',
    fix: [`${deleted(namespace, ...names)} && npx tsx run.ts apply # makes it again, with the password that the other Secrets have`],
  })]
}
