import t, { type Test } from 'tap'
import { planTeardown, tearDown, type RecordedTeardown } from '../../../lib/engine/teardown.ts'
import { emptyState } from '../../../lib/engine/state.ts'
import { refOf } from '../../../lib/changes.ts'
import type { KubernetesObject, Reader, Writer } from '../../../lib/access.ts'
import type { Change, Demolition, Step, StepName, Takedown } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { recordingWriter } from '../../fakes/writer.ts'
import { patience, step } from './steps.ts'

const object = (name: string, more: Partial<KubernetesObject['metadata']> = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow', uid: `uid-${name}`, ...more } })
const remove = (live: KubernetesObject): Change => ({ op: 'delete', live, why: 'airstrip made it' })

/** A step that made one object, and is asked about it as the cluster has it. */
function maker(name: StepName, needs: StepName[] = [], heard: Demolition[] = []): Step {
  return step({
    name, needs,
    takedown: async (_, reader, asked): Promise<Takedown> => {
      heard.push(asked)
      const [live] = await reader.get([refOf(object(name))])
      const leaving = live?.metadata.deletionTimestamp !== undefined
      return { state: 'ready', goes: live === undefined || leaving ? [] : [remove(live)], stays: [{ object: `Secret airflow/${name}`, why: 'kept' }], leaving: leaving ? [{ object: `ConfigMap airflow/${name}`, reason: 'is being deleted' }] : [] }
    },
  })
}

/** A cluster that really changes: what is deleted first is on its way out, and gone after some seconds. */
function world(steps: Step[], names: string[], goneAfterMs = 3000) {
  const objects = names.map((name) => object(name))
  const told = patience()
  const writes = recordingWriter()
  const state = emptyState(told.clock.now())
  const saved: string[] = []
  const writer: Writer = {
    ...writes,
    remove: async (live, how) => {
      await writes.remove(live, how)
      const index = objects.findIndex(({ metadata }) => metadata.uid === live.metadata.uid)
      objects.splice(index, 1, object(live.metadata.name, { deletionTimestamp: 'now' }))
      told.clock.at(told.clock.passed() + goneAfterMs, () => {
        objects.splice(objects.findIndex(({ metadata }) => metadata.name === live.metadata.name), 1)
      })
    },
  }
  const look = (): Reader => clusterReader({ objects: [...objects] })
  const deps: RecordedTeardown = {
    steps, config: {}, data: false, look, writer: () => writer, clock: told.clock, emit: told.emit, signal: told.stop.signal, pauseMs: () => 1000, state,
    save: (now) => {
      saved.push(JSON.stringify(Object.fromEntries(Object.entries(now.steps).map(([name, { status }]) => [name, status]))))
      return Promise.resolve()
    },
  }
  return { deps, objects, told, state, saved, acts: writes.acts }
}

const names: StepName[] = ['storage', 'helm', 'ingress']
const three = (heard?: Demolition[]): Step[] => [maker('storage', [], heard), maker('helm', ['storage'], heard), maker('ingress', ['helm'], heard)]

void t.test('the last step goes first, each is waited for until it is gone, and the record says pending', async (t) => {
  const heard: Demolition[] = []
  const steps = three(heard)
  const all = world(steps, names)
  const plan = await planTeardown(steps, all.deps)
  t.same(plan.map(({ step: { name } }) => name), ['ingress', 'helm', 'storage'])
  t.same(heard.map(({ goes }) => goes.length), [0, 1, 2], 'each hears of what goes before it')
  t.same(heard.at(-1)?.stays.map(({ object: kept }) => kept), ['Secret airflow/ingress', 'Secret airflow/helm'])
  await tearDown(plan, all.deps)
  t.same(all.acts.map(({ verb, what }) => `${verb} ${what.join()}`), ['dismiss ConfigMap ingress', 'dismiss ConfigMap helm', 'dismiss ConfigMap storage'], 'none waits inside kubectl')
  t.same(all.objects, [])
  t.match(all.state.steps, { storage: { status: 'pending', changed: 1 }, helm: { status: 'pending' }, ingress: { status: 'pending' } })
  t.equal(all.saved[0], '{"ingress":"started"}', 'started is written before the first effect')
  t.ok(all.told.told().includes('waiting ConfigMap airflow/helm') && all.told.told().includes('ready ConfigMap airflow/helm'))
})

void t.test('what came after it was shown is not taken down', async (t: Test) => {
  const steps = three()
  const all = world(steps, ['storage', 'helm'])
  const plan = await planTeardown(steps, all.deps)
  all.objects.push(object('ingress'))
  all.objects.splice(all.objects.findIndex(({ metadata }) => metadata.name === 'helm'), 1, object('helm', { uid: 'another' }))
  t.match(await caught(tearDown(plan, all.deps)), { code: 'MOVED', place: 'helm', seen: ['ConfigMap airflow/helm'] })
  t.same(all.acts, [])
  t.match(all.state.steps, { helm: { status: 'failed', error: { code: 'MOVED' } } })
})

void t.test('what does not go is named with its reason when the time is up', async (t) => {
  const steps = three()
  const all = world(steps, names, 10_000_000)
  const plan = await planTeardown(steps, all.deps)
  t.match(await caught(tearDown(plan, { ...all.deps, timeoutMs: 5000 })), { code: 'TIMEOUT', exitCode: 70, seen: ['ConfigMap airflow/ingress: is being deleted'] })
  t.equal(all.acts.length, 1, 'and nothing that it stands on was touched')
})

void t.test('interrupted, the next run goes on with what is left', async (t) => {
  const steps = three()
  const all = world(steps, names)
  const plan = await planTeardown(steps, all.deps)
  all.told.clock.at(1500, () => {
    all.told.stop.abort('SIGINT')
  })
  t.match(await caught(tearDown(plan, all.deps)), { code: 'INTERRUPTED' })
  t.match(all.state.steps, { ingress: { status: 'failed', error: { code: 'INTERRUPTED' } } })
  const fresh = { ...all.deps, signal: new AbortController().signal }
  await tearDown(await planTeardown(steps, fresh), fresh)
  t.same(all.objects, [])
  t.equal(all.acts.length, 3, 'each was asked to go once')
})

void t.test('nothing is taken from under what is not selected and still stands', async (t) => {
  const steps = three()
  const all = world(steps, names)
  t.match(await caught(planTeardown(steps.slice(0, 1), all.deps)), { code: 'SELECTION', exitCode: 64, seen: ['helm stands on storage, and is not selected', 'ingress stands on storage, and is not selected'] })
  t.same((await planTeardown(steps.slice(1), all.deps)).map(({ step: { name } }) => name), ['ingress', 'helm'])
  const without = world(steps, ['storage'])
  t.same((await planTeardown(steps.slice(0, 1), without.deps)).map(({ goes }) => goes.length), [1])
})

void t.test('a step that only keeps something is left as it was, and one that is blocked ends it all', async (t) => {
  const steps = three()
  const all = world(steps, ['ingress'])
  all.state.steps.storage = { status: 'done' }
  await tearDown(await planTeardown(steps, all.deps), all.deps)
  t.match(all.state.steps, { storage: { status: 'done' }, ingress: { status: 'pending' } })
  const held = { id: 'helm-pending-lock', severity: 'error' as const, title: 'Another Helm is at work', evidence: [], why: '', fix: ['wait'] as [string] }
  const blocked = [step({ name: 'helm', takedown: () => Promise.resolve({ state: 'blocked', findings: [held] }) })]
  t.match(await caught(planTeardown(blocked, { ...all.deps, steps: blocked })), { code: 'BLOCKED', findings: [{ id: 'helm-pending-lock' }] })
})
