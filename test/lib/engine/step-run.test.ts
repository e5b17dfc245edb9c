import t from 'tap'
import { AirstripError } from '../../../lib/errors.ts'
import { makeChanges } from '../../../lib/changes.ts'
import { runStep, type StepDeps } from '../../../lib/engine/step-run.ts'
import type { Change, Check, Look, Step } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { recordingWriter, type Recorded } from '../../fakes/writer.ts'
import { configMap, done, drifted, failed, inTurn, patience, satisfied, step, waiting, type Told } from './steps.ts'

function deps(fields: { writes?: Recorded } = {}): StepDeps & Omit<Told, 'timeoutMs'> & { writes: Recorded; effects: number[] } {
  const told = patience()
  const writes = fields.writes ?? recordingWriter()
  const effects: number[] = []
  const beforeEffect = (attempt: number): Promise<void> => {
    effects.push(attempt)
    return Promise.resolve()
  }
  return { ...told, timeoutMs: undefined, look: () => clusterReader(), writer: () => writes, writes, effects, beforeEffect, agree: () => Promise.resolve(), ...fields }
}

const storage = (fields: Partial<Step>): Step => step({ name: 'storage', apply: makeChanges, verify: inTurn(done), ...fields })
const refused = (transient: boolean): AirstripError => new AirstripError('CALL_FAILED', 'kubectl apply was refused.', { transient })

void t.test('what is satisfied and works is left alone', async (t) => {
  const all = deps()
  const result = await runStep(storage({ check: inTurn(satisfied) }), {}, undefined, all)
  t.match(result, { changed: 0, tries: 1, evidence: ['as wanted', 'all is well'] })
  t.same([all.writes.acts, all.effects], [[], []])
})

void t.test('what was examined just now is not asked again', async (t) => {
  const unscripted = storage({ verify: () => Promise.reject(new Error('unscripted: verify')) })
  t.match(await runStep(unscripted, {}, { check: satisfied, look: done }, deps()), { changed: 0 })
})

void t.test('what is satisfied and does not work yet is waited for, and still nothing is written', async (t) => {
  const all = deps()
  await runStep(storage({ verify: inTurn<Look>(waiting(), waiting(), done) }), {}, { check: satisfied, look: waiting() }, all)
  t.same([all.writes.acts, all.effects], [[], []])
  t.equal(all.clock.passed(), 4000)
})

void t.test('what differs is changed, exactly that, and then verified', async (t) => {
  const all = deps()
  const order: string[] = []
  const result = await runStep(storage({
    check: inTurn(drifted),
    apply: (changes, writer) => {
      order.push(`apply ${changes.length} after ${all.effects.length} effect`)
      t.equal(changes, (drifted as Extract<Check, { state: 'drifted' }>).changes)
      return makeChanges(changes, writer)
    },
  }), {}, undefined, all)
  t.same(order, ['apply 2 after 1 effect'], 'the effect was written down before it was made')
  t.same(all.writes.acts, [{ verb: 'apply', what: ['ConfigMap one', 'ConfigMap two'] }])
  t.match(result, { changed: 2, tries: 1, evidence: ['all is well'] })
  t.same(all.told(), ['change ConfigMap airflow/one', 'change ConfigMap airflow/two'])
})

void t.test('what is blocked ends at once, with every finding, and nothing is written', async (t) => {
  const all = deps()
  const findings = [(failed('one', 0) as Extract<Look, { state: 'failed' }>).findings[0], (failed('two', 0) as Extract<Look, { state: 'failed' }>).findings[0]] as const
  t.match(await caught(runStep(storage({ check: inTurn<Check>({ state: 'blocked', findings: [...findings] }) }), {}, undefined, all)), {
    code: 'BLOCKED', message: 'storage cannot go on: one is wrong (and 1 more)', findings: [{ id: 'one' }, { id: 'two' }], next: 'mend one',
  })
  t.same([all.writes.acts, all.effects], [[], []])
})

void t.test('what cannot be judged yet is asked again until it can', async (t) => {
  const all = deps()
  const leaving: Check = { state: 'waiting', on: [{ object: 'Namespace airflow', reason: 'is being deleted' }] }
  await runStep(storage({ check: inTurn<Check>(leaving, leaving, leaving, drifted) }), {}, { check: leaving }, all)
  t.same(all.writes.acts.map(({ verb }) => verb), ['apply'])
  t.same(all.told().slice(0, 2), ['waiting Namespace airflow', 'ready Namespace airflow'])
})

void t.test('what never can be judged is a timeout that names it', async (t) => {
  const leaving: Check = { state: 'waiting', on: [{ object: 'Namespace airflow', reason: 'is being deleted' }] }
  t.match(await caught(runStep(storage({ check: inTurn<Check>(leaving) }), {}, undefined, deps())), { code: 'TIMEOUT', message: /Namespace airflow/ })
})

void t.test('a transient refusal is tried again from a new look, three times in all', async (t) => {
  const all = deps({ writes: recordingWriter(() => refused(true)) })
  t.match(await caught(runStep(storage({ check: inTurn(drifted) }), {}, undefined, all)), { code: 'CALL_FAILED' })
  t.equal(all.writes.acts.length, 3)
  t.same(all.effects, [1, 2, 3])
  t.same(all.told().filter((line) => line === 'retry').length, 2)

  let once = 0
  const mended = deps({ writes: recordingWriter(() => (once++ === 0 ? refused(true) : undefined)) })
  t.match(await runStep(storage({ check: inTurn(drifted) }), {}, undefined, mended), { tries: 2, changed: 2 })
})

