/** Whatever ends airstrip, and when: the state can be read, the next plain run ends well, no key is lost. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { recordsOf, secretsOf, until } from './cluster.ts'
import { dice, seed } from './dice.ts'
import { exits, says, site, type Overrides, type Running, type Site } from './site.ts'

/** Each round has work to do for Helm: first the install, later an upgrade for one more variable. */
const round = (number: number): Overrides => ({ airflow: { values: { env: [{ name: 'ROUND', value: String(number) }] } } })

void t.test(`kill -9 at random moments, seed ${seed}`, async t => {
  const it = await site(t, 'kill')
  const random = dice(seed)
  let keys: Record<string, string> = {}
  for (let number = 1; number <= 6; number++) {
    const withHelm = number % 2 === 0
    // The first two rounds cut into the whole pipeline, twice without a run to the end in between.
    const afterMs = Math.round(800 + random() * (number <= 2 ? 14_000 : 9000))
    await t.test(`round ${number}: ${withHelm ? 'airstrip and Helm' : 'airstrip alone'} after ${afterMs} ms`, async t => {
      it.write(round(number))
      const running = it.start(['apply'])
      const ended = await Promise.race([running.ended, sleep(afterMs)])
      if (withHelm) killHelm(it)
      running.child.kill('SIGKILL')
      const run = await running.ended
      t.ok(run.code === 137 || ended !== undefined, `killed (${run.code})`)
      await readable(t, it)
      if (number === 1) return
      exits(t, await it.airstrip([]), 0, 'the next plain run ends well')
      t.same((await recordsOf('kill')).filter(status => status !== 'superseded' && status !== 'failed'), ['deployed'])
      const now = await secretsOf('kill')
      if (Object.keys(keys).length > 0) t.same(now, keys, 'keys and passwords are the same')
      keys = now
    })
  }

  await t.test('SIGINT: 130, and a second run at the same time: 75', async t => {
    it.write(round(100))
    const running = await atWork(it)
    const second = await it.airstrip(['apply'])
    exits(t, second, 75)
    t.ok(second.ms < 10_000, `refused after ${second.ms} ms`)
    says(t, second.stderr, '[LOCKED]', `pid ${running.child.pid ?? 0}`, hostname(), /since \d{4}-\d\d-\d\dT/)
    exits(t, await it.airstrip(['status']), 0, 'looking is allowed')
    await interrupted(t, it, running, 'SIGINT', 130)
  })

  await t.test('SIGTERM: 143', async t => {
    it.write(round(101))
    await interrupted(t, it, await atWork(it), 'SIGTERM', 143)
  })

  await t.test('and nothing is left to do', async t => {
    exits(t, await it.airstrip(['apply', '--detailed-exitcode']), 0)
    t.same(await secretsOf('kill'), keys)
  })
})

/** Helm of this site, found as an administrator would: by the namespace in its arguments. */
function killHelm(it: Site): void {
  for (const pid of pidsOf(line => line.startsWith('helm upgrade') && line.includes(` -n ${it.namespace} `))) process.kill(pid, 'SIGKILL')
}

function pidsOf(wanted: (line: string) => boolean): number[] {
  return readdirSync('/proc').map(Number).filter(pid => pid > 0).filter(pid => {
    try {
      return wanted(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))
    } catch {
      return false
    }
  })
}

async function readable(t: Test, it: Site): Promise<void> {
  if (existsSync(it.statePath)) t.doesNotThrow(() => { it.state() }, 'the state is whole')
  const status = await it.airstrip(['status'])
  exits(t, status, 0, 'status works')
  says(t, status.stdout, /^prereq/m, /^executor/m)
}

async function atWork(it: Site): Promise<Running> {
  const running = it.start(['apply'])
  await until('Helm is at work', async () => (await recordsOf(it.namespace)).some(status => status.startsWith('pending-')), 60_000)
  return running
}

async function interrupted(t: Test, it: Site, running: Running, signal: 'SIGINT' | 'SIGTERM', code: number): Promise<void> {
  running.child.kill(signal)
  const run = await running.ended
  exits(t, run, code)
  const { run: record, steps } = it.state()
  t.equal(record?.result, 'interrupted')
  t.match(steps.helm, { status: 'failed', error: { code: 'INTERRUPTED' } })
  says(t, run.stderr, '[INTERRUPTED]', 'Run again')
  const next = await it.airstrip([])
  exits(t, next, 0, 'the next plain run ends well')
  says(t, next.stderr, 'resuming at helm')
}
