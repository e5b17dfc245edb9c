/** Passwords and keys, and a database that cannot be reached or written. */
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { get, kubectl } from './cluster.ts'
import { faults, pasted, type Fault, type Finding } from './faults.ts'
import { dataOf, deletePods, edit, editContainer, encoded, kube, sql, stopped } from './harm.ts'
import { exits, site, type Site } from './site.ts'

const connection = (it: Site, password: string, host = `airflow-postgresql.${it.namespace}`): string => `postgresql://airflow:${password}@${host}:5432/airflow?sslmode=disable`
/** The entrypoint tries twenty times, three seconds apart, before it ends. */
const impatient = { name: 'CONNECTION_CHECK_MAX_COUNT', value: '1' }

const kept = new Map<string, Record<string, string>>()

async function replaced(it: Site, secret: string, data: Record<string, string>): Promise<void> {
  kept.set(secret, await dataOf(it, secret))
  await edit(it, `secret/${secret}`, { data }, 'merge')
}

const restored = async (it: Site, secret: string, ...components: string[]): Promise<void> => {
  await edit(it, `secret/${secret}`, { data: kept.get(secret) }, 'merge')
  for (const component of components) await deletePods(it, component)
}

const fernet = 'airflow-airstrip-fernet-key'
const anotherKey = (): string => `${randomBytes(32).toString('base64url')}=`

/** The first fix wants the old key in a FILE, which nobody but the person has. */
async function withOldKey(it: Site, { fix: [first = ''] }: Finding): Promise<void> {
  const file = join(it.folder, 'old-key')
  await writeFile(file, Buffer.from(kept.get(fernet)?.['fernet-key'] ?? '', 'base64'), { mode: 0o600 })
  await pasted(it, first.replaceAll('FILE', file))
}

async function oldKeyBack(it: Site): Promise<void> {
  await edit(it, `secret/${fernet}`, { data: kept.get(fernet), metadata: { labels: { 'airstrip/restored': 'true' } } }, 'merge')
}

async function dataFolder(it: Site): Promise<string> {
  const claim = await get('pvc', 'data-airflow-postgresql-0', it.namespace)
  const volume = await get('pv', (claim?.spec as { volumeName: string }).volumeName)
  const { hostPath, local } = volume?.spec as { hostPath?: { path: string }; local?: { path: string } }
  return (hostPath ?? local)?.path ?? ''
}

/** Its pod goes at once; as the template is now it is made again. */
async function editDatabase(it: Site, fields: object): Promise<void> {
  await edit(it, 'statefulset/airflow-postgresql', { spec: { template: { spec: { containers: [{ name: 'postgresql', ...fields }] } } } })
  await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--grace-period=1', '--wait=false')
}

/** The connection as it is but for one part, and a scheduler that starts with it. */
function misled(name: string, change: (connection: string) => string, id: Fault['id'], tells: RegExp): Fault {
  return {
    name, id, tells, seconds: 120,
    harm: async it => {
      const { connection: old = '' } = await dataOf(it, 'airflow-airstrip-metadata')
      await replaced(it, 'airflow-airstrip-metadata', { connection: encoded(change(Buffer.from(old, 'base64').toString())) })
      await deletePods(it, 'scheduler')
    },
    undo: it => restored(it, 'airflow-airstrip-metadata', 'scheduler', 'webserver'),
  }
}

const connections: Fault[] = [
  misled('a connection to another port', url => url.replace(':5432', ':5433'), 'database-unreachable', /:5433\/airflow.*configuration leads to/),
  misled('a connection to a database that is not there', url => url.replace('/airflow?', '/airflw?'), 'database-unreachable', /5432\/airflw/),
  misled('a connection that is none', () => 'postgres@airflow', 'database-unreachable', /is not the address of a database/),
  misled('a connection that asks for TLS', url => url.replace('sslmode=disable', 'sslmode=require'), 'database-unreachable', /sslmode=require.*sslmode=disable/),
  misled('a connection that ends in a line break', url => `${url.replace(/\?.*/, '')}\n`, 'database-unreachable', /line break around it/),
  misled('a connection of another user', url => url.replace('//airflow:', '//airfow:'), 'postgres-pvc-old-password', /user airfow, and the configuration names airflow/),
]

/** What PostgreSQL refuses for; the triggerer says so within seconds, for it has a connection to lose. */
const inside = (name: string, statement: string, tells: RegExp, undo: string, mend?: Fault['mend'], id: Fault['id'] = 'database-unreachable'): Fault => ({
  name, id, seconds: 120, tells, ...(mend === undefined ? {} : { mend }),
  harm: async it => {
    await sql(it, statement)
    await deletePods(it, 'scheduler')
  },
  undo: it => sql(it, undo),
})

