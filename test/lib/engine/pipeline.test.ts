import t from 'tap'
import { AirstripError } from '../../../lib/errors.ts'
import { resumePoint, runPipeline } from '../../../lib/engine/pipeline.ts'
import { parseState, stateVersion, type StepRecord } from '../../../lib/engine/state.ts'
import type { Check, Look, Step, StepName } from '../../../lib/step.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { changesOf, deps, named, type Deps } from './scripted.ts'
import { drifted, failed, finding, inTurn, satisfied } from './steps.ts'

const warnings = ({ events }: Deps): string[] => events.flatMap((event) => (event.type === 'warning' ? [event.finding.id] : []))

void t.test('on a good cluster nothing is written, neither there nor here', async (t) => {
  const steps = [named('provisioner', inTurn(satisfied)), named('storage', inTurn(satisfied))]
  const all = deps(steps)
  await runPipeline(steps, all)
  t.equal(changesOf(all), 0)
  t.same(all.journal, [])
  t.match(all.state, { cluster: 'uid-of-this-cluster', steps: { provisioner: { status: 'done', changed: 0 }, storage: { status: 'done', changed: 0 } } })
})

void t.test('"started" is written before the effect and "done" after', async (t) => {
  const steps = [named('storage', inTurn(drifted))]
  const all = deps(steps)
  await runPipeline(steps, all)
  t.equal(changesOf(all), 2)
  t.same(all.journal, ['storage started', 'apply', 'storage done'])
  t.match(all.state.steps.storage, { status: 'done', tries: 1, changed: 2, evidence: ['all is well'], fingerprint: /^[0-9a-f]{64}$/, ms: Number })
})

void t.test('what a change warns of is told before anybody is asked, and once', async (t) => {
  const warned: Check = { ...drifted, warnings: [{ ...finding('database-not-dumped'), severity: 'warning' }] }
  const late: Check = { ...drifted, warnings: [{ ...finding('chart-chosen'), severity: 'warning' }] }
  const steps = [named('helm', inTurn(warned)), named('ingress', inTurn(satisfied, late), { verify: inTurn<Look>({ state: 'done', evidence: ['up'], warnings: [{ ...finding('not-proven'), severity: 'warning' }] }) })]
  const before: string[][] = []
  const all = deps(steps, { consent: () => Promise.resolve(before.push(warnings(all)) < 0) })
  await runPipeline(steps, all)
  t.same(before, [['database-not-dumped'], ['database-not-dumped', 'chart-chosen']], 'of a step whose changes come to light later, too')
  t.same(warnings(all), ['database-not-dumped', 'chart-chosen', 'not-proven'])
  t.match(all.state.steps.helm, { warnings: [{ id: 'database-not-dumped' }] })
})

void t.test('what a change warns of since an earlier step changed something is told before it is made', async (t) => {
  const warned: Check = { ...drifted, warnings: [{ ...finding('database-not-dumped'), severity: 'warning' }] }
  const steps = [named('storage', inTurn(drifted)), named('helm', inTurn(drifted, warned))]
  const all = deps(steps)
  await runPipeline(steps, all)
  t.same(warnings(all), ['database-not-dumped'])
  const isOfHelm = (type: string) => all.events.findIndex((event) => event.type === type && 'step' in event && event.step === 'helm')
  t.ok(isOfHelm('warning') < isOfHelm('change'))
})

void t.test('"failed" is written with its diagnosis, and later steps are not begun', async (t) => {
  const steps = [named('storage', inTurn(drifted), { verify: inTurn(failed('static-pv-mismatch', 0)) }), named('helm', inTurn(drifted))]
  const all = deps(steps)
  t.match(await caught(runPipeline(steps, all)), { code: 'FAILED' })
  t.same(all.journal, ['storage started', 'apply', 'storage failed'])
  t.match(all.state.steps.storage, { status: 'failed', error: { code: 'FAILED', findings: [{ id: 'static-pv-mismatch' }], next: 'mend static-pv-mismatch' } })
  t.match(all.state.steps.helm, { status: 'pending' })
  t.match(all.events.at(-1), { type: 'step-failed', step: 'storage', code: 'FAILED' })
  t.equal(resumePoint(steps, all.state), 'storage')
})

