/** kill -9 while a database is put in the place of another, and while all is taken down: nothing that was there is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { at, get, kubectl, secretsOf } from './cluster.ts'
import { dice, seed } from './dice.ts'
import { exits, site, type Site } from './site.ts'

const rows = 'one,two'

void t.test(`kill -9 in a restore and in a destroy, seed ${seed}`, async t => {
  const it = await site(t, 'killdata')
  const random = dice(seed)
  exits(t, await it.airstrip(['apply']), 0)
  await sql("INSERT INTO dag VALUES ('one', false, '/x'), ('two', true, '/y')")
  const dump = (await it.airstrip(['backup'])).stdout.trim()
  const keys = await secretsOf('killdata')

  for (let round = 1; round <= 3; round++) {
    const afterMs = Math.round(1500 + random() * 18_000)
    await t.test(`restore, round ${round}: killed after ${afterMs} ms`, async t => {
      await sql("UPDATE dag SET is_paused = NOT is_paused; INSERT INTO dag VALUES ('since', false, '/z') ON CONFLICT DO NOTHING")
      await killed(it, ['restore', dump, '--yes'], afterMs)
      t.ok([rows, 'one,since,two'].includes(await dags()), 'the database is the one before or the one of the dump, whole')
      exits(t, await it.airstrip(['apply']), 0, 'the next plain run ends well')
      t.equal(at(await get('deployment', 'airflow-scheduler', 'killdata'), 'spec/replicas'), 1, 'what was stopped runs again')
      exits(t, await it.airstrip(['restore', dump, '--yes']), 0, 'and so does the restore')
      t.equal(await dags(), rows)
      t.equal(await sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'airstrip%'"), '0', 'no scratch is left')
      await sql("SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname LIKE '%before_restore%' \\gexec")
    })
  }

  for (let round = 1; round <= 2; round++) {
    const afterMs = Math.round(700 + random() * 6000)
    await t.test(`destroy, round ${round}: killed after ${afterMs} ms`, async t => {
      await killed(it, ['destroy', '--yes'], afterMs)
      exits(t, await it.airstrip(['status']), 0)
      if (round !== 2) exits(t, await it.airstrip(['destroy', '--yes']), 0, 'the next one takes down what is left')
      exits(t, await it.airstrip(['apply']), 0, 'and Airflow can be landed again')
      await holdsAll(t, keys)
    })
  }
})

async function killed(it: Site, args: string[], afterMs: number): Promise<void> {
  const running = it.start(args)
  await Promise.race([running.ended, sleep(afterMs)])
  running.child.kill('SIGKILL')
  await running.ended
}

async function holdsAll(t: Test, keys: Record<string, string>): Promise<void> {
  t.same(await secretsOf('killdata'), keys, 'keys and passwords are the same')
  t.equal(await dags(), rows, 'and the rows')
}

const dags = (): Promise<string> => sql("SELECT string_agg(dag_id, ',' ORDER BY dag_id) FROM dag")

async function sql(statement: string): Promise<string> {
  const script = 'PGPASSWORD=$POSTGRES_PASSWORD exec psql -XAtq -h 127.0.0.1 -U airflow -v ON_ERROR_STOP=1 -d airflow'
  return (await kubectl(['-n', 'killdata', 'exec', '-i', 'airflow-postgresql-0', '-c', 'postgresql', '--', 'sh', '-c', script], statement)).trim()
}
