import t from 'tap'
import { leftOut, selectSteps, type Selection } from '../../../lib/engine/selection.ts'
import { steps } from '../../../steps/index.ts'
import { thrown } from '../../fakes/caught.ts'

const names = (selection: Selection): string => selectSteps(steps, selection).map(({ number }) => number).join('')

void t.test('a step is chosen by name or by number, from, to, only and skip together', (t) => {
  const table: [Selection, string][] = [
    [{}, '123456'],
    [{ from: 'storage' }, '3456'],
    [{ from: '3' }, '3456'],
    [{ from: '03' }, '3456'],
    [{ to: 'helm' }, '1234'],
    [{ from: '2', to: 'helm' }, '234'],
    [{ only: ['ingress', '2'] }, '25'],
    [{ skip: ['prereq', '5'] }, '2346'],
    [{ from: 'provisioner', to: '5', skip: ['helm'] }, '235'],
    [{ only: ['helm', 'storage'], from: 'helm' }, '4'],
  ]
  for (const [selection, chosen] of table) t.equal(names(selection), chosen, JSON.stringify(selection))
  t.end()
})

void t.test('all unknown steps are told at once, each with what was likely meant', (t) => {
  t.match(thrown(() => names({ from: 'storag', to: '7', only: ['helmm'], skip: ['INGRESS', ''] })), {
    code: 'USAGE', exitCode: 64,
    seen: [/^"storag" is no step; did you mean storage\? Steps are 1 prereq, 2 provisioner/, /^"7" is no step/, /^"helmm" .*did you mean helm\?/, /^"INGRESS"/, /^"" is no step/],
  })
  t.end()
})

void t.test('a selection that leaves nothing is refused', (t) => {
  for (const selection of [{ from: 'helm', to: 'storage' }, { only: [] }, { only: ['helm'], skip: ['helm'] }] as Selection[]) {
    t.match(thrown(() => names(selection)), { code: 'USAGE', next: /--from must not come after --to/ }, JSON.stringify(selection))
  }
  t.end()
})

void t.test('what is left out is found through others, each once, with who needs it', (t) => {
  const left = (selection: Selection): string[] => leftOut(steps, selectSteps(steps, selection)).map(({ step, neededBy }) => `${step.name} for ${neededBy}`)
  t.same(left({}), [])
  t.same(left({ only: ['helm'] }), ['provisioner for helm', 'storage for helm'])
  t.same(left({ only: ['executor'] }), ['helm for executor', 'provisioner for executor', 'storage for executor'])
  t.same(left({ only: ['ingress', 'executor'], skip: [] }), ['helm for ingress', 'provisioner for ingress', 'storage for ingress'])
  t.same(left({ from: 'helm', skip: ['executor'] }), ['provisioner for helm', 'storage for helm'])
  t.same(left({ only: ['prereq', 'storage'] }), [])
  t.end()
})
