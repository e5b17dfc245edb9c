import t from 'tap'
import { AirstripError } from '../../../lib/errors.ts'
import { runPipeline, type PipelineDeps } from '../../../lib/engine/pipeline.ts'
import type { KubernetesObject, Release } from '../../../lib/access.ts'
import type { Check } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { deps, named } from './scripted.ts'
import { drifted, inTurn, satisfied } from './steps.ts'

void t.test('nothing is made before it was agreed to, and a refusal leaves everything as it was', async (t) => {
  const steps = [named('storage', inTurn(drifted))]
  const all = deps(steps, { consent: () => Promise.reject(new AirstripError('CONSENT', 'no')) })
  t.match(await caught(runPipeline(steps, all)), { code: 'CONSENT' })
  t.same([all.writes.acts, all.journal], [[], []])
  t.equal(all.state.steps.storage?.agreed, undefined, 'and what was refused does not count as agreed to')
})

void t.test('what is asked about is told with how much of a say it needs, and remembered once agreed', async (t) => {
  const asked: unknown[] = []
  const steps = [named('storage', inTurn(drifted))]
  const all = deps(steps, { consent: (plan) => {
    asked.push(...plan.map(({ step: name, word, changes }) => [name, word, changes.length]))
    return Promise.resolve(false)
  } })
  await runPipeline(steps, all)
  t.same(asked, [['storage', 'install', 2]])
  t.match(all.state.steps.storage, { agreed: all.state.steps.storage?.fingerprint, doneAt: String })
  t.match(all.events.find(({ type }) => type === 'plan'), { counts: { create: 2 }, changes: [{ step: 'storage', op: 'create', object: 'ConfigMap airflow/one' }, {}] })
})

void t.test('where the cluster moved while a person thought, the new diff is shown and nothing is made', async (t) => {
  const other: Check = { state: 'drifted', changes: [{ op: 'create', want: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'three', namespace: 'airflow' } }, why: 'it is not there' }] }
  const steps = [named('provisioner', inTurn(drifted)), named('storage', inTurn<Check>(drifted, other))]
  const all = deps(steps, { consent: () => Promise.resolve(true) })
  t.match(await caught(runPipeline(steps, all)), { code: 'MOVED', place: 'storage', seen: ['-old', '+new'] })
  t.same(all.writes.acts, [], 'not even of a step that did not move')
})

void t.test('a step whose changes could not be told at first is asked about when its turn comes', async (t) => {
  const asked: string[] = []
  const unknown: Check = { state: 'waiting', on: [{ object: 'Namespace airflow', reason: 'is being deleted' }] }
  const steps = [named('provisioner', inTurn(drifted)), named('storage', inTurn<Check>(unknown, drifted))]
  const all = deps(steps, { consent: (plan) => {
    asked.push(plan.map(({ step: name }) => name).join())
    return Promise.resolve(false)
  } })
  await runPipeline(steps, all)
  t.same(asked, ['provisioner', 'storage'])
})

void t.test('a step that moved while an earlier one was at work is not made', async (t) => {
  const other: Check = { state: 'drifted', changes: [{ op: 'create', want: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'three', namespace: 'airflow' } }, why: 'it is not there' }] }
  const steps = [named('provisioner', inTurn(drifted)), named('storage', inTurn<Check>(drifted, other))]
  const all = deps(steps)
  t.match(await caught(runPipeline(steps, all)), { code: 'MOVED', seen: ['-old', '+new'] })
  t.same(all.journal, ['provisioner started', 'apply', 'provisioner done', 'provisioner done, storage failed'])
})

void t.test('what nobody saw is not agreed to: as wanted, with nobody there, leaves the word as it was', async (t) => {
  const steps = [named('storage', inTurn(satisfied))]
  for (const [attended, agreed] of [[true, true], [false, false]] as const) {
    const all = deps(steps, { attended })
    await runPipeline(steps, all)
    t.equal(all.state.steps.storage?.agreed !== undefined, agreed, `attended: ${String(attended)}`)
  }
})

void t.test('another edition of airstrip makes other things of the same words, so its wish is new', async (t) => {
  const words: string[] = []
  const steps = [named('storage', inTurn(drifted))]
  const consent: PipelineDeps['consent'] = (plan) => {
    words.push(...plan.map(({ word }) => word))
    return Promise.resolve(false)
  }
  const first = deps(steps, { consent })
  await runPipeline(steps, first)
  for (const edition of ['1', '2']) await runPipeline([named('storage', inTurn(drifted))], { ...deps(steps, { consent, edition }), state: structuredClone(first.state) })
  t.same(words, ['install', 'repair', 'change'])
})

void t.test('what is needed and was only added to is there; where something declared is gone it is not', async (t) => {
  const map: KubernetesObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one', namespace: 'airflow' } }
  const edited = (want: unknown): Check => ({ state: 'drifted', changes: [{ op: 'update', want: map, live: map, found: [{ path: 'metadata.labels.a', names: ['metadata', 'labels', 'a'], at: ['metadata', 'labels', 'a'], want, live: 'x' }], why: 'it differs' }] })
  for (const [want, refused] of [[undefined, false], ['y', true]] as const) {
    const all = [named('storage', inTurn(edited(want))), named('helm', inTurn(satisfied), { needs: ['storage'] })]
    const run = runPipeline(all.slice(1), deps(all))
    if (refused) t.match(await caught(run), { code: 'SELECTION' })
    else await run
  }
})

void t.test('what an earlier step of this very run made of the release is no move', async (t) => {
  const want = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, values: {}, timeoutSeconds: 1 }
  const upgrade = (had: string, executor: string): Check => ({ state: 'drifted', changes: [{ op: 'release', want: { ...want, values: { executor } }, live: { values: { had } } as unknown as Release, sameWish: false, why: 'values differ' }] })
  const steps = [named('helm', inTurn(upgrade('old', 'Celery'))), named('executor', inTurn(upgrade('old', 'Kubernetes'), upgrade('new', 'Kubernetes')))]
  const all = deps(steps)
  await runPipeline(steps, all)
  t.same(all.writes.acts.map(({ verb }) => verb), ['upgrade', 'upgrade'])
})
