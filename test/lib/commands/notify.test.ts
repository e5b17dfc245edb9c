import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runNotice } from '../../../lib/adapters/notice.ts'
import { createRedactor } from '../../../lib/cluster/redact.ts'
import { notifying, type Watched } from '../../../lib/commands/notify.ts'
import { parseConfig } from '../../../lib/config/load.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { caught } from '../../fakes/caught.ts'
import { smallest } from '../../fakes/deps.ts'

const canary = 'canary-of-the-database'
const hours = 3_600_000

/** Writes what it was told and what it could see of the environment, a line a call. */
const listener = `
let said = ''
process.stdin.on('data', (chunk) => { said += chunk }).on('end', () => {
  require('node:fs').appendFileSync(process.argv[2], JSON.stringify({ result: process.env.AIRSTRIP_RESULT, secret: process.env.DB_PASSWORD, word: process.argv[3], ...JSON.parse(said) }) + '\\n')
})`

function watched(t: Test, more: { env?: NodeJS.ProcessEnv; command?: string[] } = {}) {
  const folder = t.testdir({ 'listener.cjs': listener })
  const heard = join(folder, 'heard')
  const command = more.command ?? [process.execPath, join(folder, 'listener.cjs'), heard, '$HOME; `id`']
  const config = parseConfig(`${smallest}notify: {command: ${JSON.stringify(command)}}\nairflow: {database: {password: {env: DB_PASSWORD}}}\n`, join(folder, 'airstrip.yaml'))
  const redactor = createRedactor()
  redactor.add(canary)
  const err: string[] = []
  const clock = fakeClock()
  const env = more.env ?? { AIRSTRIP_SCHEDULED: 'repair', DB_PASSWORD: canary }
  const deps = { env, err: (line: string) => err.push(line), clock, commandLine: 'airstrip apply --quiet', holder: 'home/42/1' }
  const all: Watched = { config, flags: { state: join(folder, 'state.json') }, deps, redact: redactor.redact }
  return { all, err, clock, notices: () => (existsSync(heard) ? readFileSync(heard, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) : []) }
}

const failure = (id = 'image-not-found'): AirstripError =>
  new AirstripError('FAILED', `helm cannot become ready: ${canary}`, { seen: [`postgresql://airflow:${canary}@db`], findings: [{ id, severity: 'error', title: 'No image', evidence: [canary], why: 'It is not there.', fix: ['Correct it.'] }] })
const fail = (error: Error) => (): Promise<never> => Promise.reject(error)
const fine = (): Promise<number> => Promise.resolve(0)

void t.test('a failure of a run that nobody watches is told, with no secret in it', async (t) => {
  const { all, notices, err } = watched(t)
  const error = failure()
  t.equal(await caught(notifying(all, fail(error))), error, 'and the run fails as before')
  t.match(notices(), [{ result: 'failed', at: '2023-08-02T10:00:00.000Z', host: 'home', command: 'airstrip apply --quiet', word: '$HOME; `id`', error: { code: 'FAILED', findings: [{ id: 'image-not-found' }], next: String } }])
  t.notMatch(JSON.stringify(notices()), canary)
  t.notMatch(JSON.stringify(notices()), '"secret"', 'nor in the environment')
  t.same(err, [])
})

void t.test('the same cause is told once a day, another at once, and that it is over once', async (t) => {
  const { all, clock, notices } = watched(t)
  const results = (): unknown[] => notices().map(({ result }) => result)
  for (let run = 0; run < 3; run++) await caught(notifying(all, fail(failure())))
  t.same(results(), ['failed'])
  await caught(notifying(all, fail(failure('oom-killed'))))
  t.same(results(), ['failed', 'failed'])
  await clock.sleep(25 * hours)
  await caught(notifying(all, fail(failure('oom-killed'))))
  t.equal(results().length, 3)
  t.equal(await notifying(all, fine), 0)
  t.equal(await notifying(all, fine), 0)
  t.same(results(), ['failed', 'failed', 'failed', 'recovered'])
  t.match(notices().at(-1), { was: { cause: 'FAILED oom-killed' } })
  await caught(notifying(all, fail(failure('oom-killed'))))
  t.equal(results().length, 5, 'and when it comes back it is told again')
})

void t.test('nobody is told of a run by hand, of one that another was in the way of, or of an interruption', async (t) => {
  const byHand = watched(t, { env: {} })
  await caught(notifying(byHand.all, fail(failure())))
  t.same(byHand.notices(), [])
  await caught(notifying({ ...byHand.all, flags: { ...byHand.all.flags, unattended: 'repair' } }, fail(failure())))
  t.equal(byHand.notices().length, 1, 'but of one that says that nobody attends it')
  const { all, notices } = watched(t)
  for (const code of ['LOCKED', 'INTERRUPTED', 'USAGE', 'SELECTION'] as const) await caught(notifying(all, fail(new AirstripError(code, 'x'))))
  t.same(notices(), [])
  await caught(notifying(all, fail(new TypeError('undefined is not a function'))))
  t.match(notices(), [{ error: { code: 'INTERNAL', sentence: 'undefined is not a function' } }])
})

void t.test('a failure that is in the result is one, too', async (t) => {
  const { all, notices } = watched(t)
  const failureIn = (code: number): AirstripError | undefined => (code === 1 ? failure() : undefined)
  for (const code of [2, 1, 1, 0]) t.equal(await notifying(all, () => Promise.resolve(code), failureIn), code)
  t.same(notices().map(({ result }) => result), ['failed', 'recovered'])
})

void t.test('without notify.command nothing is run', async (t) => {
  const { all } = watched(t)
  const error = failure()
  t.equal(await caught(notifying({ ...all, config: parseConfig(smallest, 'airstrip.yaml') }, fail(error))), error)
  t.notOk(existsSync(`${all.flags.state}.notified`))
})

void t.test('a command that fails is said, without a secret, and tried again with the next run', async (t) => {
  const { all, err } = watched(t, { command: [process.execPath, '-e', `console.error("no route to ${canary}"); process.exit(3)`] })
  const error = failure()
  t.equal(await caught(notifying(all, fail(error))), error)
  t.match(err, [/^notify\.command ended with 3: no route to •+$/])
  await caught(notifying(all, fail(error)))
  t.equal(err.length, 2)
  const missing = watched(t, { command: ['/nowhere/tell-me'] })
  t.equal(await caught(notifying(missing.all, fail(error))), error)
  t.match(missing.err, [/^notify\.command ended with 127: .*ENOENT/])
})

void t.test('a command that hangs, or that reads nothing, holds nothing up', async (t) => {
  t.match(await runNotice([process.execPath, '-e', 'setInterval(() => {}, 1000)'], '{}', {}, 300), { exitCode: 1, said: /SIGKILL, after 0.3 s/ })
  t.match(await runNotice(['/bin/sh', '-c', 'sleep 5 & exit 0'], 'x'.repeat(1_000_000), { PATH: process.env.PATH }), { exitCode: 0 })
})