const ofTheRole = (name: string, statement: string, tells: RegExp): Fault => inside(name, statement, tells, 'ALTER ROLE airflow VALID UNTIL $$infinity$$', undefined, 'postgres-pvc-old-password')

const port = (targetPort: string): object => ({ spec: { ports: [{ name: 'airflow-ui', port: 8080, targetPort }] } })

/** ALTER SYSTEM has to stand alone. */
async function readOnly(it: Site, setting: string): Promise<void> {
  await sql(it, `ALTER SYSTEM ${setting}`)
  await sql(it, 'SELECT pg_reload_conf()')
  await deletePods(it, 'scheduler')
}

async function bothBack(it: Site): Promise<void> {
  await edit(it, 'service/airflow-webserver', port('airflow-ui'))
  await readOnly(it, 'RESET default_transaction_read_only')
}

const holding = 'SELECT pg_sleep(900)'
const letGo = (it: Site): Promise<unknown> => sql(it, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE $$%${holding}%$$ AND pid <> pg_backend_pid()`)

const slow = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $f$;
  CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON job FOR EACH ROW EXECUTE FUNCTION slow(); ALTER ROLE airflow SET statement_timeout = $$1s$$`

async function ownAgain(it: Site): Promise<void> {
  if (!(await sql(it, 'SELECT datname FROM pg_database')).includes('airflow_before_restore_0')) return
  await sql(it, 'DROP DATABASE IF EXISTS shop')
  // Whoever looks for his tables there asks again and again.
  await sql(it, 'UPDATE pg_database SET datallowconn = false WHERE datname = $$airflow$$')
  await sql(it, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $$airflow$$')
  await sql(it, 'DROP DATABASE IF EXISTS airflow')
  await sql(it, 'ALTER DATABASE airflow_before_restore_0 RENAME TO airflow')
  await kube(it, 'rollout', 'restart', 'deployment/airflow-scheduler', 'deployment/airflow-webserver', 'statefulset/airflow-triggerer')
}

const refusals: Fault[] = [
  ofTheRole('a role whose password has ended', 'ALTER ROLE airflow VALID UNTIL $$2020-01-01$$', /has ended/),
  ofTheRole('a role that was given another password', 'ALTER ROLE airflow PASSWORD $$another-one$$', /has another password than the Secrets/),
  ofTheRole('a role that lost its password', 'ALTER ROLE airflow PASSWORD NULL', /has lost its password/),
  { ...inside('tables that belong to another role', 'ALTER TABLE alembic_version OWNER TO postgres', /may not use alembic_version/, 'SELECT 1'), harm: async it => {
    await sql(it, 'ALTER TABLE alembic_version OWNER TO postgres; REVOKE ALL ON alembic_version FROM airflow', 'airflow')
    await deletePods(it, 'scheduler')
  } },
  inside('a role that may not log in', 'ALTER ROLE airflow NOLOGIN', /not permitted to log in/, 'ALTER ROLE airflow LOGIN'),
  inside('a role that was renamed', 'ALTER ROLE airflow RENAME TO airflow_before', /has no role airflow/, 'ALTER ROLE airflow_before RENAME TO airflow'),
  inside('a database that Airflow may not connect to', 'REVOKE CONNECT ON DATABASE airflow FROM PUBLIC, airflow', /may not connect to database airflow/, 'GRANT CONNECT ON DATABASE airflow TO PUBLIC, airflow'),
  inside('no connection left for the role', 'ALTER ROLE airflow CONNECTION LIMIT 0', /no connection left for role airflow/, 'ALTER ROLE airflow CONNECTION LIMIT -1'),
  inside('a database that can only be read', 'ALTER DATABASE airflow SET default_transaction_read_only = on', /can only be read/, 'ALTER DATABASE airflow RESET default_transaction_read_only'),
  { ...inside('a server that can only be read', '', /can only be read/, ''), harm: it => readOnly(it, 'SET default_transaction_read_only = on'), undo: it => readOnly(it, 'RESET default_transaction_read_only') },
  { ...inside('two at once: a server that can only be read, and a port that leads nowhere', '', /can only be read/, ''), and: ['service-without-endpoints'], harm: async it => {
    await edit(it, 'service/airflow-webserver', port('airflow-ux'))
    await readOnly(it, 'SET default_transaction_read_only = on')
  }, undo: bothBack },
  { name: 'a database that was renamed', id: 'database-unreachable', seconds: 120, tells: /has no database airflow/, harm: async it => {
    await stopped(it, 'deployment/airflow-scheduler', 'deployment/airflow-webserver')
    await sql(it, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $$airflow$$')
    await sql(it, 'ALTER DATABASE airflow RENAME TO gone')
    await kube(it, 'scale', 'deployment/airflow-scheduler', 'deployment/airflow-webserver', '--replicas=1')
  }, undo: it => sql(it, 'ALTER DATABASE gone RENAME TO airflow') },
  // Its own is kept under a name by which nobody takes it for a renamed one, and comes back.
  { name: 'a database that was dropped, beside one of another program', id: 'database-unreachable', seconds: 120, tells: /has no database airflow/, harm: async it => {
    await stopped(it, 'deployment/airflow-scheduler', 'deployment/airflow-webserver')
    await sql(it, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $$airflow$$')
    await sql(it, 'ALTER DATABASE airflow RENAME TO airflow_before_restore_0')
    await sql(it, 'CREATE DATABASE shop OWNER airflow')
    await kube(it, 'scale', 'deployment/airflow-scheduler', 'deployment/airflow-webserver', '--replicas=1')
  }, mend: async (it, { fix: [first = ''] }) => {
    await pasted(it, first)
    await sql(it, 'SELECT 1', 'shop')
    await ownAgain(it)
  }, undo: ownAgain },
  { name: 'a scheduler that another session keeps waiting', id: 'heartbeat-missing', seconds: 400, tells: /scheduler runs and gives no sign of life/, harm: it => {
    void sql(it, `BEGIN; SELECT FROM job WHERE job_type = $$SchedulerJob$$ FOR UPDATE; ${holding}`, 'airflow').catch(() => undefined)
    return Promise.resolve()
  }, mend: letGo, undo: letGo },
  { name: 'a database that lost the record of its revision', id: 'wait-for-migrations-crashloop', seconds: 200, tells: /lost its record of its revision, and has its tables/, harm: async it => {
    await sql(it, 'DROP TABLE alembic_version', 'airflow')
    await deletePods(it, 'scheduler')
  } },
  // Still slow when it is mended, and well; the trigger goes with its table in the next.
  { name: 'statements that take longer than the role may', id: 'database-unreachable', seconds: 120, tells: /for its statement_timeout/, harm: it => sql(it, slow, 'airflow'), undo: it => sql(it, 'ALTER ROLE airflow RESET statement_timeout') },
  { name: 'a database that lost its tables', id: 'database-unreachable', seconds: 120, tells: /finds no table /, harm: async it => {
    exits(t, await it.airstrip(['backup']), 0)
    await sql(it, 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC', 'airflow')
    await deletePods(it, 'scheduler')
  } },
  { name: 'tables that lie in another schema than Airflow\'s user looks in', id: 'database-unreachable', seconds: 120, tells: /finds no table /, harm: async it => {
    await sql(it, 'CREATE SCHEMA IF NOT EXISTS elsewhere; GRANT ALL ON SCHEMA elsewhere TO airflow; ALTER ROLE airflow SET search_path = elsewhere', 'airflow')
    await deletePods(it, 'scheduler')
  }, undo: it => sql(it, 'ALTER ROLE airflow RESET search_path') },
]

const list: Fault[] = [
  { name: 'the connection\'s Secret with another password', id: ['postgres-pvc-old-password', 'database-password-missing'], seconds: 90, harm: async it => {
    await replaced(it, 'airflow-airstrip-metadata', { connection: encoded(connection(it, 'not-the-password')) })
    await deletePods(it, 'scheduler')
  }, undo: it => restored(it, 'airflow-airstrip-metadata', 'scheduler', 'webserver') },
  // The fix writes the one password anew, and the superuser's, which is nowhere else, is what it was.
  { name: 'the database\'s own Secret with another password', id: 'postgres-pvc-old-password', tells: /airflow-airstrip-postgresql has another database password/, harm: it => replaced(it, 'airflow-airstrip-postgresql', { password: encoded('not-the-password') }),
    mend: async (it, { fix: [first = ''] }) => {
      const before = (await dataOf(it, 'airflow-airstrip-postgresql'))['postgres-password']
      await pasted(it, first)
      const after = (await dataOf(it, 'airflow-airstrip-postgresql'))['postgres-password']
      if (before === undefined || after !== before) throw new Error(`${first}\nleft another password of the superuser`)
    }, undo: it => restored(it, 'airflow-airstrip-postgresql') },
  { name: 'the connection\'s Secret with another host', id: 'database-unreachable', seconds: 90, tells: /no-such-database/, harm: async it => {
    await replaced(it, 'airflow-airstrip-metadata', { connection: encoded(connection(it, 'any', 'no-such-database')) })
    await deletePods(it, 'scheduler')
  }, undo: it => restored(it, 'airflow-airstrip-metadata', 'scheduler', 'webserver') },
  { name: 'a variable with another database', id: ['database-unreachable', 'crash-loop'], seconds: 90, tells: /no-such-database/, harm: it => editContainer(it, 'webserver', { env: ['SQL_ALCHEMY_CONN'].map(key => ({ name: `AIRFLOW__DATABASE__${key}`, value: connection(it, 'any', 'no-such-database'), valueFrom: null })).concat([{ ...impatient, valueFrom: null }]) }) },
  { name: 'the Secret of the connection deleted, and pods made anew', id: ['container-config-error', 'release-object-missing'], tells: /airflow-airstrip-metadata/, harm: async it => {
    await kube(it, 'delete', 'secret', 'airflow-airstrip-metadata')
    await deletePods(it, 'webserver')
  } },
  { name: 'the webserver\'s key gone from its Secret', id: 'container-config-error', tells: /couldn't find key webserver-secret-key in Secret/, harm: async it => {
    await edit(it, 'secret/airflow-airstrip-webserver-secret-key', [{ op: 'remove', path: '/data/webserver-secret-key' }], 'json')
    await deletePods(it, 'webserver')
  } },
  { name: 'the Fernet key replaced by another', id: 'fernet-key-rotated', harm: async it => {
    kept.set(fernet, await dataOf(it, fernet))
    await kube(it, 'delete', 'secret', fernet)
    await kube(it, 'create', 'secret', 'generic', fernet, `--from-literal=fernet-key=${anotherKey()}`)
    await deletePods(it, 'scheduler')
  }, mend: withOldKey, undo: oldKeyBack },
  { name: 'the Fernet key written over', id: 'fernet-key-rotated', tells: /kubectl-patch/, harm: async it => {
    await kube(it, 'label', 'secret', fernet, 'airstrip/restored-')
    await replaced(it, fernet, { 'fernet-key': encoded(anotherKey()) })
  }, mend: withOldKey, undo: oldKeyBack },
  { name: 'the folder of the database given to root', id: 'postgres-datadir-permission', seconds: 90, tells: /\/bitnami\/postgresql|airflow-postgresql/, harm: async it => {
    const folder = await dataFolder(it)
    await chown(folder, 0, 0)
    await chmod(folder, 0o700)
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--wait=false')
  }, undo: async it => {
    await chmod(await dataFolder(it), 0o777)
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--wait=false')
  } },
  { name: 'a database whose write-ahead log is gone', id: 'database-damaged', seconds: 120, tells: /valid checkpoint record/, harm: async it => {
    exits(t, await it.airstrip(['backup']), 0)
    await rm(join(await dataFolder(it), 'data', 'pg_wal'), { recursive: true })
    await mkdir(join(await dataFolder(it), 'data', 'pg_wal'))
    await chown(join(await dataFolder(it), 'data', 'pg_wal'), 1001, 0)
    await kube(it, 'delete', 'pod', 'airflow-postgresql-0', '--force', '--grace-period=0')
  } },
  { name: 'another folder of its volume for the database', id: ['database-unreachable', 'wait-for-migrations-crashloop', 'postgres-datadir-permission'], seconds: 200, tells: /StatefulSet \S+airflow-postgresql is not as the release has it: .*subPath/, harm: async it => {
    await editDatabase(it, { volumeMounts: [{ name: 'data', mountPath: '/bitnami/postgresql', subPath: 'old' }] })
    await deletePods(it, 'scheduler')
  } },
  { name: 'a database that may write to nothing', id: 'crash-loop', seconds: 120, tells: /airflow-postgresql.*readOnlyRootFilesystem/s, harm: it => editDatabase(it, { securityContext: { readOnlyRootFilesystem: true } }) },
  { name: 'an image of the database that is none', id: 'invalid-image-name', seconds: 90, tells: /airflow-postgresql/, harm: async it => {
    await kube(it, 'set', 'image', 'statefulset/airflow-postgresql', 'postgresql=Bitnami/PostgreSQL:11')
    await kubectl(['-n', it.namespace, 'delete', 'pod', 'airflow-postgresql-0', '--wait=false'])
  } },
]

void t.test('passwords, keys and the database', async t => {
  const it = await site(t, 'doctorkeys')
  exits(t, await it.airstrip(['apply']), 0)
  await faults(t, it, [...list, ...connections, ...refusals])
})