void t.test('the second try makes what is still missing, not what was planned at first', async (t) => {
  let once = 0
  const all = deps({ writes: recordingWriter(() => (once++ === 0 ? refused(true) : undefined)) })
  const rest: Check = { state: 'drifted', changes: [configMap('two')] }
  await runStep(storage({ check: inTurn<Check>(drifted, rest) }), {}, undefined, all)
  t.same(all.writes.acts.map(({ what }) => what), [['ConfigMap one', 'ConfigMap two'], ['ConfigMap two']])
})

void t.test('what no retry can mend is tried once', async (t) => {
  const all = deps({ writes: recordingWriter(() => refused(false)) })
  t.match(await caught(runStep(storage({ check: inTurn(drifted) }), {}, undefined, all)), { code: 'CALL_FAILED' })
  t.equal(all.writes.acts.length, 1)
})

void t.test('an interruption is not tried again', async (t) => {
  const all = deps({ writes: recordingWriter(() => {
    all.stop.abort()
    return refused(true)
  }) })
  await caught(runStep(storage({ check: inTurn(drifted) }), {}, undefined, all))
  t.equal(all.writes.acts.length, 1)
})

const wish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, values: {}, timeoutSeconds: 1 }
const release: Change = { op: 'release', want: wish, sameWish: false, why: 'it is not installed' }

void t.test('where Helm only says that it failed the cause is looked for and named', async (t) => {
  const helm = step({
    name: 'helm', apply: makeChanges, check: inTurn<Check>({ state: 'drifted', changes: [release] }),
    verify: inTurn(failed('pvc-no-usable-storageclass', 10_000)),
    explain: () => Promise.resolve(['PersistentVolumeClaim airflow/data: Pending', 'event: no persistent volumes available']),
  })
  const all = deps({ writes: recordingWriter(() => new AirstripError('HELM_FAILED', 'Helm could not finish release airflow/airflow.', { seen: ['Error: timed out'] })) })
  t.match(await caught(runStep(helm, {}, undefined, all)), {
    code: 'HELM_FAILED', findings: [{ id: 'pvc-no-usable-storageclass' }], next: 'mend pvc-no-usable-storageclass',
    seen: ['Error: timed out', 'PersistentVolumeClaim airflow/data: Pending', 'event: no persistent volumes available'],
  })
})

void t.test('an explanation that breaks costs only itself', async (t) => {
  const helm = step({
    name: 'helm', apply: makeChanges, check: inTurn<Check>({ state: 'drifted', changes: [release] }),
    verify: () => Promise.reject(new Error('unreachable')), explain: () => Promise.reject(new Error('unreachable')),
  })
  const all = deps({ writes: recordingWriter(() => new AirstripError('HELM_FAILED', 'Helm could not finish release airflow/airflow.', { seen: ['Error: timed out'] })) })
  t.match(await caught(runStep(helm, {}, undefined, all)), { code: 'HELM_FAILED', seen: ['Error: timed out'] })
})

void t.test('what becomes ready between the change and its verification is told so', async (t) => {
  const helm = step({
    name: 'helm', check: inTurn<Check>({ state: 'drifted', changes: [release] }), verify: inTurn<Look>(waiting('Pod airflow/a', 'Pod airflow/b'), waiting('Pod airflow/b'), done),
    apply: async () => {
      // Longer than the watch keeps quiet, so that it looks once while Helm is at work.
      await all.clock.sleep(3000)
    },
  })
  const all = deps()
  await runStep(helm, {}, undefined, all)
  t.same(all.told().filter((line) => line.startsWith('ready')), ['ready Pod airflow/a', 'ready Pod airflow/b'])
})

void t.test('what crashed before the change does not end the wait after it', async (t) => {
  const all = deps()
  const crashed = { ...failed('crash-loop', 10_000), triedAt: new Date(all.clock.now().getTime() - 60_000).toISOString() } as Look
  const verify = inTurn<Look>(...Array.from({ length: 20 }, () => crashed), done)
  t.match(await runStep(storage({ check: inTurn(drifted), verify }), {}, undefined, all), { changed: 2 })
  await t.rejects(runStep(storage({ check: inTurn(satisfied), verify: inTurn(crashed) }), {}, undefined, deps()), { code: 'FAILED' }, 'where nothing was changed it does')
  t.match(await runStep(storage({ check: inTurn(satisfied), verify: inTurn<Look>(...Array.from({ length: 20 }, () => crashed), done) }), {}, undefined, { ...deps(), changedAt: all.clock.now() }), { changed: 0 }, 'unless an earlier step did')
})

void t.test('while a change is made its step is looked at as of its beginning, and afterwards as it is', async (t) => {
  const all = deps()
  const [began, asked] = [all.clock.now(), [] as (Date | undefined)[]]
  let finish: () => void
  const helm = step({
    name: 'helm', check: inTurn<Check>({ state: 'drifted', changes: [release] }),
    apply: () => new Promise((resolve) => {
      finish = resolve
    }),
    verify: (_spec, _reader, since) => {
      asked.push(since)
      finish()
      return Promise.resolve(done)
    },
  })
  await runStep(helm, {}, undefined, all)
  t.same(asked, [began, undefined])
})
