/** What is made is what somebody agreed to: asked at a terminal, or told beforehand how far a run may go alone. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { at, get, kubectl, recordsOf, until } from './cluster.ts'
import { audit } from './people.ts'
import { exits, says, site, type Run, type Running, type Site } from './site.ts'

const n = 'consent'
const kube = (...args: string[]): Promise<string> => kubectl(['-n', n, ...args])
const scale = (replicas: number): Promise<string> => kube('scale', 'deployment', 'airflow-statsd', `--replicas=${replicas}`)
const replicas = async (): Promise<unknown> => at(await get('deployment', 'airflow-statsd', n), 'spec/replicas')

void t.test('consent', async t => {
  const it = await site(t, n)
  await t.test('with nobody to ask', t => unasked(t, it))
  await t.test('a question', t => questions(t, it))
  await t.test('what was shown is what is made', t => moved(t, it))
  await t.test('told beforehand', t => toldBeforehand(t, it))
  await t.test('what is remembered', t => remembered(t, it))
})

/** First of all what was never there. */
async function unasked(t: Test, it: Site): Promise<void> {
  await t.test('nothing at all may be done: not even a first install, and nothing is written', async t => {
    const run = await quietly(t, it, ['apply', '--unattended', 'nothing'])
    refused(t, run, /create Namespace consent .*\[install\]/, /release Helm release consent\/airflow .*\[install\]/, '--unattended install')
  })

  await t.test('a first install needs nobody', async t => {
    exits(t, await it.airstrip(['apply'], { unasked: true }), 0)
    t.same(await recordsOf(n), ['deployed'])
  })

  await t.test('with nobody to ask a hand edit is not put back, however often it is tried', async t => {
    await scale(2)
    for (const args of [[], ['--unattended', 'install']]) {
      const run = await quietly(t, it, ['apply', ...args], { unasked: true })
      refused(t, run, 'helm: patch Deployment consent/airflow-statsd (spec.replicas differs) [repair]', '--unattended repair')
    }
    t.equal(await replicas(), 2)
  })
}

/** No is the answer until somebody says Yes. */
async function questions(t: Test, it: Site): Promise<void> {
  await t.test('at a terminal the changes are shown, their lines on demand, and No leaves all as it is', async t => {
    const log = audit(it)
    const run = await atTerminal(it)
    run.types('d\n')
    await until('the lines and the question again', () => /-\s+replicas: 2\s+\+\s+replicas: 1\s[^]*\[d\]iff: /.test(run.stdout()))
    run.types('n\n')
    const ended = await run.ended
    exits(t, ended, 1)
    says(t, ended.stdout, 'patch    Deployment consent/airflow-statsd', 'Make this change? [y]es, [N]o, show the [d]iff: ', '[CONSENT]')
    t.same(log.writes(), [])
  })

  for (const { name, keys, code, said } of [
    { name: 'Ctrl-C at the question', keys: '\x03', code: 130, said: '[INTERRUPTED]' },
    { name: 'the end of the input at the question', keys: '\x04', code: 1, said: '[CONSENT]' },
    { name: 'Enter alone', keys: '\n', code: 1, said: '[CONSENT]' },
  ]) {
    await t.test(`${name} is no Yes`, async t => {
      const log = audit(it)
      const run = await atTerminal(it)
      run.types(keys)
      const ended = await run.ended
      exits(t, ended, code)
      says(t, ended.stdout, said)
      t.same([log.writes(), await replicas()], [[], 2])
      t.notOk(existsSync(`${it.statePath}.lock`), 'the lock is given back')
    })
  }

  await t.test('while one run asks, another is told who holds the lock', async t => {
    const run = await atTerminal(it)
    const other = await it.airstrip(['apply'])
    exits(t, other, 75)
    says(t, other.stderr, /held by|holds/, /airstrip apply/)
    run.types('n\n')
    await run.ended
  })
}

