import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cronEntry, findEntry, isTooLong, withEntry } from '../../../lib/schedule/crontab.ts'
import { unquotable } from '../../../lib/schedule/quote.ts'
import { everyOf, hostile, planFor } from './plan.ts'

const plan = planFor({ keeper: 'cron', runAs: undefined })
const entry = cronEntry(plan, 'home', true)
const others = [
  '',
  'MAILTO=joe\n0 4 * * * backup\n',
  '# airstrip schedule by hand\n@daily  x\t\n\n\n',
  '5 * * * * date +\\%F >> "/tmp/log file"\n\n',
  '* * * * * caf\xe9\r\n',
]

void t.test('what was put in is taken out, and every other line is as it was', (t) => {
  for (const before of others) {
    const there = withEntry(before, entry, undefined)
    t.ok(there.startsWith(before) && there.endsWith('# airstrip schedule end\n'))
    const found = findEntry(there)
    t.match(found, { marker: { keeper: 'cron', mode: 'report', every: '15m' }, text: entry })
    if (found === undefined || found === 'broken') throw new Error('it is not found')
    t.equal(withEntry(there, '', found), before)
    const after = `${there}0 5 * * * later\n`
    const [again, changed] = [findEntry(after), cronEntry({ ...plan, mode: 'repair' }, 'home', true)]
    if (again === undefined || again === 'broken') throw new Error('it is not found among others')
    t.equal(withEntry(after, changed, again), `${before}${changed}0 5 * * * later\n`, 'other flags change it where it stands')
  }
  t.end()
})

void t.test('nothing is touched where somebody wrote between our lines, or half of them is gone', (t) => {
  const lines = entry.split('\n')
  const broken = {
    'a line of theirs': [...lines.slice(0, 2), '0 1 * * * mine', ...lines.slice(2)],
    'no end': lines.slice(0, 3),
    'no beginning': lines.slice(1),
    'twice': [...lines.slice(0, -1), ...lines],
  }
  for (const [name, text] of Object.entries(broken)) t.equal(findEntry(text.join('\n')), 'broken', name)
  t.equal(findEntry('0 1 * * * /opt/airstrip/run.ts schedule run --cron\n'), undefined, 'a line by hand is not ours')
  t.end()
})

void t.test('it also runs at boot, waits a moment of its own, and tells syslog', (t) => {
  const [, times = '', boot = ''] = entry.split('\n')
  t.match(times, /^\d+-59\/15 \* \* \* \* sleep \d+; \{ cd \/opt\/airstrip && PATH=\S+ AIRSTRIP_SCHEDULED=report .* schedule run --cron --mode report --every 15m --config .*; \} 2>&1 \| logger -t airstrip$/)
  t.match(boot, /^@reboot sleep \d+; \{ cd /)
  t.notMatch(cronEntry(plan, 'home', false), 'logger', 'where there is none, cron mails it')
  t.notOk(isTooLong(entry))
  t.ok(isTooLong(cronEntry({ ...plan, config: `/${'x'.repeat(900)}` }, 'home', true)))
  t.end()
})

void t.test('a shell that cron starts gets every word as it was meant', (t) => {
  const folder = join(t.testdir({}), hostile)
  mkdirSync(folder, { recursive: true })
  const node = join(folder, 'node')
  writeFileSync(node, '#!/bin/sh\nprintf \'%s\\n\' "$PWD" "$AIRSTRIP_SCHEDULED" "$@"\n')
  chmodSync(node, 0o755)
  const config = join(folder, 'air strip.yaml')
  const odd = planFor({ keeper: 'cron', mode: 'repair', every: everyOf('1m'), config, context: 'it\'s %h $1', program: { node, loader: 'file:///a%20b', checkout: folder } })
  const [, line = ''] = cronEntry(odd, 'home', false).split('\n')
  t.notMatch(line, /(^|[^\\])%/, 'no bare percent sign, which would end the command')
  const command = line.replace(/^(\S+ ){5}sleep \d+; /, '').replaceAll('\\%', '%')
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' })
  t.same((stdout + stderr).trim().split('\n'), [folder, 'repair', '--import=file:///a%20b', `${folder}/run.ts`, 'schedule', 'run', '--cron', '--mode', 'repair', '--every', '1m', '--config', config, '--state', '/home/joe/state/state.json', '--context', 'it\'s %h $1'])
  t.end()
})

void t.test('what neither can name is refused with the reason', (t) => {
  for (const text of ['/a\nb', '/a\rb', '/a\u0000b', '/a\u001bb', '/a ', '/a\\']) t.ok(unquotable(text, false), JSON.stringify(text))
  t.equal(unquotable(hostile, true), undefined)
  t.equal(unquotable('/a\\b', false), undefined)
  t.match(unquotable('/a\\b', true), 'backslash')
  t.end()
})
