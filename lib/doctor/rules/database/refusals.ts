/**
 * PostgreSQL answers, and lets nobody in for another reason than the password.
 *
 *   psycopg2.OperationalError: connection to server at "airflow-postgresql.airflow" (10.96.7.7), port 5432 failed: FATAL:  database "airflow" does not exist
 */
import type { KubernetesObject, NonEmpty } from '../../../access.ts'
import { secretNames } from '../../../airflow/keys.ts'
import type { Finding } from '../../../step.ts'
import { told } from '../../complaints.ts'
import { firmSince } from '../../../observe/release.ts'
import { type Evidence, partsIn } from '../../evidence.ts'
import { recalled } from '../../witnessed.ts'
import { wrong } from '../../rule.ts'
import { restarted } from '../../restart.ts'
import { deleted } from '../../secret-commands.ts'
import { migrateIn } from '../helm/revisions.ts'
import { saidOfDatabase } from './asked.ts'
import { misled } from './connection.ts'
import { databaseOf } from './parts.ts'
import { unlessElsewhere } from './schema.ts'
import { asSuperuser } from './superuser.ts'

interface Refusal {
  pattern: RegExp
  title: (name: string) => string
  why: string
  /** For whoever is PostgreSQL's superuser. */
  sql?: (name: string, user: string, database: string) => string
  /** In Airflow's own database. */
  within?: true
  /** Only who migrates is refused: nobody who is alive says it. */
  ofMigrations?: true
  /** It is so before the migrations as well, and then nothing is wrong. */
  onceMigrated?: true
  /** It is of the address that Airflow has in Secrets, which airstrip writes only once. */
  ofAddress?: true
  /** PostgreSQL itself is to be started anew for it. */
  fromItsStart?: true
  /** What to do where that is not enough, or where the database is somebody else's. */
  otherwise: string
}

const again = 'npx tsx run.ts apply --from helm'

/**
 * An empty one beside that which was only renamed would hide what is stored: the user's one other database has its name
 * back, if Airflow's tables are in it. Those that `restore` keeps, and its scratch, are none.
 */
function renamedBack(name: string, user: string): string {
  return [
    `SELECT CASE count(*) WHEN 1 THEN min(datname::text) ELSE current_database() END AS other FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE rolname = $$${user}$$ AND NOT datistemplate AND datname !~ $$^postgres$|_before_restore_|^airstrip_scratch_$$ \\gset`,
    '\\connect :"other"',
    'SELECT to_regclass($$alembic_version$$) IS NOT NULL AND to_regclass($$dag$$) IS NOT NULL AS airflows \\gset',
    '\\connect postgres',
    '\\if :airflows',
    `ALTER DATABASE :"other" RENAME TO "${name}";`,
    '\\else',
    `CREATE DATABASE "${name}" OWNER "${user}";`,
    '\\endif',
  ].join('\n')
}

