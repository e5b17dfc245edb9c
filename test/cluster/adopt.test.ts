/** A release that a person installed by hand comes under airstrip without one changed key or lost row. */
import t from 'tap'
import { parse } from 'yaml'
import { get, helm, kubectl, recordsOf } from './cluster.ts'
import { chartPath, exits, says, site, type Overrides } from './site.ts'

/** Names behind the release's and behind ours are the same; a chart has those that its Airflow reads. */
const mayHave = [['fernet-key', 'fernet-key'], ['webserver-secret-key', 'webserver-secret-key'], ['api-secret-key', 'api-secret-key'], ['jwt-secret', 'jwt-secret'], ['redis-password', 'password']] as const

void t.test('a release that was installed by hand', async t => {
  const it = await site(t, 'adopt')
  // Its class and its volumes are there, as on any cluster that somebody has used.
  exits(t, await it.airstrip(['apply', '--to', 'storage']), 0)
  await helm(['install', 'airflow', chartPath, '-n', 'adopt', '--set', 'executor=CeleryExecutor', '--set', 'statsd.enabled=false', '--timeout', '10m'])
  await psql("INSERT INTO variable (key, val) VALUES ('mine', 'kept')")
  const theirs = new Map(await Promise.all(mayHave.map(async ([name, key]) => [name, await valueOf(`airflow-${name}`, key)] as const)))
  const keys = mayHave.filter(([name]) => theirs.get(name) !== undefined)
  t.ok(keys.length >= 3, 'there are keys to lose')
  const claim = (await get('pvc', 'data-airflow-postgresql-0', 'adopt'))?.metadata.uid

  await t.test('is refused, and the way to take it over is said', async t => {
    const run = await it.airstrip(['apply'])
    exits(t, run, 1)
    says(t, run.stderr, '[release-not-airstrips]', 'airflow.adopt: true')
    t.equal((await recordsOf('adopt')).length, 1, 'Helm was not asked')
  })

  await t.test('is refused as long as the configuration lacks what it is made of', async t => {
    it.write({ airflow: { adopt: true, executor: 'CeleryExecutor' } })
    const run = await it.airstrip(['apply'])
    exits(t, run, 1)
    says(t, run.stderr, '[adoption-incomplete]', 'airflow.database.user: postgres', 'airflow.values.statsd.enabled')
  })

  await t.test('is taken over with the configuration that adopt prints', async t => {
    const printed = await it.airstrip(['adopt'])
    exits(t, printed, 0)
    const { airflow } = parse(printed.stdout) as { airflow: Overrides }
    it.write({ airflow: { ...airflow, chart: chartPath } })
    const run = await it.airstrip(['apply'])
    exits(t, run, 0)
    for (const [name, key] of keys) {
      const had = theirs.get(name) ?? ''
      t.ok(had.length > 7 && (await valueOf(`airflow-airstrip-${name}`, key)) === had, `${name} is theirs`)
      for (const text of [printed.stdout, printed.stderr, run.stdout, run.stderr]) t.notOk(text.includes(had), `${name} is not said`)
    }
    t.equal((await get('pvc', 'data-airflow-postgresql-0', 'adopt'))?.metadata.uid, claim, 'the same volume')
    t.match(await psql('SELECT key, val FROM variable'), /mine\|kept/)
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })
})

async function psql(statement: string): Promise<string> {
  return kubectl(['-n', 'adopt', 'exec', '-i', 'airflow-postgresql-0', '--', 'sh', '-c', 'PGPASSWORD=postgres psql -h 127.0.0.1 -U postgres -d postgres -At'], statement)
}

async function valueOf(secret: string, key: string): Promise<string | undefined> {
  const found = (await get('secret', secret, 'adopt')) as unknown as { data: Record<string, string> } | undefined
  return found && Buffer.from(found.data[key] ?? '', 'base64').toString()
}
