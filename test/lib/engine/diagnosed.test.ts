import t from 'tap'
import { diagnosed } from '../../../lib/engine/diagnosed.ts'
import { runStep } from '../../../lib/engine/step-run.ts'
import { AirstripError, type ErrorCode } from '../../../lib/errors.ts'
import type { Finding, StepName } from '../../../lib/step.ts'
import { makeChanges } from '../../../lib/changes.ts'
import { caught } from '../../fakes/caught.ts'
import { clusterReader } from '../../fakes/reader.ts'
import { recordingWriter } from '../../fakes/writer.ts'
import { drifted, failed, finding, inTurn, patience, step } from './steps.ts'

const warning = (id: string): Finding => ({ ...finding(id), severity: 'warning' })

async function of(found: readonly Finding[] | Error, own: Finding[] = [], { code = 'FAILED', name = 'helm' }: { code?: ErrorCode; name?: StepName } = {}): Promise<AirstripError> {
  const error = new AirstripError(code, 'it is so', { findings: own, seen: ['last words'], next: 'look' })
  return diagnosed(name, error, { diagnose: () => (found instanceof Error ? Promise.reject(found) : Promise.resolve([...found])), signal: new AbortController().signal })
}

const ids = ({ findings }: AirstripError): string[] => findings.map(({ id }) => id)

void t.test('what the rules find is the error\'s finding, the deeper first, and what the wait found is kept', async (t) => {
  const error = await of([finding('node-not-ready'), finding('image-not-found')], [finding('image-not-found'), finding('crash-loop')])
  t.match(error, { code: 'FAILED', message: 'it is so', seen: ['last words'], next: 'mend node-not-ready' })
  t.same(ids(error), ['node-not-ready', 'image-not-found', 'crash-loop'])
  t.same(ids(await of([finding('image-not-found', 'another image')], [finding('image-not-found')])), ['image-not-found', 'image-not-found'], 'the same id is not the same cause')
})

void t.test('what another explains comes after it, also where only the rules know', async (t) => {
  const root = finding('crash-loop')
  const error = await of([root, { ...finding('claim-missing'), causes: [root] }], [finding('claim-missing', 'Claim a is missing')])
  t.same(ids(error), ['crash-loop', 'claim-missing', 'claim-missing'])
  t.same(error.findings[2]?.causes, [root])
})

void t.test('what the step has ended for comes before what is wrong besides, which a run may mend once it comes that far', async (t) => {
  const root = finding('dags-not-readable')
  const ended = { ...finding('job-failed'), causes: [root] }
  const error = await of([finding('node-affinity-mismatch'), root, ended], [finding('job-failed')], { name: 'storage' })
  t.same(ids(error), ['dags-not-readable', 'node-affinity-mismatch', 'job-failed'])
  t.equal(error.next, 'mend dags-not-readable')
})

void t.test('a warning is the cause only where nothing else is', async (t) => {
  t.same(ids(await of([warning('two-default-storageclasses')], [finding('crash-loop')])), ['crash-loop'])
  t.same(ids(await of([warning('two-default-storageclasses')])), ['two-default-storageclasses'])
})

void t.test('what only is not there yet is no cause of what comes before it', async (t) => {
  const later = [finding('release-not-installed'), finding('route-missing')]
  t.same(ids(await of([finding('node-not-ready'), ...later], [], { name: 'storage' })), ['node-not-ready'])
  t.same(ids(await of([finding('route-missing')], [], { name: 'ingress' })), ['route-missing'])
})

void t.test('an error gets no worse: rules that break, find nothing, or are interrupted leave it as it is', async (t) => {
  for (const found of [new Error('no cluster'), []]) t.match(await of(found, [finding('crash-loop')]), { findings: [{ id: 'crash-loop' }], seen: ['last words'] })
  const stop = new AbortController()
  const error = new AirstripError('FAILED', 'it is so')
  const diagnose = (): Promise<Finding[]> => {
    stop.abort()
    return Promise.resolve([finding('node-not-ready')])
  }
  t.equal(await diagnosed('helm', error, { diagnose, signal: stop.signal }), error)
  t.equal(await diagnosed('helm', error, { signal: new AbortController().signal }), error, 'nobody to ask')
})

void t.test('no cluster is asked for the cause of what lies elsewhere', async (t) => {
  for (const code of ['CONSENT', 'MOVED', 'INTERRUPTED', 'CHART_UNAVAILABLE', 'INTERNAL'] as const) t.same(ids(await of([finding('node-not-ready')], [], { code })), [], code)
})

void t.test('a step asks once, when no other try is left, with what it knows itself', async (t) => {
  const told = patience()
  const asked: AirstripError[] = []
  const refused = new AirstripError('CALL_FAILED', 'kubectl apply was refused.', { transient: true })
  const writes = recordingWriter(() => refused)
  const deps = { ...told, timeoutMs: undefined, look: () => clusterReader(), writer: () => writes, agree: () => Promise.resolve(), beforeEffect: () => Promise.resolve(), diagnose: (error: AirstripError) => {
    asked.push(error)
    return Promise.resolve([finding('admission-webhook-down')])
  } }
  const storage = step({ name: 'storage', apply: makeChanges, check: inTurn(drifted), verify: inTurn(failed('static-pv-mismatch', 0)) })
  t.match(await caught(runStep(storage, {}, undefined, deps)), { code: 'CALL_FAILED', findings: [{ id: 'admission-webhook-down' }] })
  t.equal(writes.acts.length, 3)
  t.match(asked, [{ message: 'kubectl apply was refused.' }])
  t.equal(asked.length, 1)
})