const refusals: readonly Refusal[] = [
  {
    pattern: /FATAL:\s+database "([^"]+)" does not exist/,
    title: (name) => `PostgreSQL has no database ${name}`,
    why: 'It was dropped or renamed, or its volume was emptied; the server itself is well.',
    sql: renamedBack,
    otherwise: 'Make it or bring it back from a backup (npx tsx run.ts restore FILE); an empty one gets its tables by `airflow db migrate` (`airflow db upgrade` before 2.7) in any pod of Airflow',
  },
  {
    pattern: /FATAL:\s+role "([^"]+)" is not permitted to log in/,
    title: (name) => `PostgreSQL does not let ${name} log in`,
    why: 'The role is there and lacks LOGIN, so somebody took it away.',
    sql: (name) => `ALTER ROLE "${name}" LOGIN`,
    otherwise: 'Give the role LOGIN: ALTER ROLE … LOGIN',
  },
  {
    pattern: /FATAL:\s+(?:no pg_hba\.conf entry for|pg_hba\.conf rejects connection for) (host .*?user "[^"]+", database "[^"]+")/,
    title: () => 'PostgreSQL\'s pg_hba.conf lets Airflow\'s pods not in',
    why: 'No line of it fits who asks, from where and how (with or without TLS), so no password is even asked for.',
    otherwise: 'Add a line for Airflow\'s user, database and the pods\' addresses to pg_hba.conf, then: SELECT pg_reload_conf()',
  },
  {
    pattern: /FATAL:\s+(?:sorry, too many clients already|remaining connection slots are reserved)/,
    title: () => 'PostgreSQL has no connection left',
    why: 'max_connections is used up; each part of Airflow keeps several open.',
    // Never fewer than there are.
    sql: () => 'SELECT format($$ALTER SYSTEM SET max_connections = %s$$, greatest(200, 2 * current_setting($$max_connections$$)::int)) \\gexec',
    fromItsStart: true,
    otherwise: 'Give the database a higher max_connections (ALTER SYSTEM SET max_connections = 200), which holds from its next start',
  },
  ...(['role', 'database'] as const).map((what): Refusal => ({
    pattern: new RegExp(`FATAL:\\s+too many connections for ${what} "([^"]+)"`),
    title: (name) => `PostgreSQL has no connection left for ${what} ${name}`,
    why: `The ${what} has a limit of its own, which is used up, or is 0; each part of Airflow keeps several connections open.`,
    sql: (name) => `ALTER ${what.toUpperCase()} "${name}" CONNECTION LIMIT -1`,
    otherwise: `Give it a higher limit: ALTER ${what.toUpperCase()} … CONNECTION LIMIT`,
  })),
  {
    pattern: /FATAL:\s+database "([^"]+)" is not currently accepting connections/,
    title: (name) => `Database ${name} takes no connections`,
    why: 'Somebody closed it (ALLOW_CONNECTIONS false), as is done before it is moved or dropped.',
    sql: (name) => `ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`,
    otherwise: 'Open it again: ALTER DATABASE … ALLOW_CONNECTIONS true',
  },
  {
    pattern: /cannot execute \w+(?: \w+)? in a read-only transaction/,
    title: () => 'The database can only be read',
    why: 'It is a standby, or default_transaction_read_only was set; Airflow writes its heartbeats all the time.',
    // Of the server, of the database and of the role; a session that may only read may change none of them.
    sql: (_, user, database) => `SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only; ALTER DATABASE "${database}" RESET default_transaction_read_only; ALTER ROLE "${user}" RESET default_transaction_read_only; SELECT pg_reload_conf()`,
    otherwise: 'Lead airflow.database.external to the primary; or, where the setting was made, take it back: ALTER SYSTEM, DATABASE or ROLE … RESET default_transaction_read_only, then SELECT pg_reload_conf()',
  },
  ...([['statement', 'canceling statement due to statement timeout'], ['lock', 'canceling statement due to lock timeout'], ['idle_in_transaction_session', 'terminating connection due to idle-in-transaction timeout']] as const).map(([what, said]): Refusal => ({
    pattern: new RegExp(said),
    title: () => `PostgreSQL ends what Airflow asks of it for its ${what}_timeout`,
    why: 'The setting was made for the server, the database or Airflow\'s user, and is shorter than Airflow needs on this machine; without it PostgreSQL waits.',
    // Of the server it holds for whoever takes it back as well.
    sql: (_, user, database) => `SET ${what}_timeout = 0; ALTER SYSTEM RESET ${what}_timeout; ALTER DATABASE "${database}" RESET ${what}_timeout; ALTER ROLE "${user}" RESET ${what}_timeout; ALTER ROLE "${user}" IN DATABASE "${database}" RESET ${what}_timeout; SELECT pg_reload_conf()`,
    otherwise: `Take it back where it was set, or give it more: ALTER SYSTEM, DATABASE or ROLE … RESET ${what}_timeout, then SELECT pg_reload_conf()`,
  })),
  {
    pattern: /server does not support SSL, but SSL was required/,
    title: () => 'Airflow asks PostgreSQL for TLS, which it does not speak',
    why: 'The connection says sslmode=require or more, and this server has no certificate; the bundled one never has.',
    otherwise: 'Set airflow.database.sslmode: disable in the configuration, where the network between is trusted, or give the server a certificate',
    ofAddress: true,
  },
  {
    // root certificate file "/home/airflow/.postgresql/root.crt" does not exist
    pattern: /root certificate file "([^"]+)" does not exist/,
    title: (name) => `Airflow's pods have no ${name}, by which they are to know the database`,
    why: 'The sslmodes verify-ca and verify-full want the certificate of the authority that signed the server\'s, and nobody has put it into the pods.',
    otherwise: 'Mount it into all parts (volumes and volumeMounts in airflow.values), and name it in their variable PGSSLROOTCERT; or set airflow.database.sslmode: require, which encrypts and checks nothing',
    ofAddress: true,
  },
  {
    // connection to server at "db.home.lan" (192.168.1.5), port 5432 failed: SSL error: certificate verify failed
    pattern: /SSL error: certificate verify failed/,
    title: () => 'The database\'s certificate is from nobody whom Airflow\'s pods trust',
    why: 'It is of its own making or of another authority than that of sslrootcert (~/.postgresql/root.crt), or it has ended.',
    otherwise: `Mount the certificate of the authority that signed it into all parts (volumes and volumeMounts in airflow.values), and name it in their variable PGSSLROOTCERT; or renew the server's, where it has ended; then: ${again}`,
  },
  {
    // server certificate for "postgres" (and 1 other name) does not match host name "db.home.lan"
    pattern: /server certificate for "([^"]+)"(?: \(and \d+ other names?\))? does not match host name/,
    title: (name) => `The database's certificate is for ${name}, and not for the host that the configuration names`,
    why: 'The sslmode verify-full compares the two; it is an address instead of a name, or another server\'s.',
    otherwise: 'Write a host that the certificate is for as airflow.database.external in the configuration, or set airflow.database.sslmode: verify-ca, which compares no names',
    ofAddress: true,
  },
  {
    // Of tables that every Airflow since 2.0 has, so that no new version only waits for them.
    pattern: /relation "(job|dag|dag_run|task_instance|log|variable|connection|slot_pool|ab_user|serialized_dag)" does not exist/,
    title: (name) => `Airflow finds no table ${name} in its database, where it made one`,
    why: 'Its tables were dropped, or the database was made anew or is another one; the Job that makes them has run and does not run again. Or they lie in another schema than the search_path of Airflow\'s user names.',
    onceMigrated: true,
    otherwise: 'npx tsx run.ts restore',
  },
  {
    // postinit.c; its DETAIL says "User does not have CONNECT privilege."
    pattern: /FATAL:\s+permission denied for database "([^"]+)"/,
    title: (name) => `Airflow's user may not connect to database ${name}`,
    why: 'The user is known there and lacks CONNECT on the database, so somebody revoked it, of him or of PUBLIC.',
    sql: (name, user) => `GRANT CONNECT ON DATABASE "${name}" TO "${user}"`,
    otherwise: 'Give it back: GRANT CONNECT ON DATABASE … TO …',
  },
  {
    // aclchk.c; tables are changed by their owner alone, whatever others may do with them.
    pattern: /(?:permission denied for|must be owner of) (?:table|relation|schema|sequence|database(?! ")|type|index|view) (\S+)/,
    ofMigrations: true,
    title: (name) => `Airflow's user may not use ${name} in its database`,
    why: 'The tables belong to another user, as after a dump that was brought in by hand; in PostgreSQL 15 and later the schema public is closed as well.',
    sql: (_, user) => `GRANT ALL ON SCHEMA public TO "${user}"; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "${user}"; SELECT format($$ALTER TABLE public.%I OWNER TO "${user}"$$, tablename) FROM pg_tables WHERE schemaname = $$public$$ \\gexec`,
    within: true,
    otherwise: 'Make Airflow\'s user their owner: REASSIGN OWNED BY … TO …, or GRANT ALL ON SCHEMA public TO …',
  },
]

/** Of the same words in the database's own log and in Airflow's the one is enough. */
export function turnedAway(evidence: Evidence): Finding[] {
  if (misled(evidence).length > 0) return []
  const migrated = migratedAt(evidence)
  return refusals.flatMap((refusal): Finding[] => {
    const said = saidOfDatabase(refusal.ofMigrations === true ? recalled(evidence) : evidence, refusal.pattern).filter(({ notBefore = Infinity }) => refusal.onceMigrated !== true || (migrated !== undefined && notBefore >= migrated))
    const [first] = said
    if (first === undefined) return []
    const name = (first.groups[1] ?? '').replace(/[;,.]$/, '')
    return [wrong('database-unreachable', { title: refusal.title(name), evidence: told(said), why: refusal.why, fix: fixes(refusal, name, first.pod, evidence) })]
  })
}

/** Ms since 1970 when Jobs had done their work; undefined where one may be at it, or the migrations were not to be had. */
function migratedAt(evidence: Evidence): number | undefined {
  const { record, pods } = evidence
  const parts = partsIn(evidence)
  const atWork = record === undefined || record.status.startsWith('pending-') || parts.some(({ object, observation: { state } }) => object?.kind === 'Job' && (state === 'waiting' || (state === 'failed' && /migrations|upgrade-db/.test(object.metadata.name))))
  return atWork ? undefined : firmSince(parts.filter(({ object }) => object?.kind === 'Job'), record, pods)
}

/** Once the configuration is as it should be. */
function readdressed({ namespace, release = 'airflow', secrets = [] }: Evidence): string {
  const { metadata, resultBackend } = secretNames(release)
  const names = [metadata, resultBackend].filter((name) => secrets.some((secret) => secret.name === name))
  return names.length === 0 ? again : `${deleted(namespace, ...names)} && npx tsx run.ts apply # makes the connection anew`
}

function fixes({ sql, within, fromItsStart, ofAddress, onceMigrated, otherwise }: Refusal, name: string, refused: KubernetesObject, evidence: Evidence): NonEmpty<string> {
  if (onceMigrated === true) return [`${unlessElsewhere(evidence, otherwise)} # the newest dump, where the tables are in no schema`, `${migrateIn(refused, evidence)} # empty tables, where there is neither`]
  if (ofAddress === true) return [`${otherwise}, then: ${readdressed(evidence)}`]
  const pod = databaseOf(evidence)?.pod?.metadata.name
  // What goes into a command is as PostgreSQL names things without quotes.
  const user = evidence.wanted?.database?.user ?? name
  const database = evidence.wanted?.database?.name ?? ''
  const plain = /^\w+$/
  if (sql === undefined || pod === undefined || ![name, user, database].every((one) => one === '' || plain.test(one))) return [otherwise]
  const command = sql(name, user, database)
  // A name that is not known leaves a gap.
  if (command.includes('""') || (within !== undefined && database === '')) return [otherwise]
  if (fromItsStart === true) {
    const anew = `kubectl -n ${evidence.namespace} delete pod ${pod}`
    return [`${asSuperuser(evidence.namespace, pod, command)} && ${anew}`, `${anew} # first, where its superuser is refused as well since the places kept for him are taken; then the above at once`]
  }
  return [`${asSuperuser(evidence.namespace, pod, command, within === undefined ? 'postgres' : database)} && ${restarted(evidence)}`, otherwise]
}
