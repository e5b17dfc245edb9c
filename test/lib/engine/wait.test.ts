import t from 'tap'
import { AirstripError } from '../../../lib/errors.ts'
import { pauseAfter, waitUntilDone } from '../../../lib/engine/wait.ts'
import type { Look } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { done, failed, finding, inTurn, patience, waiting } from './steps.ts'

void t.test('what is done at the first look is not waited for', async (t) => {
  const told = patience()
  t.equal(await waitUntilDone(inTurn(done), told), done)
  t.equal(told.clock.passed(), 0)
  t.same(told.events, [])
})

void t.test('a failure is held for its settle time before it is final', async (t) => {
  const told = patience()
  const error = await caught(waitUntilDone(inTurn(failed('crash-loop', 30_000)), told))
  t.match(error, { code: 'FAILED', message: /^helm cannot become ready: crash-loop is wrong/, next: 'mend crash-loop', findings: [{ id: 'crash-loop' }] })
  t.equal(told.clock.passed(), 30_000)
})

void t.test('a failure that cannot change any more is final at once', async (t) => {
  const told = patience()
  await t.rejects(waitUntilDone(inTurn(failed('job-failed', 0)), told), { code: 'FAILED' })
  t.equal(told.clock.passed(), 0)
})

void t.test('a failure that goes away and comes back is held from the beginning', async (t) => {
  const told = patience()
  const broken = failed('crash-loop', 10_000)
  const looks = [broken, broken, broken, broken, waiting(), broken, broken, broken, broken, broken, done]
  t.equal(await waitUntilDone(inTurn<Look>(...looks), told), done)
})

void t.test('a failure that becomes another one is held from the beginning', async (t) => {
  const told = patience()
  const [one, other] = [failed('image-not-found', 5000), failed('crash-loop', 5000)]
  t.match(await caught(waitUntilDone(inTurn<Look>(one, one, other), told)), { findings: [{ id: 'crash-loop' }] })
  t.equal(told.clock.passed(), 4000 + 6000)
})

void t.test('a crash of before this run\'s own change ends no wait, whatever the pause is before the next start', async (t) => {
  const told = patience()
  const changedAt = told.clock.now()
  const tried = (afterMs: number): Look => ({ ...failed('crash-loop', 30_000), triedAt: new Date(changedAt.getTime() + afterMs).toISOString() } as Look)
  const before = Array.from({ length: 100 }, () => tried(-20_000))
  t.equal(await waitUntilDone(inTurn<Look>(...before, done), { ...told, changedAt }), done, 'it was mended by the change')
  const error = await caught(waitUntilDone(inTurn<Look>(tried(-20_000), tried(-20_000), tried(5000)), { ...told, changedAt }))
  t.match(error, { code: 'FAILED', findings: [{ id: 'crash-loop' }] }, 'one that has crashed again since then does')
  await t.rejects(waitUntilDone(inTurn(tried(-20_000)), told), { code: 'FAILED' }, 'and where nothing was changed, so does any')
})

void t.test('a timeout names everything that is pending, with its reason', async (t) => {
  const told = patience({ timeoutMs: 60_000 })
  const error = await caught(waitUntilDone(inTurn(waiting('Pod airflow/a', 'Pod airflow/b')), told))
  t.match(error, {
    code: 'TIMEOUT', exitCode: 70,
    message: 'helm was not ready after 60 s: still waiting for Pod airflow/a, Pod airflow/b.',
    seen: ['Pod airflow/a: is not ready', 'Pod airflow/b: is not ready'],
  })
  t.equal(told.clock.passed(), 60_000)
})

void t.test('a timeout on a failure that was not held long enough still tells it', async (t) => {
  const told = patience({ timeoutMs: 4000 })
  await t.rejects(waitUntilDone(inTurn(failed('node-not-ready', 60_000)), told), { code: 'TIMEOUT', findings: [{ id: 'node-not-ready' }], seen: ['Pod airflow/node-not-ready: is broken'] })
})

void t.test('one line per object, repeated only when its reason changes, and "ready" once', async (t) => {
  const told = patience()
  const [a, b] = [{ object: 'Pod airflow/a', reason: 'ContainerCreating' }, { object: 'Pod airflow/b', reason: 'Pending' }]
  const looks: Look[] = [
    { state: 'waiting', on: [a, b] },
    { state: 'waiting', on: [a, b] },
    { state: 'waiting', on: [{ ...a, reason: 'PodInitializing' }, b] },
    { state: 'waiting', on: [b] },
    { state: 'waiting', on: [b] },
    done,
  ]
  await waitUntilDone(inTurn(...looks), told)
  t.same(told.told(), ['waiting Pod airflow/a', 'waiting Pod airflow/b', 'waiting Pod airflow/a', 'ready Pod airflow/a', 'ready Pod airflow/b'])
  t.match(told.events[3], { ms: 6000 })
})

