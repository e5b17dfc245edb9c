import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { grownObjects } from '../../scripts/bench/growth.ts'
import { text, verdicts } from '../../scripts/bench/report.ts'
import type { Result } from '../../scripts/bench/rounds.ts'
import { kept, spread } from '../../scripts/bench/statistics.ts'
import { table } from '../../scripts/bench/table.ts'

void t.test('the median is the middle one, or between the two middle ones', t => {
  t.same(spread([3, 1, 10]), { median: 3, from: 1, to: 10, n: 3 })
  t.same(spread([4, 1, 10, 2]), { median: 3, from: 1, to: 10, n: 4 })
  t.equal(spread([10, 9, 2]).median, 9, 'as numbers, not as words')
  t.throws(() => spread([]))
  t.end()
})

void t.test('columns of numbers stand to the right', t => {
  t.equal(table([['', 's'], ['one', '1.00'], ['three', '10.00']]), '           s\none     1.00\nthree  10.00')
  t.equal(table([['a', 'b'], ['x', 'word'], ['y', '1']]), 'a  b\nx  word\ny  1')
  t.end()
})

const result = (id: string, wall: number, writes = 0): Result => ({
  id, title: id, wall: spread([wall]), cpu: spread([wall]), memory: { process: 90, tree: 120 }, processes: {}, calls: { all: 9, discovery: 0, writes, by: {} },
})

void t.test('ratios and writes can break a promise, what depends on the machine cannot', t => {
  const fine = [result('airstrip', 1), result('shell', 9), result('ansible', 4)]
  t.ok(verdicts(fine, undefined, [], true).every(kept))
  const slow = [result('airstrip', 2, 1), result('shell', 9), result('ansible', 4)]
  t.same(verdicts(slow, undefined, [], true).filter(one => !kept(one)).map(({ promise }) => promise), ['over shell', 'over ansible', 'writes'])
  t.same(verdicts(slow, undefined, [], false).filter(one => !kept(one)).map(({ promise }) => promise), ['over ansible', 'writes'], 'the stand-in chart proves nothing about Helm')
  t.match(text({ about: '', results: slow, grown: [], doctor: [], installs: undefined }, verdicts(slow, undefined, [], true)), /over shell +0\.22 +≤ 0\.12 × +BROKEN/)
  t.end()
})

void t.test('a release grows by exactly as many objects, each with a name of its own', t => {
  const objects = parseAllDocuments(grownObjects(120)).map(document => document.toJS() as { kind: string; metadata: { name: string } })
  t.equal(objects.length, 120)
  t.equal(new Set(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).size, 120)
  t.same([...new Set(objects.map(({ kind }) => kind))], ['ConfigMap', 'Secret', 'Service', 'Deployment'])
  t.end()
})
