/** What crashes is told with its own last words; what is only slow is waited for. */
import t from 'tap'
import { recordsOf } from './cluster.ts'
import { exits, says, site, type Overrides } from './site.ts'

const withVariable = (component: string, name: string, value: string): Overrides => ({ airflow: { values: { [component]: { env: [{ name, value }] } } } })

void t.test('crashes and slow starts', async t => {
  // Side by side, for all of them mostly wait.
  const hook = await site(t, 'hook', withVariable('migrateDatabaseJob', 'AIRSTRIP_LAB_CRASH', '1'))
  const loop = await site(t, 'loop', withVariable('webserver', 'AIRSTRIP_LAB_CRASH', '1'))
  const slow = await site(t, 'slow', withVariable('migrateDatabaseJob', 'AIRSTRIP_LAB_SLOW_START', '75'))
  exits(t, await hook.airstrip(['apply', '--to', 'storage']), 0)
  const [timedOut, looped, patient] = await Promise.all([hook.airstrip(['apply', '--timeout', '90s']), loop.airstrip(['apply']), slow.airstrip(['apply'])])

  await t.test('a migration that crashes, and too little time: the Job, its last words and its events', async t => {
    exits(t, timedOut, 70)
    t.ok(timedOut.ms < 150_000, `ended after ${timedOut.ms} ms`)
    says(t, timedOut.stderr, '[TIMEOUT]', 'Job hook/airflow-run-airflow-migrations', 'last log lines of', 'told to crash by AIRSTRIP_LAB_CRASH', 'event: ')
    t.match(hook.state().steps.helm, { status: 'failed', error: { code: 'TIMEOUT' } })
    t.same((await recordsOf('hook')).filter(status => status.startsWith('pending-')), [])
  })

  await t.test('a webserver that crashes again and again ends the run', t => {
    exits(t, looped, 1)
    says(t, looped.stderr, '[crash-loop]', 'Container webserver of Deployment airflow-webserver', 'told to crash by AIRSTRIP_LAB_CRASH')
    t.equal(loop.state().steps.helm?.error?.findings[0]?.id, 'crash-loop', 'named first', { findings: loop.state().steps.helm?.error?.findings })
    t.end()
  })

  await t.test('a slow migration is not ended', async t => {
    exits(t, patient, 0)
    t.ok(patient.ms > 75_000, `it took ${patient.ms} ms`)
    t.same(await recordsOf('slow'), ['deployed'], 'in one go')
  })

  await t.test('mended, a plain rerun finishes', async t => {
    hook.write({})
    exits(t, await hook.airstrip([]), 0)
    exits(t, await hook.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })
})