/** Time passes while a person thinks. */
async function moved(t: Test, it: Site): Promise<void> {
  await t.test('what changed while the question stood is shown and not made', async t => {
    const run = await atTerminal(it)
    await scale(3)
    const log = audit(it)
    run.types('y\n')
    const ended = await run.ended
    exits(t, ended, 1)
    says(t, ended.stdout, 'MOVED', /-\s+replicas: 3/, /\+\s+replicas: 1/)
    t.same([log.writes(), await replicas()], [[], 3])
  })

  await t.test('what was damaged while the question stood is not mended along with the rest', async t => {
    const run = await atTerminal(it)
    await kube('delete', 'configmap', 'airflow-statsd')
    const log = audit(it)
    run.types('y\n')
    const ended = await run.ended
    exits(t, ended, 1)
    says(t, ended.stdout, 'MOVED', 'create ConfigMap airflow-statsd')
    t.same([log.writes(), await replicas()], [[], 3])
  })

  await t.test('Yes makes what was shown, in place and without a revision', async t => {
    const run = await atTerminal(it)
    run.types('y\n')
    exits(t, await run.ended, 0)
    t.equal(await replicas(), 1)
    t.ok(await get('configmap', 'airflow-statsd', n))
    t.same(await recordsOf(n), ['deployed'])
  })

  await t.test('and where Helm would put an edit back unseen, it is not run', async t => {
    it.write({ airflow: { values: { webserver: { replicas: 2 } } } })
    const run = await atTerminal(it)
    await kube('scale', 'deployment', 'airflow-scheduler', '--replicas=2')
    const log = audit(it)
    run.types('y\n')
    const ended = await run.ended
    exits(t, ended, 1)
    says(t, ended.stdout, 'MOVED', 'update Deployment airflow-scheduler', /-\s+replicas: 2/)
    t.same([log.writes(), await recordsOf(n)], [[], ['deployed']])
    it.write({})
    await kube('scale', 'deployment', 'airflow-scheduler', '--replicas=1')
  })
}

/** How far a run may go alone, on the command line and in the configuration. */
async function toldBeforehand(t: Test, it: Site): Promise<void> {
  await t.test('who says how far it may go is not asked, terminal or not', async t => {
    await scale(2)
    const run = await it.airstrip(['apply', '--unattended', 'repair', '--detailed-exitcode'], { terminal: true })
    exits(t, run, 2)
    t.notMatch(run.stdout, 'show the [d]iff')
    t.equal(await replicas(), 1)
  })

  await t.test('a new wish is never made unattended, and a refusal is no consent to it', async t => {
    it.write({ unattended: 'repair', airflow: { values: { webserver: { replicas: 2 } } } })
    const before = JSON.stringify(Object.values(it.state().steps).map(({ agreed }) => agreed))
    for (const time of ['once', 'twice']) {
      const run = await quietly(t, it, ['apply'], { unasked: true })
      refused(t, run, /release Helm release consent\/airflow \(values differ: webserver\.replicas\) \[change\]/)
      t.notMatch(run.stderr, /or --unattended/, 'there is no level that would allow it')
      t.equal(JSON.stringify(Object.values(it.state().steps).map(({ agreed }) => agreed)), before, `refused ${time}`)
    }
  })

  await t.test('and the same level in the configuration puts back what was agreed to before', async t => {
    it.write({ unattended: 'repair' })
    await kube('delete', 'service', 'airflow-statsd')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode'], { unasked: true }), 2)
    t.ok(await get('service', 'airflow-statsd', n))
  })
}

/** The state file knows what was agreed to, and nothing else does. */
async function remembered(t: Test, it: Site): Promise<void> {
  await t.test('a dry run says what it would run, runs what looks, and leaves no trace', async t => {
    await scale(2)
    const folder = join(it.folder, 'untouched')
    const log = audit(it)
    const run = await it.airstrip(['apply', '--dry-run', '--detailed-exitcode'], { state: join(folder, 'state.json') })
    exits(t, run, 2)
    says(t, run.stderr, /would run kubectl .*patch/)
    t.same([log.writes(), existsSync(folder), await replicas()], [[], false, 2])
  })

  await t.test('without a state file nobody knows what was agreed to', async t => {
    rmSync(dirname(it.statePath), { recursive: true })
    const run = await quietly(t, it, ['apply', '--unattended', 'repair'])
    refused(t, run, 'helm: patch Deployment consent/airflow-statsd (spec.replicas differs) [change]')
    await scale(1)
    await kube('delete', 'configmap', 'airflow-statsd')
    exits(t, await it.airstrip(['apply', '--detailed-exitcode'], { unasked: true }), 2, 'what is not there is made')
    t.ok(readdirSync(dirname(it.statePath)).includes('state.json'))
  })
}

/** A run that asks for a word. */
async function atTerminal(it: Site): Promise<Running> {
  const run = it.start(['apply'], { terminal: true })
  await until('the question', () => run.stdout().includes('[d]iff: '))
  return run
}

/** A run after which the cluster is as it was. */
async function quietly(t: Test, it: Site, ...run: Parameters<Site['airstrip']>): Promise<Run> {
  const log = audit(it)
  const ended = await it.airstrip(...run)
  t.same(log.writes(), [], 'nothing was written')
  return ended
}

function refused(t: Test, run: Run, ...wanted: (string | RegExp)[]): void {
  exits(t, run, 1)
  says(t, run.stderr, '[CONSENT]', ...wanted)
}