void t.test('what is written of a failed run can be read by the next', async (t) => {
  const steps = [named('storage', inTurn(drifted), { verify: inTurn(failed('static-pv-mismatch', 0)) })]
  const all = deps(steps)
  await caught(runPipeline(steps, all))
  t.match(parseState(JSON.stringify(all.state), 'state.json'), { version: stateVersion, steps: { storage: { status: 'failed' } } })
})

void t.test('what was seen of a failed Job stays written until the step is done, whatever ends the next run', async (t) => {
  const witnessed = [{ at: '2023-08-02T10:20:00Z', job: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrations' } }, pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'migrations-x' } }, logs: [] }]
  const broken = [named('helm', inTurn(drifted), { verify: inTurn(failed('job-failed', 0)) })]
  const first = deps(broken)
  await caught(runPipeline(broken, { ...first, witnessed: () => witnessed }))
  const readBack = parseState(JSON.stringify(first.state), 'state.json')
  t.match(readBack, { steps: { helm: { status: 'failed', witnessed } } })
  const second = { ...deps(broken), state: readBack ?? first.state }
  await caught(runPipeline(broken, second))
  t.match(second.state.steps.helm, { status: 'failed', witnessed }, 'nobody has looked')
  await caught(runPipeline(broken, { ...second, witnessed: () => [] }))
  t.same(second.state.steps.helm?.witnessed, [], 'who has looked knows better')
  const steps = [named('helm', inTurn(drifted))]
  const third = { ...deps(steps), state: readBack ?? first.state }
  await runPipeline(steps, third)
  t.equal(third.state.steps.helm?.witnessed, undefined)
})

void t.test('after a change the next step is looked at anew, without one it is not', async (t) => {
  const checks: string[] = []
  const counted = (name: StepName, answer: Check): Step => named(name, () => {
    checks.push(name)
    return Promise.resolve(answer)
  })
  const steps = [counted('provisioner', satisfied), counted('storage', drifted), counted('helm', satisfied)]
  await runPipeline(steps, deps(steps))
  t.same(checks, ['provisioner', 'storage', 'helm', 'helm'])
})

void t.test('a step that is needed, not selected and not in place is refused before any write', async (t) => {
  const provisioner = named('provisioner', inTurn(drifted))
  const storage = named('storage', inTurn<Check>({ state: 'waiting', on: [{ object: 'Namespace airflow', reason: 'is being deleted' }] }))
  const helm = named('helm', inTurn(drifted), { needs: ['provisioner', 'storage'] })
  const all = deps([provisioner, storage, helm])
  t.match(await caught(runPipeline([helm], all)), {
    code: 'SELECTION', exitCode: 64,
    seen: [/^helm needs provisioner .*not in place and not selected/, /^helm needs storage/],
  })
  t.same([all.journal, all.writes.acts], [[], []])
  t.notMatch(Object.values(all.state.steps).map(({ status }) => status).join(), /started|failed|done/)
})

void t.test('a step that is needed and in place need not be selected', async (t) => {
  const provisioner = named('provisioner', inTurn(satisfied))
  const helm = named('helm', inTurn(drifted), { needs: ['provisioner'] })
  const all = deps([provisioner, helm])
  await runPipeline([helm], all)
  t.equal(changesOf(all), 2)
  t.match(all.state.steps, { provisioner: { status: 'skipped' }, helm: { status: 'done' } })
})

void t.test('a step that never went well and that a later run goes past is left out for good, and one that did is not', async (t) => {
  const before = async (record: Partial<StepRecord>, chosen: StepName[]) => {
    const steps = (['helm', 'ingress', 'executor'] as const).map((name) => named(name, inTurn(satisfied), { needs: name === 'helm' ? [] : ['helm'] }))
    const all = deps(steps)
    all.state.steps.ingress = { status: 'failed', error: { code: 'FAILED', sentence: 'no Traefik', seen: [], next: 'mend it', findings: [] }, ...record }
    await runPipeline(steps.filter(({ name }) => chosen.includes(name)), all)
    return all.state.steps.ingress
  }
  t.match(await before({}, ['helm', 'executor']), { status: 'skipped', error: { sentence: 'no Traefik' } }, 'as --skip ingress does')
  t.match(await before({}, ['helm']), { status: 'failed' }, 'a run that did not come so far says nothing of it')
  t.match(await before({}, ['executor']), { status: 'failed' })
  t.match(await before({ doneAt: '2023-08-02T10:00:00.000Z' }, ['helm', 'executor']), { status: 'failed' })
  t.match(await before({}, ['helm', 'ingress', 'executor']), { status: 'done' }, 'and it is there again when it is chosen')
})

void t.test('a step that is blocked is written down as failed, and nothing of it is begun', async (t) => {
  const broken = (failed('two-default-storageclasses', 0) as Extract<Look, { state: 'failed' }>).findings
  const steps = [named('provisioner', inTurn<Check>({ state: 'blocked', findings: broken }))]
  const all = deps(steps)
  t.match(await caught(runPipeline(steps, all)), { code: 'BLOCKED' })
  t.same(all.journal, ['provisioner failed'])
})

void t.test('the state of another cluster ends the run before anything is changed', async (t) => {
  const steps = [named('storage', inTurn(drifted))]
  const all = deps(steps)
  all.state.cluster = 'uid-of-another'
  t.match(await caught(runPipeline(steps, all)), { code: 'STATE_FOREIGN', place: 'state/state.json' })
  t.same([all.journal, all.writes.acts], [[], []])
  t.equal(all.state.cluster, 'uid-of-another')
})

void t.test('who may not read kube-system is not stopped by that, an unreachable cluster stops all', async (t) => {
  const steps = [named('storage', inTurn(satisfied))]
  const refusing = (code: 'CALL_FAILED' | 'CLUSTER_UNREACHABLE') => () => ({ ...clusterReader(), get: () => Promise.reject(new AirstripError(code, 'no')) })
  const refused = deps(steps, { look: refusing('CALL_FAILED') })
  await runPipeline(steps, refused)
  t.equal(changesOf(refused), 0)
  t.match(await caught(runPipeline(steps, deps(steps, { look: refusing('CLUSTER_UNREACHABLE') }))), { code: 'CLUSTER_UNREACHABLE' })
})

void t.test('a first look that is refused is made again when its turn comes', async (t) => {
  const refused = new AirstripError('CALL_FAILED', 'kubectl get was refused.')
  const steps = [named('storage', inTurn(drifted)), named('helm', inTurn<Check>(refused as never, satisfied))]
  const all = deps(steps)
  await runPipeline(steps, all)
  t.equal(changesOf(all), 2)
  t.match(all.state.steps.helm, { status: 'done' })
})

void t.test('the tries are counted, and a final error is not tried again', async (t) => {
  let left = 2
  const transient = (): Error | undefined => (left-- > 0 ? new AirstripError('CALL_FAILED', 'refused', { transient: true }) : undefined)
  const steps = [named('storage', inTurn(drifted))]
  const retried = deps(steps, { fail: transient })
  await runPipeline(steps, retried)
  t.same(retried.journal, ['storage started', 'apply', 'storage started', 'apply', 'storage started', 'apply', 'storage done'])
  t.equal(retried.state.steps.storage?.tries, 3)

  const final = deps(steps, { fail: () => new AirstripError('CALL_FAILED', 'refused') })
  await caught(runPipeline(steps, final))
  t.same(final.journal, ['storage started', 'apply', 'storage failed'])
})

void t.test('what nobody foresaw is written down under its own code', async (t) => {
  const steps = [named('storage', inTurn(drifted))]
  const all = deps(steps, { fail: () => new TypeError('x is not a function') })
  t.match(await caught(runPipeline(steps, all)), { code: 'INTERNAL', message: /Step storage met something unforeseen: x is not a function/ })
  t.match(all.state.steps.storage, { status: 'failed', error: { code: 'INTERNAL' } })
})

void t.test('interrupted between two steps the first is done and the second is not begun', async (t) => {
  const steps = [named('storage', inTurn(drifted)), named('helm', inTurn(drifted))]
  const all = deps(steps)
  const told = all.emit
  all.emit = (event) => {
    told(event)
    if (event.type === 'step-done') all.stop.abort()
  }
  t.match(await caught(runPipeline(steps, all)), { code: 'INTERRUPTED', message: /before step helm/ })
  t.match(all.state.steps, { storage: { status: 'done' }, helm: { status: 'pending' } })
})
