/** A migration that fails for good ends the run with its own words; one that is only slow is waited for. */
import t from 'tap'
import { recordsOf } from './cluster.ts'
import { exits, says, site, type Overrides } from './site.ts'

const migration = (name: string, value: string): Overrides => ({ airflow: { values: { migrateDatabaseJob: { env: [{ name, value }] } } } })

void t.test('the migrations hook', async t => {
  // Side by side, for both mostly wait.
  const [crashing, slow] = [await site(t, 'crash', migration('AIRSTRIP_LAB_CRASH', '1')), await site(t, 'slow', migration('AIRSTRIP_LAB_SLOW_START', '75'))]
  exits(t, await crashing.airstrip(['apply', '--to', 'storage']), 0)
  const [failed, patient] = await Promise.all([crashing.airstrip(['apply']), slow.airstrip(['apply'])])

  await t.test('crashes: the cause with its last words', async t => {
    exits(t, failed, 1)
    t.ok((crashing.state().steps.helm?.ms ?? Infinity) < 240_000, `step helm took ${crashing.state().steps.helm?.ms ?? 0} ms`)
    says(t, failed.stderr, /\[(crash-loop|job-failed)\]/, 'Job crash/airflow-run-airflow-migrations', 'last log lines of', 'told to crash by AIRSTRIP_LAB_CRASH')
    t.same((await recordsOf('crash')).filter(status => status.startsWith('pending-')), [])
  })

  await t.test('slow: not ended', async t => {
    exits(t, patient, 0)
    t.ok(patient.ms > 75_000, `it took ${patient.ms} ms`)
    t.same(await recordsOf('slow'), ['deployed'], 'in one go')
  })

  await t.test('mended, a plain rerun finishes', async t => {
    crashing.write({})
    exits(t, await crashing.airstrip([]), 0)
    exits(t, await crashing.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })
})