void t.test('an interruption ends the wait without another look', async (t) => {
  const told = patience()
  let looks = 0
  told.clock.at(5000, () => {
    told.stop.abort()
  })
  const look = (): Promise<Look> => {
    looks += 1
    return Promise.resolve(waiting())
  }
  await t.rejects(waitUntilDone(look, told), { code: 'INTERRUPTED', exitCode: 130, message: /step helm/ })
  t.equal(looks, 3)
  t.equal(told.clock.passed(), 5000)
})

void t.test('a look that breaks is not taken for anything else', async (t) => {
  const refused = new AirstripError('CALL_FAILED', 'kubectl get was refused.')
  await t.rejects(waitUntilDone(inTurn<Look | Error>(waiting(), refused) as () => Promise<Look>, patience()), refused)
})

const silent = new AirstripError('CLUSTER_UNREACHABLE', 'The cluster did not answer.', { seen: ['Unable to connect to the server: dial tcp 10.0.0.2:6443: connect: connection refused'] })
const looks = (...all: (Look | Error)[]) => inTurn<Look | Error>(...all) as () => Promise<Look>

void t.test('an API server that restarts while it is waited for is no news of what is waited for', async (t) => {
  const told = patience()
  t.equal(await waitUntilDone(looks(waiting('Pod airflow/a'), silent, silent, waiting('Pod airflow/a'), done), told), done)
  t.same(told.told(), ['waiting Pod airflow/a', 'waiting cluster', 'ready cluster', 'ready Pod airflow/a'])
  t.match(told.events[1], { object: 'cluster', reason: 'the cluster does not answer' })
  const held = patience()
  const broken = failed('crash-loop', 5000)
  t.equal(await waitUntilDone(looks(broken, broken, silent, silent, broken, broken, done), held), done, 'and what failed before it is held from the beginning')
})

void t.test('an API server that does not come back is the error when the time is up', async (t) => {
  const told = patience({ timeoutMs: 60_000 })
  await t.rejects(waitUntilDone(looks(waiting(), silent), told), silent)
  t.equal(told.clock.passed(), 60_000)
})

void t.test('an API server that has never answered, or that no longer takes the credentials, ends the wait at once', async (t) => {
  const told = patience()
  await t.rejects(waitUntilDone(looks(silent), told), silent)
  await t.rejects(waitUntilDone(looks(waiting(), new AirstripError('CLUSTER_UNREACHABLE', 'Who are you?', { seen: ['error: You must be logged in to the server (Unauthorized)'] })), told), { message: 'Who are you?' })
  t.equal(told.clock.passed(), 2000)
  t.equal(await waitUntilDone(looks(silent, done), { ...told, changedAt: told.clock.now() }), done, 'what this run has changed something in has answered')
})

void t.test('the clock on the wall may jump: neither the time of the step nor that of a failure passes by it', async (t) => {
  const told = patience({ timeoutMs: 60_000 })
  told.clock.at(3000, () => {
    told.clock.jump(50 * 365 * 86_400_000)
  })
  await t.rejects(waitUntilDone(looks(failed('crash-loop', 30_000)), told), { code: 'FAILED' })
  t.equal(told.clock.passed(), 30_000)
  t.match(told.events, [{ ms: 0 }])
  const late = patience({ timeoutMs: 60_000 })
  late.clock.at(3000, () => {
    late.clock.jump(-86_400_000)
  })
  await t.rejects(waitUntilDone(looks(waiting()), late), { code: 'TIMEOUT' })
  t.equal(late.clock.passed(), 60_000)
})

void t.test('all findings of a failure are kept, the first one names it', async (t) => {
  const look: Look = { state: 'failed', findings: [finding('one'), finding('two')], settleMs: 0, on: [] }
  await t.rejects(waitUntilDone(inTurn(look), patience()), { message: /one is wrong/, findings: [{ id: 'one' }, { id: 'two' }] })
})

void t.test('what takes moments is looked at often, what takes minutes seldom', async (t) => {
  t.same([0, 3000, 10_000, 60_000].map(pauseAfter), [400, 400, 1000, 2000])
  const at: number[] = []
  const all = patience({ pauseMs: pauseAfter })
  await waitUntilDone(() => {
    at.push(all.clock.passed())
    return Promise.resolve(all.clock.passed() >= 30_000 ? done : waiting())
  }, all)
  t.ok(at.filter((ms) => ms < 4000).length === 10 && at.filter((ms) => ms >= 20_000).length <= 6, String(at))
})
