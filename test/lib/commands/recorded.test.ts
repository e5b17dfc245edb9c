import t from 'tap'
import { readRecorded } from '../../../lib/commands/recorded.ts'
import type { State } from '../../../lib/engine/state.ts'
import { real } from '../engine/recorded.ts'

const { helm, ...others } = real.steps
const failedWith = (fingerprint?: string): State => ({ ...real, steps: { ...others, helm: { ...helm, status: 'failed', fingerprint } } })

function said(state: State, wish: string): Promise<string[]> {
  const file = { path: 'state.json', read: () => JSON.stringify(state), write: () => Promise.resolve(), moveAside: () => '' }
  return readRecorded(file, (name) => (name === 'helm' ? wish : undefined)).then((recorded) => recorded.said.map(({ source }) => source))
}

void t.test('what a step said of a wish that has changed since says nothing of now', async (t) => {
  t.same(await said(failedWith('a'), 'a'), ['step helm, in state.json'])
  t.same(await said(failedWith('a'), 'b'), [], 'the configuration was corrected')
  t.same(await said(failedWith(), 'b'), ['step helm, in state.json'], 'of an older airstrip, which wrote down none')
})

void t.test('a step that was left out is told as such', async (t) => {
  const skipped = async (steps: State['steps']) => {
    const file = { path: 'state.json', read: () => JSON.stringify({ ...real, steps: { ...real.steps, ...steps } }), write: () => Promise.resolve(), moveAside: () => '' }
    return (await readRecorded(file, () => undefined)).state.skipped
  }
  t.same(await skipped({ ingress: { status: 'skipped' }, executor: { status: 'done', doneAt: '2026-01-01T00:00:00.000Z' } }), ['ingress'])
  t.same(await skipped({ ingress: { status: 'skipped' }, executor: { status: 'pending' } }), [], 'and not where no run has gone past it')
})
