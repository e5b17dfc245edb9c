import t from 'tap'
import { isWithin, plannedOf, unseen, wordFor } from '../../../lib/engine/agreement.ts'
import type { KubernetesObject, Release, ReleaseWish } from '../../../lib/access.ts'
import type { Change, Check, Step, StepName } from '../../../lib/step.ts'
import type { StepRecord } from '../../../lib/engine/state.ts'
import { drifted, satisfied, step } from './steps.ts'

const why = 'because'
const map = (name: string, value = '1', uid = 'u'): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'airflow', uid }, data: { value } })
const wish: ReleaseWish = { name: 'airflow', namespace: 'airflow', chart: { reference: 'x', version: '1' }, values: {}, timeoutSeconds: 1 }
const live = {} as Release
const found = [{ path: 'data.value', names: ['data', 'value'], at: ['data', 'value'], want: '1', live: '2' }]

const create: Change = { op: 'create', want: map('a'), why }
const update: Change = { op: 'update', want: map('a'), live: map('a', '2'), found, why }
const patch: Change = { op: 'patch', live: map('a', '2'), patch: [{ op: 'replace', path: '/data/value', value: '1' }], why }
const remove: Change = { op: 'delete', live: map('a'), why }
const freeing: Change = { op: 'delete', freeing: true, live: map('a'), why }
const generate: Change = { op: 'generate', refs: [{ apiVersion: 'v1', kind: 'Secret', name: 's', namespace: 'airflow' }], why, make: () => [] }
const install: Change = { op: 'release', want: wish, sameWish: false, why }
const mend: Change = { op: 'release', want: wish, live, sameWish: true, why }
const upgrade: Change = { op: 'release', want: wish, live, sameWish: false, why }
const unlock: Change = { op: 'unlock', release: wish, why }

void t.test('how much of a say each change needs, as a table', (t) => {
  const never: StepRecord = { status: 'pending' }
  const half: StepRecord = { status: 'failed', agreed: 'wish' }
  const done: StepRecord = { status: 'done', agreed: 'wish', doneAt: '2026-01-01T00:00:00Z' }
  const other: StepRecord = { ...done, agreed: 'another wish' }
  const table: [string, Change, never: string, half: string, done: string][] = [
    ['create', create, 'install', 'install', 'repair'],
    ['generate', generate, 'install', 'install', 'repair'],
    ['install', install, 'install', 'install', 'repair'],
    ['mend', mend, 'install', 'install', 'repair'],
    ['unlock', unlock, 'install', 'install', 'repair'],
    ['free a stuck pod', freeing, 'change', 'install', 'repair'],
    ['update', update, 'change', 'repair', 'repair'],
    ['patch', patch, 'change', 'repair', 'repair'],
    ['delete', remove, 'change', 'repair', 'repair'],
    ['upgrade', upgrade, 'change', 'change', 'change'],
  ]
  for (const [what, change, ...words] of table) {
    t.same([never, half, done].map((record) => wordFor([change], record, 'wish')), words, what)
    t.equal(wordFor([change], other, 'wish'), 'change', `${what} for a new wish`)
  }
  t.end()
})

void t.test('of several changes the one that needs most counts, and no change needs nothing', (t) => {
  t.equal(wordFor([create, update], { status: 'pending' }, 'wish'), 'change')
  t.equal(wordFor([], { status: 'pending' }, 'wish'), 'nothing')
  t.ok(isWithin('install', 'repair') && isWithin('repair', 'repair') && !isWithin('repair', 'install') && !isWithin('change', 'repair'))
  t.end()
})

void t.test('what was shown is not news, and what became of it in between is', (t) => {
  const shown = [create, update, patch, remove, generate, install]
  t.same(unseen(shown, shown), [])
  t.same(unseen(shown, [create]), [], 'nor is less of it')
  const news: Change[] = [
    { ...create, want: map('b') },
    { ...update, found: [{ ...found[0], live: '3' }] } as Change,
    { ...patch, patch: [{ op: 'replace', path: '/data/value', value: '9' }] },
    { ...remove, live: map('a', '1', 'another uid') },
    { ...install, want: { ...wish, values: { a: 1 } } },
  ]
  for (const change of news) t.same(unseen(shown, [change]), [change], change.op)
  t.same(unseen([install], [freeing, unlock, install]), [], 'freeing what is stuck is part of what was shown')
  t.same(unseen([create], [freeing, unlock, create]), [freeing, unlock], 'but only where the release was')
  const upgraded: Change = { ...upgrade, live: { values: { by: 'somebody else' } } as unknown as Release }
  t.same(unseen([upgrade], [upgraded]), [upgraded], 'and what somebody else made of the release meanwhile is not overwritten unseen')
  t.same(unseen([upgrade], [upgraded], true), [], 'unless it was a try of our own')
  const edited: Change = { ...upgrade, edits: [patch] }
  t.same(unseen([upgrade], [edited]), [edited], 'what was edited by hand meanwhile, Helm would put back unseen')
  t.same(unseen([edited], [edited]), [])
  t.end()
})

void t.test('a plan ends where a step cannot go on', (t) => {
  const named = (name: StepName): Step => step({ name })
  const blocked: Check = { state: 'blocked', findings: [{ id: 'x', severity: 'error', title: '', evidence: [], why: '', fix: [''] }] }
  const chosen = (['prereq', 'provisioner', 'storage', 'helm'] as const).map(named)
  const seen = (second: Check) => new Map<StepName, { check: Check }>([['prereq', { check: satisfied }], ['provisioner', { check: drifted }], ['storage', { check: second }], ['helm', { check: drifted }]])
  t.same(plannedOf(chosen, seen(satisfied)).map((planned) => planned.step), ['provisioner', 'helm'])
  t.same(plannedOf(chosen, seen(blocked)).map((planned) => planned.step), ['provisioner'])
  t.end()
})
