/** A cause that will not heal ends the run by itself; with it corrected, a plain rerun goes on there. */
import t from 'tap'
import { emptyRegistry, recordsOf } from './cluster.ts'
import { exits, says, site } from './site.ts'

interface Diagnosis { healthy: boolean; findings: { id: string; title: string }[]; unknown: string[] }

void t.test('an image that does not exist', async t => {
  const repository = `${await emptyRegistry(t)}/apache/airflow`
  const it = await site(t, 'resume', { airflow: { image: { repository, tag: 'no-such-tag' } } })
  const failed = await it.airstrip(['apply'])
  const { steps, run } = it.state()

  await t.test('ends by itself, cause first', t => {
    exits(t, failed, 1)
    t.ok((steps.helm?.ms ?? Infinity) < 60_000, `step helm took ${steps.helm?.ms ?? 0} ms`)
    says(t, failed.stderr, '[image-not-found]', `${repository}:no-such-tag`)
    const finding = failed.stderr.split('\n').find(line => /\[[a-z-]+\]$/.test(line) && !line.startsWith('airstrip:'))
    t.match(finding, '[image-not-found]', 'the first finding that is printed')
    t.end()
  })

  await t.test('the record tells it', async t => {
    t.match(steps.helm, { status: 'failed', error: { code: 'FAILED' } })
    t.equal(steps.helm?.error?.findings[0]?.id, 'image-not-found')
    t.ok((steps.helm?.error?.seen.length ?? 0) > 0, 'with what was seen')
    t.equal(steps.ingress?.status ?? 'pending', 'pending', 'what comes after was not begun')
    t.equal(run?.result, 'failed')
    t.same((await recordsOf('resume')).filter(status => status.startsWith('pending-')), [], 'Helm is not left in the middle')
  })

  await t.test('doctor says the same', async t => {
    const { code, stdout } = await it.airstrip(['doctor', '--json'])
    const diagnosis = JSON.parse(stdout) as Diagnosis
    t.equal(code, 3)
    t.equal(diagnosis.findings[0]?.id, 'image-not-found')
    t.equal(diagnosis.healthy, false)
  })

  await t.test('corrected, a plain rerun ends well', async t => {
    it.write({})
    const mended = await it.airstrip([])
    exits(t, mended, 0)
    says(t, mended.stderr, 'resuming at helm')
    t.same(Object.values(it.state().steps).map(({ status }) => status), Array(6).fill('done'))
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0, 'and nothing is left to do')
  })
})
