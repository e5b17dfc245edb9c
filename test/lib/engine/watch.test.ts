import t from 'tap'
import { AirstripError } from '../../../lib/errors.ts'
import { changeWatched } from '../../../lib/engine/watch.ts'
import type { Look } from '../../../lib/step.ts'
import { settled } from '../../fakes/clock.ts'
import { done, failed, inTurn, patience, waiting, type Told } from './steps.ts'

/** A Helm that ends by itself after a while, or when it is ended. */
function helm(told: Told, lasts: number, error?: Error): { changing: Promise<void>; end: (reason: AirstripError) => void; ended: () => AirstripError | undefined } {
  let reason: AirstripError | undefined
  let finish: () => void
  let fail: (error: Error) => void
  const changing = new Promise<void>((resolve, reject) => {
    finish = resolve
    fail = reject
  })
  told.clock.at(lasts, () => {
    if (error === undefined) finish()
    else fail(error)
  })
  return {
    changing,
    ended: () => reason,
    end: (why) => {
      reason = why
      fail(new AirstripError('INTERRUPTED', 'Helm was ended.'))
    },
  }
}

void t.test('a cause that is certain ends Helm, and is what the error says', async (t) => {
  const told = patience()
  const { changing, end, ended } = helm(told, 300_000)
  await t.rejects(changeWatched(changing, inTurn(failed('pvc-no-usable-storageclass', 10_000)), end, told), { code: 'FAILED', findings: [{ id: 'pvc-no-usable-storageclass' }] })
  t.match(ended(), { code: 'FAILED' })
  t.equal(told.clock.passed(), 12_000, 'in 12 s, where Helm takes 300')
})

void t.test('slow but healthy is not ended before its time is up', async (t) => {
  const told = patience({ timeoutMs: 1_800_000 })
  const { changing, end, ended } = helm(told, 1_500_000)
  await changeWatched(changing, inTurn(waiting()), end, told)
  t.equal(ended(), undefined)
  t.equal(told.clock.passed(), 1_500_000)
})

void t.test('when the time is up Helm is ended, and what was pending is named', async (t) => {
  const told = patience({ timeoutMs: 60_000 })
  const { changing, end, ended } = helm(told, 1_500_000)
  await t.rejects(changeWatched(changing, inTurn(waiting()), end, told), { code: 'TIMEOUT', message: /after 60 s: still waiting for \S+/ })
  t.match(ended(), { code: 'TIMEOUT' })
  t.ok(told.clock.passed() <= 64_000, `${told.clock.passed()} ms`)
})

void t.test('a clock on the wall that jumps does not end it', async (t) => {
  const told = patience({ timeoutMs: 60_000 })
  told.clock.at(5000, () => {
    told.clock.jump(86_400_000)
  })
  const { changing, end, ended } = helm(told, 20_000)
  await changeWatched(changing, inTurn(failed('crash-loop', 30_000)), end, told)
  t.equal(ended(), undefined)
})

void t.test('looks that break do not end it', async (t) => {
  const told = patience()
  const { changing, end, ended } = helm(told, 20_000)
  await changeWatched(changing, inTurn<Look>(new Error('refused') as never), end, told)
  t.equal(ended(), undefined)
})

void t.test('a quick change is over before anything is looked at', async (t) => {
  const told = patience()
  const { changing, end } = helm(told, 1500)
  await changeWatched(changing, () => Promise.reject(new Error('unscripted look')), end, told)
  t.equal(told.clock.passed(), 1500)
})

void t.test('what Helm itself says is the error where no cause was certain', async (t) => {
  const told = patience()
  const refused = new AirstripError('HELM_FAILED', 'Helm could not finish the release.')
  const { changing, end } = helm(told, 9000, refused)
  await t.rejects(changeWatched(changing, inTurn(waiting()), end, told), refused)
})

void t.test('a Helm that fails while a look is under way is no unhandled rejection', async (t) => {
  const unhandled: unknown[] = []
  const listener = (reason: unknown): void => {
    unhandled.push(reason)
  }
  process.on('unhandledRejection', listener)
  t.teardown(() => process.off('unhandledRejection', listener))
  const told = patience()
  let fail: (error: Error) => void
  const changing = new Promise<void>((_, reject) => {
    fail = reject
  })
  const look = async (): Promise<Look> => {
    fail(new AirstripError('HELM_FAILED', 'Helm could not finish the release.'))
    // As long as a kubectl takes: many turns of the event loop.
    for (let turn = 0; turn < 5; turn++) await settled()
    return waiting()
  }
  await t.rejects(changeWatched(changing, look, () => undefined, told), { code: 'HELM_FAILED' })
  t.same(unhandled, [])
})

void t.test('while Helm works, progress is one line per object and "ready" once', async (t) => {
  const told = patience()
  const { changing, end } = helm(told, 12_500)
  await changeWatched(changing, inTurn(waiting('Pod airflow/a'), waiting('Pod airflow/a'), done), end, told)
  t.same(told.told(), ['waiting Pod airflow/a', 'ready Pod airflow/a'])
})

void t.test('what was seen before a look that got no answer is not held on to: it may have been mended in between', async (t) => {
  const told = patience()
  const { changing, end, ended } = helm(told, 60_000)
  const [lacks, away] = [failed('container-config-error', 20_000), new AirstripError('CLUSTER_UNREACHABLE', 'The API server does not answer.') as never]
  await changeWatched(changing, inTurn<Look>(lacks, lacks, ...Array.from({ length: 17 }, () => away), lacks, done), end, told)
  t.equal(ended(), undefined)
})

void t.test('an API server that gives no answer now and then keeps nobody from the end of a hopeless wait', async (t) => {
  const told = patience()
  const { changing, end, ended } = helm(told, 300_000)
  const [lacks, away] = [failed('container-config-error', 20_000), new AirstripError('CLUSTER_UNREACHABLE', 'The API server does not answer.') as never]
  await t.rejects(changeWatched(changing, inTurn<Look>(...Array.from({ length: 100 }, (_, at) => (at % 4 === 3 ? away : lacks))), end, told), { code: 'FAILED' })
  t.match(ended(), { code: 'FAILED' })
})
